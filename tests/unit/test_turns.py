"""Where there is no room for all tasks, who came first is next."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT
from workshop.turns import RANKS, weight

COMES = st.datetimes(datetime(2026, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC))


def test_every_dag_has_a_rank() -> None:
    assert set(RANKS) == {template.stem for template in (ROOT / "dags").glob("*.py")}


@pytest.mark.parametrize("kind", RANKS)
@given(one=COMES, seconds=st.integers(1, 10**8))
def test_who_came_first_is_next(kind: str, one: datetime, seconds: int) -> None:
    assert weight(f"{kind}.blue", one) > weight(f"{kind}.green", one + timedelta(seconds=seconds))


@given(COMES, COMES)
def test_kinds_go_before_times(one: datetime, other: datetime) -> None:
    order = sorted(RANKS, key=lambda kind: RANKS[kind])
    assert order == ["check", "user_data_dag", "catch_up"]
    assert all(weight(f"{last}.blue", one) < weight(f"{first}.green", other) for last, first in pairwise(order))


@given(COMES)
def test_a_weight_fits_into_airflows_column(came: datetime) -> None:
    assert all(-(2**31) <= weight(f"{kind}.blue", came) < 2**31 for kind in RANKS)
