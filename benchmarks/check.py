"""Claim: `fde check` on `mutable` and on `functional` takes 6 s in all on 2 cores; with 100,000 orders a day 60 s and
1 GiB at most, each.

Beside it: the same five days by `fde run`, which is what somebody would try by hand to see whether a second run changes
anything. Run from a checkout: .venv/bin/python benchmarks/check.py [shop|large]
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from lab import ROOT, pss_mib

from fde import desk
from fde.pack import Pack

DAYS, USERS, ORDERS = 5, 20_000, 100_000
STATUSES = ("bronze", "silver", "gold", "")


def large(folder: Path) -> Path:
    """A pack of 5 days, 20,000 users and 100,000 orders a day; each day one user in a hundred changes status."""
    chance = random.Random(1)
    statuses = [chance.choice(STATUSES) for _ in range(USERS)]
    for day in range(1, DAYS + 1):
        for user in chance.sample(range(USERS), USERS // 100):
            statuses[user] = chance.choice(STATUSES)
        users = (f"{user},user {user},{status}\n" for user, status in enumerate(statuses))
        (folder / f"users_day-{day}.csv").write_text("user_id,name,status\n" + "".join(users))
        orders = (
            f"2022-01-0{day},{chance.randint(1, 5)},{chance.randint(100, 99_999) / 100:.2f},"
            f"{chance.randrange(USERS)},{day * ORDERS + number}\n"
            for number in range(ORDERS)
        )
        (folder / f"orders_day-{day}.csv").write_text(
            "sales_date,quantity,revenue,user_id,order_id\n" + "".join(orders)
        )
    return folder


def measure(stage: str, pack: Path, commands: list[list[str]]) -> dict[str, float]:
    """Run commands at a new desk: seconds, seconds of processor, and the most memory of all processes at once."""
    with tempfile.TemporaryDirectory(prefix="fde-check-bench-") as folder:
        home = Path(folder)
        world, clock = home / "worlds" / "learner", home / "clocks" / "clock"
        desk.make(world, {"pipeline.py": (ROOT / "solutions" / f"{stage}.py").read_bytes()})
        clock.mkdir(parents=True)
        days = Pack(pack).days
        (clock / "days").write_text(" ".join(days))
        (clock / "day").write_text(days[-1])
        env = {**os.environ, "FDE_WORLD": str(world), "FDE_PACK": str(pack), "PYTHONPATH": str(ROOT / "src")}
        memory, start, before = 0.0, time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        for words in commands:
            command = [
                sys.executable,
                "-c",
                "import sys; from workshop.desk import fde_command; sys.exit(fde_command())",
            ]
            running = psutil.Popen([*command, *words], env=env, stdout=subprocess.DEVNULL)
            while running.poll() is None:
                memory = max(memory, pss_mib([running, *children(running)]))
                time.sleep(0.05)
            assert running.returncode in (0, 1), f"exit code {running.returncode}"
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"seconds": time.monotonic() - start, "processor": cpu, "MiB": memory}


def children(running: psutil.Process) -> list[psutil.Process]:
    try:
        return list(running.children(recursive=True))
    except psutil.Error:
        return []


def main() -> None:
    sizes = sys.argv[1:] or ["shop", "large"]
    found = {}
    with tempfile.TemporaryDirectory(prefix="fde-large-") as folder:
        packs = {"shop": lambda: ROOT / "sources" / "shop", "large": lambda: large(Path(folder))}
        for size in sizes:
            pack = packs[size]()
            runs = [["run", "--day", day] for day in Pack(pack).days]
            for stage in ("mutable", "functional"):
                found[f"{size}, {stage}, check"] = measure(stage, pack, [["check"]])
                found[f"{size}, {stage}, each day run twice by hand"] = measure(stage, pack, [*runs, *runs])
    print(f"{'':50}{'seconds':>9}{'processor':>11}{'MiB':>7}")
    for name, one in found.items():
        print(f"{name:50}{one['seconds']:9.1f}{one['processor']:11.1f}{one['MiB']:7.0f}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
