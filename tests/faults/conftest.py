"""A world of an embedded workshop without the workshop: `fde` runs in a process of its own, as in a terminal."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

import fde.desk
from fde.pack import Pack
from tests.conftest import ROOT, SHOP, Attendee
from workshop import openings

FDE = [sys.executable, "-c", "import sys; from workshop.desk import fde_command; sys.exit(fde_command())"]


@dataclass
class Terminal:
    """The terminal of `learner` in a workshop that lies in `home`."""

    home: Path

    @property
    def attendee(self) -> Attendee:
        """The same world, seen from the test."""
        day = (self.home / "clocks" / "clock" / "day").read_text()
        return Attendee(self.home / "worlds" / "learner", Pack(SHOP), {"day": day})

    def fde(
        self, *words: str, under: list[str] | None = None, seconds: float = 300
    ) -> "subprocess.CompletedProcess[str]":
        """Run `fde` to its end; under: a program that starts it, with its arguments."""
        places = {"FDE_WORLD": str(self.home / "worlds" / "learner"), "FDE_PACK": str(SHOP)}
        return self._run([*(under or []), *FDE, *words], seconds, **places)

    def script(self, name: str, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run one of the scripts of whoever runs the workshop."""
        return self._run([str(ROOT / "scripts" / name), *words], 300)

    def _run(self, command: list[str], seconds: float, **places: str) -> "subprocess.CompletedProcess[str]":
        kept = {key: value for key, value in os.environ.items() if not key.startswith("FDE_")}
        env = {**kept, "FDE_HOME": str(self.home), "PYTHONPATH": str(ROOT / "src"), **places}
        return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=seconds)

    def day(self, number: int) -> None:
        """Let the room's clock say day N."""
        (self.home / "clocks" / "clock" / "day").write_text(Pack(SHOP).days[number - 1])

    def shown(self) -> pd.DataFrame:
        """What the dashboards show."""
        return self.attendee.shown()


def opened(home: Path) -> Terminal:
    """A workshop in a folder, on day 2, both days imported by the functional pipeline."""
    (home / "clocks" / "clock").mkdir(parents=True)
    (home / "clocks" / "clock-learner").mkdir()
    (home / "clocks" / "clock" / "days").write_text(" ".join(Pack(SHOP).days))
    fde.desk.make(home / "worlds" / "learner", {"pipeline.py": (ROOT / "solutions" / "functional.py").read_bytes()})
    terminal = Terminal(home)
    for number in (1, 2):
        terminal.day(number)
        terminal.attendee.again(number)
    return terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return opened(tmp_path / "home")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The openings of the shop."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FDE_HOME", str(tmp_path_factory.mktemp("home")))
        return openings.make(SHOP)


@pytest.fixture
def share(request: pytest.FixtureRequest) -> float:
    """Which part of what the README speaks of is done."""
    return 1.0 if request.config.getoption("--thorough") else 0.1 if request.config.getoption("--long") else 0.05
