"""What a rehearsal found, in the numbers that its JSON and its table show: seconds, MiB, percent."""

import statistics
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any

from workshop.rehearse.forecast import (
    LIMIT_SECONDS,
    MEMORY_MODEL,
    RUN_MODEL,
    deviation,
    forecast,
    holds,
    left_by_others,
)
from workshop.rehearse.record import MEASURES, Failure, Memory, Spread, Wave
from workshop.rehearse.waves import ARRIVAL_SECONDS


@dataclass
class Rehearsal:
    """The waves of a rehearsal: half of the attendees (none when there is one), then all.

    idle: what the room took before anybody came; free: bytes of memory that were free then; cores: of the machine;
    beside: other workshops that ran on it; counted: how memory was counted; disk: bytes of the room's folder.
    """

    kind: bool
    light: bool
    counted: str
    cores: int
    beside: list[str]
    idle: Memory
    free: int
    waves: list[Wave] = field(default_factory=list)
    disk: int = 0

    @property
    def failures(self) -> list[Failure]:
        """Of all waves."""
        return [failure for wave in self.waves for failure in wave.failures]

    def found(self) -> dict[str, Any]:
        """All of it."""
        return {
            "people": self.waves[-1].people,
            "kind": self.kind,
            "light": self.light,
            "arrival_seconds": ARRIVAL_SECONDS,
            "cores": self.cores,
            "beside": self.beside,
            "memory_counted": self.counted,
            "free_mib": _mib(self.free),
            "idle_mib": _mib(self.idle.all),
            "disk_mib": _mib(self.disk),
            "waves": [_wave(wave, self.cores) for wave in self.waves],
            "forecast": self._forecast(),
            "holds": self._holds(),
            "failed": len(self.failures),
        }

    def _forecast(self) -> dict[str, Any] | None:
        half, everybody = self.waves[0], self.waves[-1]
        said, run = forecast(half, everybody.people), everybody.spread("run")
        if half is everybody or not said or not run:
            return None
        return {
            "from": half.people,
            "memory_mib": {"model": MEMORY_MODEL, **_pair(_mib(said.memory), _mib(everybody.peak.all))},
            "run_p95": {"model": RUN_MODEL, **_pair(said.run * left_by_others(half, everybody, self.cores), run.p95)},
        }

    def _holds(self) -> dict[str, Any] | None:
        held = holds(self.waves[-1], self.idle, self.free)
        if not held:
            return None
        numbers = {"people": held.people, "by_memory": held.by_memory, "by_wait": held.by_wait}
        return {**numbers, "each_mib": _mib(held.each), "limit_seconds": LIMIT_SECONDS}


def _wave(wave: Wave, cores: int) -> dict[str, Any]:
    misdeeds: dict[str, list[str]] = defaultdict(list)
    for attendee, what in wave.misdeeds:
        misdeeds[attendee].append(what)
    memory, cpu = [one.memory for one in wave.samples], [one.cpu for one in wave.samples]
    return {
        "people": wave.people,
        "seconds": {name: _rounded(wave.spread(name)) for name in MEASURES},
        "memory_mib": {
            "peak": _mib(wave.peak.all),
            "room": _mib(wave.peak.room),
            "people": _mib(wave.peak.people),
            "mean": _mib(statistics.mean(one.all for one in memory)),
        },
        "cpu_percent": {
            "peak": round(max(cpu)),
            "mean": round(statistics.mean(cpu)),
            "others": round(wave.others(cores)),
        },
        "misdeeds": misdeeds,
        "failures": [asdict(failure) for failure in wave.failures],
    }


def _rounded(spread: Spread | None) -> dict[str, float] | None:
    return {key: round(value, 2) for key, value in asdict(spread).items()} if spread else None


def _pair(predicted: float, measured: float) -> dict[str, float]:
    off = round(deviation(predicted, measured))
    return {"predicted": round(predicted, 1), "measured": round(measured, 1), "deviation_percent": off}


def _mib(size: float) -> int:
    return round(size / 2**20)
