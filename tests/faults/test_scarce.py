"""What runs out: disk, file handles, memory, the right to write. It is said in a line, and the next run heals."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from tests.faults.conftest import Terminal, opened


@contextmanager
def day_3_fails(terminal: Terminal) -> Iterator[pd.DataFrame]:
    """Around what makes day 3 fail: before it is what it was, afterwards it can be run."""
    before = terminal.shown()
    terminal.day(3)
    yield before
    assert terminal.shown().equals(before), "something of day 3 is shown"
    healed = terminal.fde("run")
    assert healed.returncode == 0, healed.stderr
    whole = opened(terminal.home.parent / "beside")
    whole.day(3)
    whole.attendee.again(3)
    assert terminal.shown().equals(whole.shown())


def said_in_a_line(done: "subprocess.CompletedProcess[str]", word: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert word in done.stderr


def test_a_full_disk(full_disk: Path) -> None:
    terminal = opened(full_disk / "home")
    with day_3_fails(terminal):
        filler = full_disk / "filler"
        free = shutil.disk_usage(full_disk).free
        for left in (0, 4096, 8192, 16384, 32768):  # so that it ends at another write each time
            filler.write_bytes(bytes(free - left))
            said_in_a_line(terminal.fde("run"), "space")
        filler.unlink()


def test_a_disk_that_became_read_only(full_disk: Path) -> None:
    terminal = opened(full_disk / "home")
    with day_3_fails(terminal):
        subprocess.run(["mount", "-o", "remount,ro", str(full_disk)], check=True)
        said_in_a_line(terminal.fde("run"), "ead-only")
        assert terminal.fde("show").returncode == 0, "what is there can be looked at"
        subprocess.run(["mount", "-o", "remount,rw", str(full_disk)], check=True)


def test_no_file_handles(terminal: Terminal) -> None:
    with day_3_fails(terminal):
        for most in range(8, 60, 2):
            done = terminal.fde("run", under=["prlimit", f"--nofile={most}"])
            if not done.returncode:
                break
            assert "Traceback" not in done.stderr or "fde/" not in done.stderr, done.stderr
        else:
            raise AssertionError("it never had enough")


def test_out_of_memory(terminal: Terminal) -> None:
    """The kernel kills it: as `kill -9`, at the moment when it holds most."""
    group = Path("/sys/fs/cgroup/fde-scarce")
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no group of processes can be made here: {error.strerror}")
    try:
        with day_3_fails(terminal):
            killed = False
            for mib in range(60, 400, 10):
                (group / "memory.max").write_text(str(mib << 20))
                (group / "memory.swap.max").write_text("0")
                inside = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
                done = terminal.fde("run", under=inside)
                killed = killed or done.returncode == -9
                if not done.returncode:
                    break
            assert killed, "it was never out of memory"
    finally:
        group.rmdir()
