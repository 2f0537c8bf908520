"""A soak: a workshop that runs, rolls back and catches up without end takes no more memory and no more file handles."""

import shutil
import statistics
import time
from collections import defaultdict
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from fde.pack import Pack
from tests.conftest import SHOP
from tests.people import arrived
from tests.room import ROOT, Room
from workshop import desk
from workshop.rehearse.embedded import pages

pytestmark = pytest.mark.embedded

ROUNDS = 2  # without --soak
GROWTH = 1.10  # of the last third over the middle one: caches fill in the first
Samples = dict[str, list[tuple[float, int]]]


def look(room: Room, samples: Samples) -> None:
    """Memory (MiB) and file handles of each part of the room, with all its processes.

    Memory: their part of pages that come from no file. How much of a program's own file is in memory is the kernel's
    choice: the proxy's grew by half when other work had pushed it out and was done.
    """
    found: dict[str, list[float]] = defaultdict(lambda: [0.0, 0])
    for process in room.processes():
        with suppress(psutil.Error, OSError):
            service = process.environ()["FDE_SERVICE"]
            of = pages(process.pid)
            found[service][0] += (of["Pss_Anon"] + of["Pss_Shmem"]) / 2**20
            found[service][1] += process.num_fds()
    for service, (memory, handles) in found.items():
        samples[service].append((memory, int(handles)))


def test_a_soak_leaves_memory_and_file_handles_flat(
    another_room: Room, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    room, minutes = another_room, request.config.getoption("--soak")
    monkeypatch.setenv("FDE_HOME", str(room.home))
    assert room.script("up", "--attendees", "blue", "--detach").returncode == 0
    shutil.copy(ROOT / "solutions" / "functional.py", desk.open("blue").desk / "pipeline.py")
    samples: Samples = defaultdict(list)
    rounds, end = 0, time.monotonic() + minutes * 60
    while rounds < ROUNDS or time.monotonic() < end:
        rounds += 1
        with closing(arrived(room, "blue")) as blue:
            for day in Pack(SHOP).days:
                assert room.script("day", day, "blue").returncode == 0
                assert room.end_of(blue, "blue", room.trigger(blue, "blue", day)) == "success"
        for words in (("roll-back", "blue"), ("deploy", "latest", "blue"), ("catch-up", "4", "blue")):
            done = room.script(*words)
            assert done.returncode == 0, done.stderr
        for kept in (desk.open("blue").path / "kept").iterdir():
            shutil.rmtree(kept)  # former desks are kept for ever, as promised: the disk is not what is watched here
        look(room, samples)
    told = {name: _thirds(taken) for name, taken in samples.items()}
    print(f"{rounds} rounds; MiB and file handles, middle third and last: {told}")
    if minutes:
        assert rounds >= 9, "too short to tell"
        for name, (middle, last) in told.items():
            assert last[0] <= middle[0] * GROWTH + 5, f"{name}: memory grows"
            assert last[1] <= middle[1] * GROWTH + 5, f"{name}: file handles grow"
    assert {"airflow", "scheduler", "dag-processor", "hub", "board"} <= set(samples)
    assert Path(room.home / "worlds" / "blue").is_dir()


def _thirds(taken: list[tuple[float, int]]) -> list[tuple[float, float]]:
    third = max(1, len(taken) // 3)
    parts = (taken[-2 * third : -third] or taken[:1], taken[-third:])
    return [tuple(round(statistics.median(values), 1) for values in zip(*part, strict=True)) for part in parts]  # type: ignore[misc]
