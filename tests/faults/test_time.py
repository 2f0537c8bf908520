"""Clocks of machines say nothing to the lake: set back by a year, apart between hosts, and after years of retention."""

import json
import os
import random
import shutil
import time
from pathlib import Path

import pytest

from fde import lake
from fde.commits import log_file
from tests.conftest import content
from tests.faults.conftest import Terminal, opened

YEAR = 365 * 86_400


def age(folder: Path, seconds: "float | tuple[float, float]") -> None:
    """Let all files of a folder be that many seconds old; or each another age between two."""
    for file in folder.rglob("*"):
        old = seconds if isinstance(seconds, float | int) else random.uniform(*seconds)
        os.utime(file, (time.time() - old,) * 2)


@pytest.mark.parametrize(
    ("what", "seconds"),
    {
        "files are of next year": -YEAR,
        "files of two hosts whose clocks are a day apart": (-86_400.0, 86_400.0),
        "all is ten years old": 10 * YEAR,
    }.items(),
)
def test_times_of_files_change_nothing(what: str, seconds: float, terminal: Terminal) -> None:
    one = terminal.attendee
    one.run(3)
    shown = {version: one.world.sales_as_of(version, "2022-01-03") for version in (1, 2, 3)}
    age(one.path, seconds)
    one.run(4, 5)
    age(one.path, seconds)
    one.again(3)
    assert lake.newest(one.world.lake, "sales") == 6
    for version, rows in shown.items():
        assert one.world.sales_as_of(version, "2022-01-03").equals(rows), what


@pytest.mark.skipif(not shutil.which("faketime"), reason="faketime is not installed: no program gets another clock")
@pytest.mark.parametrize(
    ("what", "clocks"),
    {"set back by a year": ("+0d", "-365d", "-365d"), "of two hosts, two days apart": ("-1d", "+1d", "-1d")}.items(),
)
def test_programs_with_other_clocks_import_the_same(
    what: str, clocks: tuple[str, ...], terminal: Terminal, tmp_path: Path
) -> None:
    beside = opened(tmp_path / "beside").attendee
    beside.run(3, 4, 5)
    for number, clock in zip((3, 4, 5), clocks, strict=True):
        terminal.day(number)
        done = terminal.fde("run", under=["faketime", "-f", clock])
        assert done.returncode == 0, done.stderr
        stamp = log_file(terminal.attendee.world.lake, "sales", number).read_text()
        said = int(json.loads(stamp.splitlines()[0])["commitInfo"]["timestamp"]) / 1000
        assert abs(said - time.time() - int(clock[:-1]) * 86_400) < 3600, "its clock was as ours"
    for version in range(1, 6):
        ours, theirs = (one.world.sales_as_of(version, "2022-01-05") for one in (terminal.attendee, beside))
        assert ours.equals(theirs), what
    assert terminal.shown().equals(beside.shown())


def test_10_000_commits_under_retention_lose_no_version(terminal: Terminal, share: float) -> None:
    """Delta cleans its log when it makes a checkpoint; ours must not, however old the files are."""
    count = round(10_000 * share)
    one = terminal.attendee
    path, first = one.world.lake, one.world.sales_as_of(1, "2022-01-01")
    rows = [
        lake.read(path, "sales", version, day=f"2022-01-0{version}").drop_columns("import_date") for version in (1, 2)
    ]
    for number in range(count):
        lake.replace(path, "sales", "2022-01-02", rows[number % 2], read={})
        if number % 50 == 0:
            age(path / "sales" / "_delta_log", 20 * YEAR)
    newest = lake.newest(path, "sales")
    assert newest == count + 2
    logs = {int(file.stem) for file in (path / "sales" / "_delta_log").glob("*.json")}
    assert logs == set(range(newest + 1))
    assert one.world.sales_as_of(1, "2022-01-01").equals(first)
    assert content(path / "code"), "the code that made them is there"
