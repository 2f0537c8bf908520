"""A lake that is copied in the middle of an import, by cp or rsync: running that day again heals what came too late.

rsync copies logs first, by name. cp takes folders as they lie on the disk: it may copy a log that names rows which came
when their folder was done.
"""

import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from fde import lake
from fde.refused import Refused
from tests.conftest import Attendee
from tests.faults.conftest import Terminal

LOG_LAST = """
rsync -a --exclude=_delta_log "$0" "$1"
sleep 0.2
rsync -a "--include=*/" "--include=/**/_delta_log/**" "--exclude=*" "$0" "$1"
"""
PROGRAMS = {"cp": ["cp", "-r"], "rsync": ["rsync", "-a"], "rsync, logs last": ["sh", "-c", LOG_LAST]}
STAGED = re.compile(r"(\.json#|\.checkpoint\.parquet|_last_checkpoint).*(No such file|as it was replaced)")


@pytest.mark.parametrize("program", PROGRAMS)
def test_copied_in_the_middle_of_an_import(program: str, terminal: Terminal, tmp_path: Path) -> None:
    if not shutil.which(program.partition(",")[0]):
        pytest.skip(f"{program} is not installed")
    one = terminal.attendee
    whole = []
    for today in (3, 4):
        one.own["day"] = one.pack.days[today - 1]
        one.again(3)
        whole.append(one.shown())
    stop, late = threading.Event(), 0

    def import_for_ever() -> None:
        other = Attendee(one.path, one.pack, {})
        while not stop.is_set():
            for today in (3, 4):
                other.own["day"] = other.pack.days[today - 1]
                other.again(3)

    importing = threading.Thread(target=import_for_ever)
    importing.start()
    try:
        for number in range(50):
            if number >= 10 and (late or "last" not in program):
                break
            before = lake.newest(one.world.lake, "sales")
            copy = tmp_path / f"copy-{number}" / "learner"
            copy.parent.mkdir()
            command, plain = [*PROGRAMS[program], str(one.path), str(copy.parent)], {**os.environ, "LC_ALL": "C"}
            done = subprocess.run(command, env=plain, capture_output=True, text=True)
            # 24: a file vanished while rsync looked. Of cp the same: of what Delta stages or replaces.
            vanished = done.returncode == 24 or all(STAGED.search(line) for line in done.stderr.splitlines())
            assert vanished, done.stderr
            copied = Attendee(copy, one.pack, dict(one.own))
            assert lake.newest(copied.world.lake, "sales") >= before - 1
            try:
                assert any(copied.shown().equals(state) for state in whole)
            except Refused as refused:
                assert program != "rsync" and "Run its day again" in str(refused)
                late += 1
            copied.own["day"] = one.pack.days[3]
            copied.again(3)
            assert copied.shown().equals(whole[1])
    finally:
        stop.set()
        importing.join()
    if "last" in program:
        assert late, "no rows came too late: this run proved nothing"
