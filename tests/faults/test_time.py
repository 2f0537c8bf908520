"""Clocks of machines say nothing to the lake: set back by a year, apart between hosts, and after years of retention."""

import os
import random
import time
from pathlib import Path

import pytest

from fde import lake
from tests.conftest import content
from tests.faults.conftest import Terminal

YEAR = 365 * 86_400


def age(folder: Path, seconds: "float | tuple[float, float]") -> None:
    """Let all files of a folder be that many seconds old; or each another age between two."""
    for file in folder.rglob("*"):
        old = seconds if isinstance(seconds, float | int) else random.uniform(*seconds)
        os.utime(file, (time.time() - old,) * 2)


@pytest.mark.parametrize(
    ("what", "seconds"),
    {
        "the clock was set back by a year": -YEAR,
        "files of two hosts whose clocks are a day apart": (-86_400.0, 86_400.0),
        "all is ten years old": 10 * YEAR,
    }.items(),
)
def test_time_of_machines_changes_nothing(what: str, seconds: float, terminal: Terminal) -> None:
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
