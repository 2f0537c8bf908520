"""What a wave of attendees took: seconds by what was waited for, failures, and the load on the machine."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

# What an attendee waits for: the hub's form; JupyterLab's page; a kernel that answers; a run in Airflow, from the
# press of the button to its end; a dashboard.
MEASURES = ("sign-in", "Lab", "kernel", "run", "chart")


@dataclass(frozen=True)
class Spread:
    """Of seconds: the middle one, the one that 95 of 100 stay below or at, the longest, and how many there are."""

    p50: float
    p95: float
    max: float
    count: int


@dataclass(frozen=True)
class Failure:
    """Somebody could not go on: who, at which step, the first line of the cell or what else was tried, and why."""

    attendee: str
    step: str
    at: str
    why: str


@dataclass(frozen=True)
class Memory:
    """Bytes in use: by what grows with the people, JupyterLabs and kernels; and by the room, which is all else.

    The room's are the parts, the tasks of runs, and what JupyterLabs and kernels share.
    """

    room: int
    people: int

    @property
    def all(self) -> int:
        """Both."""
        return self.room + self.people


@dataclass(frozen=True)
class Sample:
    """One look at the machine, `at` seconds (monotonic). cpu: of all cores since the last look, 0 to 100.

    taken: seconds of processor that the rehearsal has taken so far, its room and what plays the attendees.
    """

    at: float
    memory: Memory
    cpu: float
    taken: float


@dataclass
class Wave:
    """Some attendees, who came together and worked through the lesson."""

    people: int
    seconds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in MEASURES})
    failures: list[Failure] = field(default_factory=list)
    misdeeds: list[tuple[str, str]] = field(default_factory=list)  # (attendee, what), all answered as they should be
    samples: list[Sample] = field(default_factory=list)

    @property
    def peak(self) -> Memory:
        """The sample with the most memory in use."""
        return max((one.memory for one in self.samples), key=lambda one: one.all)

    def others(self, cores: int) -> float:
        """The part of all cores that was taken meanwhile by what is not the rehearsal, in the mean, 0 to 100."""
        first, last = self.samples[0], self.samples[-1]
        own = (last.taken - first.taken) / max(last.at - first.at, 1) / cores * 100
        return max(0.0, statistics.mean(one.cpu for one in self.samples) - own)

    def spread(self, measure: str) -> Spread | None:
        """Of one of the MEASURES; None when nobody came that far."""
        return spread(self.seconds[measure])


def spread(seconds: Sequence[float]) -> Spread | None:
    """The spread of some seconds, by nearest rank: each number is one that was measured. None of nothing."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    rank = {percent: ordered[math.ceil(percent / 100 * len(ordered)) - 1] for percent in (50, 95)}
    return Spread(rank[50], rank[95], ordered[-1], len(ordered))
