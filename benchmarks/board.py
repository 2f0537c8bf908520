"""Shown, not claimed: how long the board takes to look at 100 worlds, unchanged, or 10 of them changed.

A quiet room takes it next to nothing. Beside it: `fde steps` in each world, which an instructor would type instead.
Without Airflow, which each turn asks once.
"""

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import psutil
from lab import pss_mib
from pairs import FDE, ROOT, Claim

import fde.check
from fde import verdicts
from fde.pack import Pack
from fde.trial import Trial
from workshop import clock
from workshop.board.watch import Watch

STAGES = {"mutable": 2, "immutable_users": 2, "functional": 3, "taxed": 4}  # the days that each has run
CHANGED, QUIET_SECONDS = 10, 60
PACK = Pack(ROOT / "sources" / "shop")


def make_worlds(home: Path, number: int) -> dict[str, Trial]:
    """Worlds at four stages of the lesson, each with the verdict on its pipeline. Returns them by name."""
    made = {}
    for stage, days in STAGES.items():
        code = (ROOT / "solutions" / f"{stage}.py").read_bytes()
        first = Trial(home / "stages" / stage, PACK, {"pipeline.py": code})
        for day in PACK.days[:days]:
            first.today = day
            first.run(day)
        verdicts.keep(first.world.path, fde.check.check(first.world), code)
        for n in range(number // len(STAGES)):
            name = f"{stage.replace('_', '-')}-{n}"
            shutil.copytree(first.world.path, home / "worlds" / name)
            made[name] = Trial(home / "worlds" / name, PACK, {})
            made[name].today = first.today
    return made


def change(worlds: list[Trial]) -> None:
    """One more day in each: the next one, or the last one as another pipeline would import it."""
    for one in worlds:
        number = PACK.number(one.today)
        one.today = PACK.day(min(number + 1, len(PACK.days)))
        one.run(one.today)


async def turn(watch: Watch) -> float:
    await watch.turn()
    return watch.seconds


def cpu(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


async def looked(home: Path, number: int, quiet: float) -> dict[str, float]:
    """What turns take, and what a quiet room takes in some seconds."""
    worlds = make_worlds(home, number)
    clock.set_days(PACK.days)
    clock.put(None, "day", PACK.days[3])
    watch = Watch(list(worlds), home / "worlds", home / "board", PACK.path)
    found = {"first look": await turn(watch)}
    found["again, unchanged"] = statistics.median([await turn(watch) for _ in range(20)])
    every = len(worlds) // CHANGED
    change(list(worlds.values())[::every][:CHANGED])
    found[f"again, {CHANGED} changed"] = await turn(watch)
    for one in list(worlds.values())[1::every][:CHANGED]:
        (one.world.desk / "pipeline.py").write_text("def load_users(world, day): pass\n")
    found[f"again, {CHANGED} pipelines edited"] = await turn(watch)
    clock.put(None, "day", PACK.days[4])
    found["again, a day has passed"] = await turn(watch)
    both = [psutil.Process(), *psutil.Process().children()]
    before, running = cpu(both), asyncio.create_task(watch.run())
    await asyncio.sleep(quiet)
    found["CPU seconds a minute, quiet"] = (cpu(both) - before) * 60 / quiet
    looking = asyncio.create_task(watch.changed(watch.version))
    before = cpu(both)
    await asyncio.sleep(quiet)
    found["CPU seconds a minute, quiet, somebody looks"] = (cpu(both) - before) * 60 / quiet
    found["MiB of the reader"] = pss_mib(both[1:])
    found["MiB of its copies"] = (
        sum(file.stat().st_size for file in (home / "board").rglob("*") if file.is_file()) / 2**20
    )
    looking.cancel()
    running.cancel()
    await asyncio.gather(running, looking, return_exceptions=True)
    return found


def by_hand(home: Path, number: int) -> float:
    """Seconds of `fde steps` in each world, reckoned from one of each stage."""
    begin = time.monotonic()
    for stage in STAGES:
        world = home / "worlds" / f"{stage.replace('_', '-')}-1"
        env = {**os.environ, "FDE_WORLD": str(world)}
        subprocess.run([*FDE, "steps"], env=env, stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic() - begin) * number / len(STAGES)


def measure(small: bool) -> list[Claim]:
    """A room of 100 worlds; small: of 20, and a shorter look at quiet."""
    number = 20 if small else 100
    with tempfile.TemporaryDirectory(prefix="fde-board-") as folder, mock.patch.dict(os.environ, FDE_HOME=folder):
        found = asyncio.run(looked(Path(folder), number, QUIET_SECONDS / (10 if small else 1)))
        theirs = by_hand(Path(folder), number)
    for name, one in found.items():
        print(f"  {name:45}{one:9.3f}", file=sys.stderr)
    looks = ("first look", "again, unchanged", f"again, {CHANGED} changed")
    return [Claim(f"board, {look}", "fde steps in each", "seconds", found[look], theirs, None) for look in looks]
