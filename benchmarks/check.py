"""Shown, not claimed: what `fde check` costs on `mutable` and `functional`, in the story and with 100,000 orders a day.

Beside it: the same five days twice by `fde run`, which is what somebody would try by hand to see whether a second run
changes anything.
"""

import os
import random
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
from lab import pss_mib
from pairs import FDE, ROOT, Claim

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


def used(stage: str, pack: Path, commands: list[list[str]]) -> dict[str, float]:
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
            running = psutil.Popen([*FDE, *words], env=env, stdout=subprocess.DEVNULL)
            while running.poll() is None:
                memory = max(memory, pss_mib([running, *children(running)]))
                time.sleep(0.05)
            assert running.returncode in (0, 1), f"exit code {running.returncode}"
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"seconds": time.monotonic() - start, "processor": cpu, "peak_mib": memory}


def children(running: psutil.Process) -> list[psutil.Process]:
    try:
        return list(running.children(recursive=True))
    except psutil.Error:
        return []


def measure(small: bool) -> list[Claim]:
    """The shop of the story; without --small also the large pack."""
    claims = []
    with tempfile.TemporaryDirectory(prefix="fde-large-") as folder:
        packs = {"shop": ROOT / "sources" / "shop"}
        if not small:
            packs["large"] = large(Path(folder))
        for size, pack in packs.items():
            runs = [["run", "--day", day] for day in Pack(pack).days]
            for stage in ("mutable", "functional"):
                ours, theirs = used(stage, pack, [["check"]]), used(stage, pack, [*runs, *runs])
                name = f"check {size} {stage}"
                claims += [Claim(name, "all days twice", figure, ours[figure], theirs[figure], None) for figure in ours]
    return claims
