"""Shown, not claimed: catching up and taking it back from the terminal take as long whatever the lake holds.

Both sides run `fde` in processes of their own on one desk: with 2 GB in its lake, and with an empty one. Also shown:
the bare start of `fde` (its --help), which is most of it.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from unittest import mock

from pairs import FDE, Claim

from fde.pack import Pack
from workshop import clock, desk, openings, settings

GIGABYTES, TIMES = 2, 10


def fde(*words: str) -> float:
    """Seconds of one command."""
    begin = time.monotonic()
    subprocess.run([*FDE, *words], check=True, capture_output=True)
    return time.monotonic() - begin


def seconds() -> dict[str, float]:
    """Of catching up and undoing, in turn; medians."""
    found: dict[str, list[float]] = {"catch-up": [], "catch-up --undo": []}
    for _ in range(TIMES):
        found["catch-up"].append(fde("catch-up", "5"))
        found["catch-up --undo"].append(fde("catch-up", "--undo"))
    return {name: statistics.median(took) for name, took in found.items()}


def measure(small: bool) -> list[Claim]:
    """There is no smaller form."""
    with tempfile.TemporaryDirectory(prefix="fde-catch-up-") as home, mock.patch.dict(os.environ, FDE_HOME=home):
        os.environ["FDE_WORLD"] = f"{home}/worlds/learner"
        clock.set_days(Pack(settings.pack()).days)
        world = desk.make("learner")
        openings.make(settings.pack())
        bare, empty = statistics.median(fde("--help") for _ in range(TIMES)), seconds()
        for number in range(GIGABYTES * 10):
            with (world / "desk" / "lake" / "orders" / f"{number}.parquet").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, 100_000_000)
        full = seconds()
    print(f"  {'bare start of fde':40} {bare:5.2f} s", file=sys.stderr)
    return [Claim(f"{name}, {GIGABYTES} GB", "empty lake", "seconds", full[name], empty[name], None) for name in full]
