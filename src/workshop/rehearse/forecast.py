"""From half of the attendees to all of them, and to as many as the machine holds. Two models, each in a line."""

from dataclasses import dataclass

from workshop.rehearse.misdeeds import HOARD, hoards
from workshop.rehearse.record import Memory, Wave

MEMORY_MODEL = "memory = the room's parts + people x what the JupyterLabs of half of them took each"
RUN_MODEL = (
    "run = that of half of them x people / half, for all are served in turn; x what others left of the processors"
)
LIMIT_SECONDS = 120  # who waits longer for a run believes that it hangs
SPARE = 0.1  # of the free memory: for files that are read again and again, and for surprises


@dataclass(frozen=True)
class Forecast:
    """What `people` attendees take at their peak, in bytes, and the p95 of a run, in seconds."""

    people: int
    memory: float
    run: float


@dataclass(frozen=True)
class Holds:
    """How many people the machine holds: by its memory, of which each takes `each` bytes, and by the wait for a run."""

    by_memory: int
    by_wait: int
    free: int
    each: float

    @property
    def people(self) -> int:
        """The smaller one."""
        return min(self.by_memory, self.by_wait)


def forecast(half: Wave, people: int) -> Forecast | None:
    """What so many people will take, from a wave of fewer. None when nobody of them came as far as a run."""
    run, factor = half.spread("run"), people / half.people
    if not run or not half.samples:
        return None
    hoarded = (hoards(people) - hoards(half.people) * factor) * HOARD  # who takes much on purpose is known
    memory = max(one.memory.room + one.memory.people * factor for one in half.samples) + hoarded
    return Forecast(people, memory, run.p95 * factor)


def holds(wave: Wave, idle: Memory, free: int) -> Holds | None:
    """How many people this machine holds, from a wave of them. None when nobody of them came as far as a run.

    idle: what the room took before anybody came; free: bytes of memory that were free then.
    """
    run = wave.spread("run")
    if not run or not wave.samples:
        return None
    each = max(one.memory.people for one in wave.samples) / wave.people
    parts = max(one.memory.room for one in wave.samples) - idle.room
    left = max(0, free * (1 - SPARE) - parts)
    return Holds(int(left / max(each, 1)), int(wave.people * LIMIT_SECONDS / run.p95), free, each)


def left_by_others(before: Wave, now: Wave, cores: int) -> float:
    """By which factor waits differ because others on this machine took another part of the processors than before.

    No part of the prediction: what else a machine does is not known ahead. On a quiet machine it is 1.
    """
    left = [max(1.0, 100 - wave.others(cores)) for wave in (before, now)]
    return left[0] / left[1]


def deviation(predicted: float, measured: float) -> float:
    """How far a prediction was off, in percent of what was measured."""
    return (predicted / measured - 1) * 100
