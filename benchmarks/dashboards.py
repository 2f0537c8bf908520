"""Claims: a dashboard of 300 days is read, and made again from its orders, as fast as by DuckDB over the same files.

A pack of 365 days, 10 M orders, 1 M users a day (`big_pack.py`), imported by the functional pipeline. Beside ours:
DuckDB (the best of three plans), Polars and PySpark straight over the parquet files; pandas over the CSV files, as the
tutorial's pipeline computes. The pack (9 GB) and the lake (3 GB) lie in a folder that is kept for the next time:
FDE_BENCH, default /tmp/fde-bench.
"""

import os
import shutil
import sys
import time
from hashlib import sha256
from pathlib import Path

import big_pack
from pairs import OURS, RIVALS, ROOT, Claim, compare, run

import fde.run
from fde import desk
from fde.clock import Clock
from fde.pack import Pack
from fde.world import World

PLACE = Path(os.environ.get("FDE_BENCH", "/tmp/fde-bench"))
TIMES = 3


def empty_world(path: Path) -> Path:
    """A world without rows, with the functional pipeline; what was there is gone. Returns its folder."""
    shutil.rmtree(path, ignore_errors=True)
    desk.make(path, {"pipeline.py": (ROOT / "solutions" / "functional.py").read_bytes()})
    return path


def lake_of(pack: Pack, path: Path) -> World:
    """A world with all days of a pack, imported as attendees import them; made once."""
    layout = sha256((ROOT / "src" / "fde" / "rows.py").read_bytes()).hexdigest()
    done = path / f"imported-{layout[:8]}"  # files as this code writes them
    now = pack.days[0]
    world = World(path, pack, lambda: Clock(tuple(pack.days), now))
    if not done.exists():
        empty_world(path)
        begin = time.monotonic()
        for now in pack.days:
            fde.run.run(world)
            if now.endswith("01"):
                print(f"  {time.monotonic() - begin:5.0f} s  imported until {now}", file=sys.stderr)
        done.touch()
    return world


def planned(plan: str, lake: str, until: str) -> float:
    """Seconds of DuckDB with one of its plans."""
    return run(RIVALS, "rivals/duckdb_files.py", plan, lake, until)["seconds"]


def measure(small: bool) -> list[Claim]:
    """The claims of this file."""
    size = (60, 100_000, 500_000) if small else (big_pack.DAYS, big_pack.USERS, big_pack.ORDERS)
    pack = Pack(big_pack.make(PLACE / f"pack-{size[0]}-{size[1]}", *size))
    world = lake_of(pack, PLACE / f"world-{size[0]}-{size[1]}" / "learner")
    until = pack.days[-1 - len(pack.days) // 6]
    place, number = str(world.lake), pack.number(until)
    plans = {plan: min(planned(plan, place, until) for _ in range(2)) for plan in ("join", "semi", "daily")}
    best = min(plans, key=lambda plan: plans[plan])
    told = ", ".join(f"{plan} {took:.1f} s" for plan, took in plans.items())
    print(f"  DuckDB's plans: {told}; the best: {best}", file=sys.stderr)
    if not (java := shutil.which("java")):
        print("  no Java here: nothing is compared with PySpark", file=sys.stderr)
    ours = (OURS, "ours/dashboards.py")
    where = (world.path, pack.path, until)
    read = compare(
        "read",
        (*ours, "read", *where),
        {
            "DuckDB": (RIVALS, "rivals/duckdb_files.py", "read", place, until),
            "Polars": (RIVALS, "rivals/polars_files.py", "read", place, until),
            **({"PySpark": (RIVALS, "rivals/spark_files.py", "read", place, until)} if java else {}),
        },
        2 * TIMES,
        {("DuckDB", "seconds"): 1.3},
    )
    computed = compare(
        "compute",
        (*ours, "compute", *where),
        {
            f"DuckDB, {best}": (RIVALS, "rivals/duckdb_files.py", best, place, until),
            "Polars": (RIVALS, "rivals/polars_files.py", "compute", place, until),
            **({"PySpark": (RIVALS, "rivals/spark_files.py", "compute", place, until)} if java else {}),
            "pandas over CSV": (RIVALS, "rivals/pandas_csv.py", pack.path, number),
        },
        TIMES,
        {
            (f"DuckDB, {best}", "seconds"): 1.3,
            (f"DuckDB, {best}", "processor"): 1.3,
            ("pandas over CSV", "seconds"): 0.1,
        },
    )
    peak = next(one.ours for one in computed if one.figure == "peak_mib")
    return [*read, *computed, Claim("compute", "400 MiB", "peak_mib", peak, 400, 1.0)]
