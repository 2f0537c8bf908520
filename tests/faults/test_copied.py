"""A lake that is copied in the middle of imports, by cp or rsync, is a lake: the next run heals what came too late."""

import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from fde import lake
from tests.conftest import Attendee
from tests.faults.conftest import Terminal

PROGRAMS = {"cp": ["cp", "-r"], "rsync": ["rsync", "-a"]}


@pytest.mark.parametrize("program", PROGRAMS)
def test_copied_in_the_middle_of_an_import(program: str, terminal: Terminal, tmp_path: Path) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    one = terminal.attendee
    whole = []
    for today in (3, 4):
        one.own["day"] = one.pack.days[today - 1]
        one.again(3)
        whole.append(one.shown())
    stop = threading.Event()

    def import_for_ever() -> None:
        other = Attendee(one.path, one.pack, {})
        while not stop.is_set():
            for today in (3, 4):
                other.own["day"] = other.pack.days[today - 1]
                other.again(3)

    importing = threading.Thread(target=import_for_ever)
    importing.start()
    try:
        for number in range(10):
            before = lake.newest(one.world.lake, "sales")
            copy = tmp_path / f"copy-{number}" / "learner"
            copy.parent.mkdir()
            done = subprocess.run([*PROGRAMS[program], str(one.path), str(copy.parent)], capture_output=True, text=True)
            assert done.returncode in (0, 24), done.stderr  # 24: a file vanished while rsync looked
            copied = Attendee(copy, one.pack, dict(one.own))
            assert lake.newest(copied.world.lake, "sales") >= before - 1
            assert any(copied.shown().equals(state) for state in whole)
            copied.own["day"] = one.pack.days[3]
            copied.again(3)
            assert copied.shown().equals(whole[1])
    finally:
        stop.set()
        importing.join()
