"""Shown, not claimed: roll-back, catch-up, check, replay and export, as functions of the size of the lake.

Each runs `fde` or a script in a process of its own, at a desk whose lake holds 5, 50 and 365 days of 1,000 orders.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import big_pack
from dashboards import PLACE, lake_of
from pairs import FDE, ROOT, Claim

from fde.pack import Pack

TIMES, USERS, ORDERS = 3, 2_000, 1_000


def home_of(days: int) -> tuple[Path, Pack]:
    """A workshop's home folder with one world that has imported all days."""
    pack = Pack(big_pack.make(PLACE / f"operations-pack-{days}", days, USERS, ORDERS * days))
    home = PLACE / f"operations-{days}"
    lake_of(pack, home / "worlds" / "learner")
    for clock, key, value in (("clock", "days", " ".join(pack.days)), ("clock", "day", pack.days[-1])):
        (home / "clocks" / clock).mkdir(parents=True, exist_ok=True)
        (home / "clocks" / clock / key).write_text(value)
    (home / "clocks" / "clock-learner").mkdir(exist_ok=True)
    return home, pack


def call(home: Path, pack: Pack, command: list[str]) -> "subprocess.CompletedProcess[str]":
    """One command, as its user types it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FDE_")}
    env = {**kept, "FDE_HOME": str(home), "PYTHONPATH": str(ROOT / "src"), "FDE_PACK": str(pack.path)}
    if command[0] == sys.executable:
        env["FDE_WORLD"] = str(home / "worlds" / "learner")
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def seconds(home: Path, pack: Pack, command: list[str], after: Callable[[], object]) -> float:
    """The least of some runs."""
    found = []
    for _ in range(TIMES):
        begin = time.perf_counter()
        done = call(home, pack, command)
        found.append(time.perf_counter() - begin)
        if done.returncode not in ((0, 1) if command[-1] == "check" else (0,)):  # 1: it is not functional
            raise SystemExit(f"{' '.join(command)}: {done.stderr[-1000:]}")
        after()
    return min(found)


def measure(small: bool) -> list[Claim]:
    """Each operation at the largest lake beside the same at the smallest."""
    sizes = (5, 50) if small else (5, 50, 365)
    found: dict[str, list[float]] = {}
    for days in sizes:
        home, pack = home_of(days)
        archive = home / "world.fde.tar"
        operations = {
            "roll-back": [str(ROOT / "scripts" / "roll-back"), "learner"],
            "show": [*FDE, "show"],
            "export": [*FDE, "export", str(archive)],
            "replay": [*FDE, "replay"],
            "check": [*FDE, "check"],
            "catch-up": [*FDE, "catch-up", "4"],
        }

        def again(home: Path = home, pack: Path = pack, archive: Path = archive) -> None:
            archive.unlink(missing_ok=True)
            if any((home / "worlds" / "learner" / "kept").iterdir()):
                call(home, pack, [*FDE, "catch-up", "--undo"])

        for name, command in operations.items():
            took = seconds(home, pack, command, again)
            found.setdefault(name, []).append(took)
        shutil.rmtree(home / "clocks" / "clock-learner")
    for name, row in found.items():
        told = "  ".join(f"{days} days {took:6.2f} s" for days, took in zip(sizes, row, strict=True))
        print(f"  {name:10} {told}", file=sys.stderr)
    return [Claim(name, f"{sizes[0]} days", "seconds", row[-1], row[0], None) for name, row in found.items()]
