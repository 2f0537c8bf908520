"""One side of a comparison, in a process of its own: it does its work and prints what that took.

Loaded libraries are not part of it, warm file caches are on both sides. This file needs psutil only, so that rivals can
use it in an environment of their own.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil


def side(work: Callable[[], Iterable[tuple] | None], told: Callable[[], Iterable[tuple]] | None = None) -> None:
    """Do the work and print one line of JSON.

    work: returns the rows of its result, in any order; their digest is how both sides are proven equal. told: returns
    them instead, once the work is done and measured.
    seconds: wall; processor: seconds of all processors, of this process and of what it started; peak_mib: the most
    memory that each of these held, summed, libraries included; read_mib: bytes asked of files, cached or not.
    """
    before = _used()
    begin = time.perf_counter()
    rows = list(work() or ())
    seconds = time.perf_counter() - begin
    after, peak = _used(), _peak_mib()
    rows = list(told()) if told else rows
    took = {name: after[name] - before[name] for name in after}
    text = json.dumps(sorted([str(value) for value in row] for row in rows))
    found = {"seconds": seconds, **took, "peak_mib": peak, "rows": len(rows)}
    print(json.dumps(found | {"digest": hashlib.sha256(text.encode()).hexdigest()}))


def _family() -> list[psutil.Process]:
    me = psutil.Process()
    return [me, *me.children(recursive=True)]


def _used() -> dict[str, float]:
    times = [one.cpu_times() for one in _family()]
    return {
        "processor": sum(t.user + t.system + t.children_user + t.children_system for t in times),
        "read_mib": sum(one.io_counters().read_chars for one in _family()) / 2**20,
    }


def _peak_mib() -> float:
    peaks = (re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{one.pid}/status").read_text()) for one in _family())
    return sum(int(peak[1]) for peak in peaks if peak) / 2**10
