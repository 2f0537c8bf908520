"""What runs out: disk, file handles, memory, the right to write. It is said in a line, and the next run heals."""

import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.conftest import content
from tests.faults.conftest import Terminal, opened
from tests.room import wait_until

#: The two kinds of cgroups: where groups that limit memory are made, and by which file.
LIMITS = {Path("/sys/fs/cgroup/memory"): "memory.limit_in_bytes", Path("/sys/fs/cgroup"): "memory.max"}


def tried(terminal: Terminal, levels: Iterable[int], attempt: Callable[[int], "CompletedProcess[str]"]) -> list[str]:
    """Run day 3 with more and more of what is scarce until it is enough; then look whether all is there.

    Returns what was said each time that it was not. Nothing of day 3 is shown then, and no stack trace of ours.
    """
    before, said = terminal.shown(), []
    terminal.day(3)
    for level in levels:
        done = attempt(level)
        if not done.returncode:
            break
        assert "Traceback" not in done.stderr or "fde/" not in done.stderr, done.stderr
        said.append(done.stderr)
        assert terminal.shown().equals(before), "something of day 3 is shown"
    else:
        raise AssertionError(f"it never was enough: {said}")
    assert terminal.fde("run").returncode == 0
    whole = opened(terminal.home.parent / "beside")
    whole.day(3)
    whole.attendee.again(3)
    assert terminal.shown().equals(whole.shown())
    return said


def test_a_full_disk(full_disk: Path) -> None:
    terminal = opened(full_disk / "home")
    filler = full_disk / "filler"

    def attempt(left: int) -> "CompletedProcess[str]":
        filler.write_bytes(bytes(shutil.disk_usage(full_disk).free - left))
        done = terminal.fde("run")
        filler.unlink()
        return done

    said = tried(terminal, range(0, 200_000, 4096), attempt)  # it ends at another write each time
    assert len(said) >= 3
    assert all("space" in words and "Traceback" not in words for words in said), said


@pytest.mark.parametrize("what", ["deploy", "catch-up", "export"])
def test_a_full_disk_and_what_is_no_import(what: str, full_disk: Path, made: Path) -> None:
    """It is done, or it says in a line why not and all is as it was."""
    terminal = opened(full_disk / "home")
    shutil.copytree(made.parent, terminal.home / "openings", dirs_exist_ok=True)
    filler, said = full_disk / "filler", []
    doing = {
        "deploy": lambda: terminal.script("deploy", "1", "learner"),
        "catch-up": lambda: terminal.fde("catch-up", "5"),
        "export": lambda: terminal.fde("export", str(terminal.home / "learner.fde.tar")),
    }
    before = {file: bytes_ for file, bytes_ in content(terminal.home).items() if "/." not in file}
    for left in range(0, 400_000, 8192):
        filler.write_bytes(bytes(shutil.disk_usage(full_disk).free - left))
        done = doing[what]()
        filler.unlink()
        if not done.returncode:
            break
        assert "space" in done.stderr and "Traceback" not in done.stderr, done.stderr
        said.append(done.stderr)
        after = {file: bytes_ for file, bytes_ in content(terminal.home).items() if "/." not in file}
        assert after == before, f"{set(after) ^ set(before)}"
    else:
        raise AssertionError(f"it never was enough: {said}")
    assert said, "it never was full"


def test_a_disk_that_became_read_only(full_disk: Path) -> None:
    terminal = opened(full_disk / "home")

    def attempt(writable: int) -> "CompletedProcess[str]":
        subprocess.run(["mount", "-o", f"remount,{'rw' if writable else 'ro'}", str(full_disk)], check=True)
        assert terminal.fde("show").returncode == 0, "what is there can be looked at"
        return terminal.fde("run")

    (said,) = tried(terminal, (0, 1), attempt)
    assert "ead-only" in said and "Traceback" not in said


def test_no_file_handles(terminal: Terminal) -> None:
    said = tried(terminal, range(8, 80, 2), lambda most: terminal.fde("run", under=["prlimit", f"--nofile={most}"]))
    assert any(words.startswith("fde: ") for words in said), "the last of them are told by us"


@pytest.fixture
def little_memory() -> Iterator[Callable[[int], list[str]]]:
    """What starts a program with that many MiB at most, by whichever kind of cgroups is there."""
    group = next(top for top in LIMITS if top.is_dir()) / "fde-scarce"
    try:
        group.mkdir(exist_ok=True)
        (group / LIMITS[group.parent]).write_text(str(1 << 30))
    except OSError as error:
        pytest.skip(f"no group of processes can be made here: {error.strerror}")

    def under(mib: int) -> list[str]:
        (group / LIMITS[group.parent]).write_text(str(mib << 20))
        return ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]

    yield under
    wait_until(lambda: not (group / "cgroup.procs").read_text(), 60, "the last of them has ended")
    group.rmdir()


def test_out_of_memory(terminal: Terminal, little_memory: Callable[[int], list[str]]) -> None:
    """The kernel kills it: as `kill -9`, at the moment when it holds most."""
    codes = []

    def attempt(mib: int) -> "CompletedProcess[str]":
        done = terminal.fde("run", under=little_memory(mib), seconds=600)  # paging, instead of ending, takes long
        codes.append(done.returncode)
        return done

    tried(terminal, range(60, 400, 10), attempt)
    assert codes.count(-9) >= 3, f"it was never out of memory: {codes}"
