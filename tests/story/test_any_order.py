"""Functional: whatever order the days are imported in, however often, the lake ends the same."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fde.desk
from fde import lake
from fde.pack import Pack
from tests.conftest import SHOP, Attendee

DAYS = Pack(SHOP).days


def fresh(path: Path) -> Attendee:
    one = Attendee(path / "learner", Pack(SHOP), {"day": DAYS[-1]})
    fde.desk.make(one.path, {})
    one.uses("functional")
    return one


def partitions(one: Attendee, version: int) -> dict[str, pd.DataFrame]:
    return {
        day: lake.read(one.world.lake, "sales", version, day=day).to_pandas()
        for day in DAYS
        if lake.commit_of_day(one.world.lake, "sales", day, version)
    }


def same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> bool:
    return one.keys() == other.keys() and all(one[key].equals(other[key]) for key in one)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Sales of the days run once, in order."""
    one = fresh(tmp_path_factory.mktemp("straight"))
    for number in range(1, 6):
        one.again(number)
    return one.shown()


@given(order=st.lists(st.integers(1, 5), max_size=4), last=st.permutations(range(1, 6)))
def test_any_order_and_any_repeat_ends_the_same(
    order: list[int], last: list[int], straight: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> None:
    one = fresh(tmp_path_factory.mktemp("any"))
    for number in order + last:
        one.again(number)
    assert one.shown().equals(straight)
    assert lake.newest(one.world.lake, "sales") == 5, "a repeat makes no commit"


@given(runs=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=6))
def test_a_run_changes_its_own_day_and_no_version_ever_changes(
    runs: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Day 3 is delivered differently from day 4 on, so that when a day is imported makes a difference."""
    one = fresh(tmp_path_factory.mktemp("own"))
    known: list[dict[str, pd.DataFrame]] = [{}]
    for number, today in runs:
        number, today = min(number, today), max(number, today)
        one.own["day"] = DAYS[today - 1]
        one.again(number)
        now = partitions(one, lake.newest(one.world.lake, "sales"))
        others = {day: rows for day, rows in now.items() if day != DAYS[number - 1]}
        assert same(others, {day: rows for day, rows in known[-1].items() if day != DAYS[number - 1]})
        if lake.newest(one.world.lake, "sales") == len(known):
            known.append(now)
    for version, content in enumerate(known):
        assert same(partitions(one, version), content)
