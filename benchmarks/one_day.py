"""Claims: an import costs what its day costs, whatever lies in the lake; and not more than pyarrow by hand takes.

A day of 1 M users and 27 k orders, from CSV to durable; beside it pyarrow, written by hand, with the same checks and
the same flushes, and no history. Then day N of a lake whose days before are small: what grows with N is the log.
"""

import os
import statistics
import sys
import time
from datetime import date, timedelta
from pathlib import Path

import big_pack
import pyarrow as pa
from dashboards import PLACE, empty_world
from pairs import OURS, RIVALS, Claim, compare, run

from fde import lake, opened
from fde.pack import Pack
from fde.schemas import TABLES

TIMES = 5
DAYS = (1, 10, 100, 1_000, 10_000)
FIRST = date(1990, 1, 1)
POINTER = "_last_checkpoint"  # Delta writes it anew; all else of a lake is written once


def measure(small: bool) -> list[Claim]:
    """The claims of this file."""
    users, orders = (100_000, 2_700) if small else (big_pack.USERS, 27_397)
    pack = Pack(big_pack.make(PLACE / f"day-{users}", 1, users, orders))
    found = imported(pack)
    print(f"  {'day':>6} {'import, s':>10} {'bytes written':>14} {'open':>8} {'first':>8} {'middle':>8} {'last':>8}")
    days = [number for number in DAYS if number <= (100 if small else DAYS[-1])]
    seconds: dict[int, list[float]] = {number: [] for number in days}
    size = dict.fromkeys(days, 0)
    for _ in range(TIMES):  # in turn: what else the machine does falls on all
        for number in days:
            took, size[number] = day_n(pack, number)
            seconds[number].append(took)
    middle = {number: statistics.median(seconds[number]) for number in days}
    for number in days:
        told = " ".join(f"{look * 1000:5.0f} ms" for look in looks(number))
        print(f"  {number:6} {middle[number]:10.3f} {size[number]:14,} {told}", file=sys.stderr)
    for name, cost in (("import", middle), ("bytes", size)):
        found.append(Claim(f"day {days[-1]} against day 1", "day 1", name, cost[days[-1]], cost[days[0]], 1.5))
    return found


def imported(pack: Pack) -> list[Claim]:
    """One day, beside pyarrow by hand. Each time into an empty lake, and over no file."""
    world, by_hand = PLACE / "one-day" / "learner", PLACE / "by-hand"
    by_hand.mkdir(parents=True, exist_ok=True)

    def clean() -> None:
        empty_world(world)
        for file in by_hand.glob("*"):
            file.unlink()

    return compare(
        "import of a day",
        (OURS, "ours/day.py", world, pack.path, 1),
        {"pyarrow by hand": (RIVALS, "rivals/pyarrow_day.py", pack.path, 1, by_hand)},
        TIMES,
        {("pyarrow by hand", "seconds"): 1.3},
        before=clean,
    )


def day_n(pack: Pack, number: int) -> tuple[float, int]:
    """Seconds of the import of the pack's day as day `number`, small days before it; and bytes that it writes.

    What it has written is taken away again: a copy of the lake to throw away would cost the next import more than its
    own work.
    """
    world = filled(number - 1)
    before = {file: file.read_bytes() if file.name == POINTER else b"" for file in world.rglob("*") if file.is_file()}
    took = run(OURS, "ours/day.py", world, pack.path, 1)["seconds"]
    new = [file for file in world.rglob("*") if file.is_file() and file not in before]
    size = sum(file.stat().st_size for file in new)
    for file in new:
        file.unlink()
    for file, text in before.items():
        if file.name == POINTER:
            file.write_bytes(text)
    os.sync()
    return took, size


def looks(number: int) -> list[float]:
    """Seconds of reading one day in a lake of `number` days: newest version (opened first), first, middle, newest."""
    path = filled(number - 1) / "desk" / "lake"
    newest, day, found = lake.newest(path, "orders"), FIRST.isoformat(), []
    for version in (newest, 1, max(1, newest // 2), newest) if newest else ():
        opened._kept.cache_clear()
        begin = time.perf_counter()
        lake.read(path, "orders", version, day=day)
        found.append(time.perf_counter() - begin)
    return found


def filled(days: int) -> Path:
    """A world whose users and orders have that many days of one row each; made once."""
    world = PLACE / f"filled-{days}"
    if not (world / "filled").exists():
        empty_world(world)
        rows = {
            "users": pa.table([[1], ["one"], ["gold"]], TABLES["users"]),
            "orders": pa.table([[FIRST], [1], [100], [1], [None]], TABLES["orders"]),
        }
        for number in range(days):
            for name, row in rows.items():
                lake.replace(world / "desk" / "lake", name, (FIRST + timedelta(number)).isoformat(), row, read={})
        (world / "filled").touch()
    return world
