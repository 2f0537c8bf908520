"""Claim: the board looks at 100 unchanged worlds in well under 0.2 s, at 100 of which 10 changed in under 1 s.

A quiet room takes it next to nothing. Beside it: `fde steps` in each world, which an instructor would type instead.
Without Airflow, which each turn asks once. Run from a checkout: .venv/bin/python benchmarks/board.py [worlds]
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from lab import ROOT, pss_mib

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


async def measure(home: Path, number: int) -> dict[str, float]:
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
    await asyncio.sleep(QUIET_SECONDS)
    found["CPU seconds a minute, quiet"] = cpu(both) - before
    looking = asyncio.create_task(watch.changed(watch.version))
    before = cpu(both)
    await asyncio.sleep(QUIET_SECONDS)
    found["CPU seconds a minute, quiet, somebody looks"] = cpu(both) - before
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
    command = [
        sys.executable,
        "-c",
        "import sys; from workshop.desk import fde_command; sys.exit(fde_command())",
        "steps",
    ]
    begin = time.monotonic()
    for stage in STAGES:
        world = home / "worlds" / f"{stage.replace('_', '-')}-1"
        subprocess.run(command, env={**os.environ, "FDE_WORLD": str(world)}, stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic() - begin) * number / len(STAGES)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory(prefix="fde-board-") as folder:
        home = Path(folder)
        os.environ["FDE_HOME"] = folder
        found = asyncio.run(measure(home, number))
        found["`fde steps` in each world"] = by_hand(home, number)
    print(f"{number} worlds")
    for name, one in found.items():
        print(f"{name:45}{one:9.3f}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
