"""What all tests share: a world in a temporary folder, with a clock the test holds in its hand."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

import fde.desk
import fde.run
from fde.clock import settle
from fde.pack import Pack
from fde.world import World
from tests.room import another_room, room, wait_until  # noqa: F401 - fixtures of tests/embedded and tests/browser

ROOT = Path(__file__).parents[1]
SHOP = ROOT / "sources" / "shop"


@dataclass
class Attendee:
    """A world without a room: the test is the clock."""

    path: Path
    pack: Pack
    own: dict[str, str] = field(default_factory=dict)
    room: dict[str, str] = field(default_factory=dict)

    @property
    def world(self) -> World:
        days = " ".join(self.pack.days)
        return World(self.path, self.pack, lambda: settle({"days": days, **self.room}, self.own, self.path.name))

    def uses(self, solution: str) -> None:
        """Put a stage of the pipeline on the desk, or any code."""
        file = ROOT / "solutions" / f"{solution}.py"
        code = solution if "\n" in solution else file.read_text()
        (self.path / "desk" / "pipeline.py").write_text(code)

    def run(self, *numbers: int) -> None:
        """Let the clock say day N and run it, one after the other."""
        for number in numbers:
            self.own["day"] = self.pack.days[number - 1]
            fde.run.run(self.world)

    def again(self, number: int) -> None:
        """Run day N without moving the clock."""
        fde.run.run(self.world, self.pack.days[number - 1])

    def shown(self, **deployed: str) -> pd.DataFrame:
        """What the dashboards show."""
        self.own.update(deployed)
        return self.world.sales()[0]

    def cents(self, day: int, status: str) -> int:
        """Revenue of one day and status on the dashboards."""
        rows = self.shown().set_index(["sales_date", "status"])["revenue_cents"]
        return int(rows.get((self.pack.days[day - 1], status), 0))


def content(folder: Path) -> dict[str, bytes]:
    """What is in each file below a folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def attendee(tmp_path: Path) -> Callable[..., Attendee]:
    """Makes an attendee: `attendee("functional")`, or with a pack of its own."""

    def make(solution: str = "functional", pack: Path = SHOP, name: str = "learner") -> Attendee:
        one = Attendee(tmp_path / name, Pack(pack))
        fde.desk.make(one.path, {"pipeline.py": b""})
        one.uses(solution)
        return one

    return make


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 8 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    yield disk
    wait_until(lambda: not subprocess.run(["umount", str(disk)], capture_output=True).returncode, 60, "nobody uses it")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A copy of the story's pack, to spoil."""
    return Path(shutil.copytree(SHOP, tmp_path / "shop"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="more examples, and twice as many faults, as CI does")
    parser.addoption("--thorough", action="store_true", help="all kills, cuts and commits that the README speaks of")
    parser.addoption("--fuzz", metavar="MINUTES", type=float, default=0, help="how long each kind of file is spoiled")
    parser.addoption(
        "--soak", metavar="MINUTES", type=float, default=0, help="how long a room is watched for what grows"
    )
    parser.addoption("--keep", metavar="FOLDER", help="keep the cluster of tests/cluster, and take the one of FOLDER")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if any(config.getoption(name) for name in ("--thorough", "--fuzz", "--soak")):
        for item in items:
            item.add_marker(pytest.mark.timeout(0))  # they take as long as was asked for


def pytest_configure(config: pytest.Config) -> None:
    slow = {"deadline": None, "suppress_health_check": list(HealthCheck)}  # each example is a lake on disk
    settings.register_profile("short", max_examples=8, **slow)
    settings.register_profile("long", max_examples=40, **slow)
    settings.load_profile("long" if config.getoption("--long") else "short")
