"""Shown, not claimed: many worlds that import at once, readers beside a writer, two runs of one world on one day.

Worlds are processes of this machine. Beside: the same imports one after the other.
"""

import multiprocessing
import sys
import time
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path

import big_pack
from dashboards import PLACE, empty_world
from pairs import Claim

import fde.run
from fde import lake
from fde.clock import Clock
from fde.pack import Pack
from fde.refused import Refused
from fde.world import World

WORLDS = (1, 5, 20, 50)
READERS, IMPORTS = 8, 20


def world_at(path: Path, pack: Pack) -> World:
    return World(path, pack, lambda: Clock(tuple(pack.days), pack.days[-1]))


def fresh(path: Path, pack: Pack) -> World:
    return world_at(empty_world(path), pack)


def import_all(paths: list[Path], pack: Path, ready: Barrier) -> None:
    """Import all days of a pack, in one world after the other."""
    worlds = [world_at(path, Pack(pack)) for path in paths]
    ready.wait()
    for world in worlds:
        for day in world.pack.days:
            fde.run.run(world, day)


def read_for_ever(path: Path, pack: Path, ready: Barrier, found: "multiprocessing.Queue[tuple[int, float]]") -> None:
    """Look at the dashboard until the last day is shown; tells how often, and how long the slowest look took."""
    world, slowest, looks = world_at(path, Pack(pack)), 0.0, 0
    ready.wait()
    last = ""
    while last != world.pack.days[-1]:
        begin = time.perf_counter()
        rows, _ = world.sales()
        slowest, looks = max(slowest, time.perf_counter() - begin), looks + 1
        last = str(rows["sales_date"].max())
    found.put((looks, slowest))


def import_again(path: Path, pack: Path, ready: Barrier, found: "multiprocessing.Queue[str]") -> None:
    """Run one day at the same moment as somebody else."""
    world = world_at(path, Pack(pack))
    ready.wait()
    try:
        fde.run.run(world, world.pack.days[0])
        found.put("done")
    except Refused:
        found.put("refused")


def measure(small: bool) -> list[Claim]:
    """How much longer n worlds take than one after the other would."""
    pack = Pack(big_pack.make(PLACE / "together-pack", 5, 2_000, 5_000))
    many = multiprocessing.get_context("spawn")
    took: dict[int, float] = {}
    for count in WORLDS[: 2 if small else None]:
        worlds = [fresh(PLACE / "together" / f"learner-{number}", pack) for number in range(count)]
        ready = many.Barrier(count + 1)
        running = [many.Process(target=import_all, args=([one.path], pack.path, ready)) for one in worlds]
        took[count] = seconds(running, ready)
        assert {lake.newest(one.lake, "sales") for one in worlds} == {len(pack.days)}
        print(f"  {count:3} worlds import 5 days at once: {took[count]:.2f} s", file=sys.stderr)
    last, ready = max(took), many.Barrier(2)
    paths = [fresh(PLACE / "together" / f"learner-{number}", pack).path for number in range(last)]
    in_turn = seconds([many.Process(target=import_all, args=(paths, pack.path, ready))], ready)
    readers(pack, many)
    twice(pack, many)
    return [Claim(f"{last} worlds at once", "one after the other", "seconds", took[last], in_turn, None)]


def seconds(running: Sequence[BaseProcess], ready: Barrier) -> float:
    """From the moment that all are ready until all have ended."""
    for process in running:
        process.start()
    ready.wait()
    begin = time.perf_counter()
    ended(running)
    return time.perf_counter() - begin


def ended(running: Sequence[BaseProcess]) -> None:
    """Wait for all. What one of them said stands above."""
    for process in running:
        process.join()
    if any(process.exitcode for process in running):
        raise SystemExit("A process of a world failed: nothing was measured.")


def readers(pack: Pack, many: "multiprocessing.context.SpawnContext") -> None:
    """Many look at one world while it imports."""
    world = fresh(PLACE / "together" / "read", pack)
    fde.run.run(world, pack.days[0])
    ready, found = many.Barrier(READERS + 1), many.Queue()
    looking = [many.Process(target=read_for_ever, args=(world.path, pack.path, ready, found)) for _ in range(READERS)]
    for process in looking:
        process.start()
    ready.wait()
    begin = time.perf_counter()
    for day in pack.days[1:]:
        fde.run.run(world, day)
    wrote = time.perf_counter() - begin
    ended(looking)
    told = [found.get() for _ in looking]
    looks, slowest = sum(looks for looks, _ in told), max(slow for _, slow in told)
    print(
        f"  {READERS} readers beside a writer: 4 days in {wrote:.2f} s, {looks} looks, slowest {slowest:.2f} s",
        file=sys.stderr,
    )


def twice(pack: Pack, many: "multiprocessing.context.SpawnContext") -> None:
    """Two runs of one world on the same day: both done or one refused, never both rows."""
    outcomes: dict[str, int] = {}
    once = fresh(PLACE / "together" / "once", pack)
    fde.run.run(once, pack.days[0])
    whole, _ = once.sales()
    for _ in range(IMPORTS):
        world = fresh(PLACE / "together" / "twice", pack)
        ready, found = many.Barrier(2), many.Queue()
        both = [many.Process(target=import_again, args=(world.path, pack.path, ready, found)) for _ in range(2)]
        for process in both:
            process.start()
        ended(both)
        told = " and ".join(sorted(found.get() for _ in both))
        outcomes[told] = outcomes.get(told, 0) + 1
        rows, _ = world.sales()
        assert rows.equals(whole), "rows were imported twice, or lost"
    print(f"  two runs of one day at once, {IMPORTS} times: {outcomes}", file=sys.stderr)
