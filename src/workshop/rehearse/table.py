"""What a rehearsal found, to be read by people."""

from collections.abc import Iterator
from typing import Any

LINES = 6  # of the reason of a failure
NUMBERS = ("p50", "p95", "max", "count")
NOBODY = dict.fromkeys(NUMBERS[:3], float("nan")) | {"count": 0}


def table(found: dict[str, Any]) -> str:
    """The table of `Rehearsal.found()`."""
    return "\n".join(_lines(found))


def _lines(found: dict[str, Any]) -> Iterator[str]:
    for wave in found["waves"]:
        yield from _wave(wave)
    if said := found["forecast"]:
        yield f"\nFrom {said['from']} people to {found['people']}"
        for words, key in (("memory, MiB", "memory_mib"), ("p95 of a run, s", "run_p95")):
            one = said[key]
            yield (
                f"  {words:<20} predicted {one['predicted']:.1f}, measured {one['measured']:.1f}: "
                f"{one['deviation_percent']:+d} %   {one['model']}"
            )
    if held := found["holds"]:
        yield f"\nThis machine holds about {held['people']} people, if none of them ever pauses to read:"
        yield f"  by memory {held['by_memory']}: {found['free_mib']} MiB were free, and each takes {held['each_mib']}"
        yield f"  by the wait {held['by_wait']}: up to there the p95 of a run stays below {held['limit_seconds']} s"
    yield (
        f"\nOn {found['cores']} cores; attendees came within {found['arrival_seconds']} s and made no pause. "
        f"The room took {found['idle_mib']} MiB of memory before anybody came, and {found['disk_mib']} MiB of disk. "
        f"Memory: {found['memory_counted']}. "
        "Processors: the whole machine, what plays the attendees included."
    )


def _wave(wave: dict[str, Any]) -> Iterator[str]:
    yield "\n" + f"{wave['people']} people, seconds".ljust(22) + "".join(f"{word:>9}" for word in NUMBERS)
    for name, one in wave["seconds"].items():
        one = one or NOBODY
        yield f"  {name:<20}" + "".join(f"{one[key]:9.1f}" for key in NUMBERS[:3]) + f"{one['count']:9}"
    memory, cpu = wave["memory_mib"], wave["cpu_percent"]
    parts = f"room {memory['room']}, people {memory['people']}"
    yield f"  memory, MiB          peak {memory['peak']} ({parts}), mean {memory['mean']}"
    yield f"  processors, %        peak {cpu['peak']}, mean {cpu['mean']}, of which others took {cpu['others']}"
    for attendee, what in wave["misdeeds"].items():
        yield f"  {attendee} did wrong, and the room held: {', '.join(what)}"
    yield f"  {len(wave['failures'])} failed"
    for one in wave["failures"]:
        reason = "\n      ".join(one["why"].splitlines()[:LINES])
        yield f"    {one['attendee']}, {one['step']}, {one['at']}\n      {reason}"
