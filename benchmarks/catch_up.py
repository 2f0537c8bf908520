"""Claim: catching up and taking it back is done within a second from the terminal, whatever the lake holds.

Both sides run `fde` in processes of their own on one desk: with an empty lake, and with 2 GB in it. The ratio is what
holds on any machine; printed beside it is the bare start of `fde` (its --help), which is most of the second.
Run from a checkout: .venv/bin/python benchmarks/catch_up.py
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fde.pack import Pack
from workshop import clock, desk, openings, settings

GIGABYTES, TIMES = 2, 10


def fde(*words: str) -> float:
    """Seconds of one command."""
    begin = time.monotonic()
    subprocess.run([Path(sys.prefix) / "bin" / "fde", *words], check=True, capture_output=True)
    return time.monotonic() - begin


def seconds() -> dict[str, dict[str, float]]:
    """Of catching up and undoing, in turn."""
    found: dict[str, list[float]] = {"catch-up": [], "undo": []}
    for _ in range(TIMES):
        found["catch-up"].append(fde("catch-up", "5"))
        found["undo"].append(fde("catch-up", "--undo"))
    return {key: {"p50": round(statistics.median(all_), 2), "max": round(max(all_), 2)} for key, all_ in found.items()}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="fde-catch-up-") as home:
        os.environ |= {"FDE_HOME": home, "FDE_WORLD": f"{home}/worlds/learner"}
        clock.set_days(Pack(settings.pack()).days)
        world = desk.make("learner")
        openings.make(settings.pack())
        found: dict[str, object] = {"fde --help": round(statistics.median(fde("--help") for _ in range(TIMES)), 2)}
        found["empty lake"] = seconds()
        for number in range(GIGABYTES * 10):
            with (world / "desk" / "lake" / "orders" / f"{number}.parquet").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, 100_000_000)
        found[f"{GIGABYTES} GB"] = seconds()
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
