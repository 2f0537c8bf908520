"""Runs benchmarks one after the other, prints a table of their claims, writes JSON and a picture. See scripts/bench."""

import argparse
import importlib
import json
import platform
import sys
from pathlib import Path

import psutil
from plot import draw

ALL = ("dashboards", "one_day", "operations", "together", "start", "trigger", "catch_up", "check", "board")
CLUSTER = ("cluster", "task_pod")  # only when asked for: each makes a cluster
ROW = "| {:26} | {:20} | {:10} | {:>9} | {:>9} | {:>6} | {:>12} |"


def main() -> int:
    """Returns the exit code: 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("claims", nargs="*", choices=[*ALL, *CLUSTER, []])  # []: none is named
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--json", type=Path, default=Path("bench.json"))
    given = parser.parse_args()
    found = []
    memory = psutil.virtual_memory().total >> 30
    machine = {"cores": psutil.cpu_count(), "memory_gib": memory, "python": platform.python_version()}
    for name in given.claims or ALL:
        print(f"{name} ...", file=sys.stderr)
        found += importlib.import_module(name).measure(given.small)
        told = {"machine": machine, "claims": [one.as_json() for one in found]}  # kept if the next one fails
        given.json.write_text(json.dumps(told, indent=1), "utf-8")
    print(ROW.format("claim", "beside", "figure", "ours", "theirs", "ratio", "at most"))
    print("|---|---|---|---|---|---|---|")
    for one in found:
        goal = "" if one.at_most is None else f"{one.at_most:.2f}" + ("" if one.holds else " missed")
        numbers = (f"{one.ours:.3f}", f"{one.theirs:.3f}", f"{one.ratio:.2f}")
        print(ROW.format(one.claim, one.beside, one.figure, *numbers, goal))
    draw(found, given.json.with_suffix(".png"))
    return 0 if all(one.holds for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
