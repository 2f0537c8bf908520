"""Incidents: each changes what a source sends for its day, in one way, and nothing else."""

import subprocess
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fde.incidents import INCIDENTS, overlay
from fde.pack import Pack
from fde.refused import Refused
from tests.conftest import ROOT, SHOP, content

DAYS = Pack(SHOP).days
LAST = DAYS[-1]
NAMES = list(INCIDENTS)
WRONG_ROWS = ("fake-order", "duplicated-file")

#: what stops an import -> what the attendee is told of day 2
STOPS: dict[str, str] = {
    "missing-column": r"users_day-2\.csv, line 1: column 'status' is missing",
    "changed-type": r"orders_day-2\.csv, line 2, column revenue: 'EUR 149,85': expected an amount .*\(40 more",
    "late-file": r"the source sent no orders for 2022-01-02: .*orders_day-2\.csv is missing",
    "wrong-encoding": r"users_day-2\.csv, line 32: not UTF-8 \(byte 0xfc\)",
    "half-a-file": r"orders_day-2\.csv, line 21: .* values where 5 belong",
}


def sent(source: str, day: str) -> bytes:
    return (SHOP / f"{source}_day-{DAYS.index(day) + 1}.csv").read_bytes()


def arrives(name: str, day: str = DAYS[1]) -> bytes | None:
    source = INCIDENTS[name].source
    return overlay([name], source, sent(source, day), lambda: sent(source, DAYS[DAYS.index(day) - 1]))


def test_each_is_either_wrong_rows_or_stops_an_import() -> None:
    assert set(NAMES) == {*WRONG_ROWS, *STOPS}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("day", DAYS[1:])
def test_each_changes_what_arrives(name: str, day: str) -> None:
    assert arrives(name, day) != sent(INCIDENTS[name].source, day)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("day", DAYS)
def test_what_arrives_is_all_right_or_refused(name: str, day: str) -> None:
    """On day 5 the orders of day 4 are those of a user who is gone; on day 1 none came before."""
    pack, source = Pack(SHOP), INCIDENTS[name].source
    if name == "fake-order" or (name == "duplicated-file" and day not in (DAYS[0], LAST)):
        assert pack.rows(source, day, LAST, [(day, name)]) != pack.rows(source, day, LAST)
    else:
        with pytest.raises(Refused):
            pack.rows(source, day, LAST, [(day, name)])


@pytest.mark.parametrize("name", STOPS)
def test_what_is_told_is_where_the_file_is_wrong_and_no_word_of_an_incident(name: str) -> None:
    with pytest.raises(Refused, match=STOPS[name]) as refused:
        Pack(SHOP).rows(INCIDENTS[name].source, DAYS[1], DAYS[1], [(DAYS[1], name)])
    told = str(refused.value).replace(str(SHOP), "")
    assert "incident" not in told
    assert name not in told


def test_the_same_arrives_in_another_process() -> None:
    code = "from tests.unit.test_incidents import arrives, NAMES\nfor name in NAMES: print(arrives(name))"
    told = {
        sha256(
            subprocess.run(
                [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
            ).stdout
        ).hexdigest()
        for seed in ("1", "2")
    }
    here = "".join(f"{arrives(name)}\n" for name in NAMES)
    assert told == {sha256(here.encode()).hexdigest()}


@given(data=st.binary() | st.text('a,"\n\r; é1.0').map(str.encode), names=st.lists(st.sampled_from(NAMES)))
def test_whatever_the_file_is_something_arrives_or_nothing_and_the_same_again(data: bytes, names: list[str]) -> None:
    for source in ("users", "orders"):
        for head in (b"", b"user_id,name,status\n", b"sales_date,quantity,revenue,user_id,order_id\n"):
            once = overlay(names, source, head + data, lambda: None)
            assert once is None or isinstance(once, bytes)
            assert overlay(names, source, head + data, lambda: None) == once


def test_a_fake_order_is_worth_20_days_and_of_a_user_of_that_day(shop: Path) -> None:
    for text in (None, "sales_date,quantity,revenue,user_id\r\n2022-01-02,1,0.10,1\r\n2022-01-02,1,7,2\r\n"):
        if text:
            (shop / "orders_day-2.csv").write_bytes(text.encode())
        pack = Pack(shop)
        clean = pack.rows("orders", DAYS[1], DAYS[1])
        *rows, fake = pack.rows("orders", DAYS[1], DAYS[1], [(DAYS[1], "fake-order")]).to_pylist()
        assert rows == clean.to_pylist()
        assert fake["revenue_cents"] == 20 * sum(clean["revenue_cents"].to_pylist())
        assert fake["user_id"] in pack.rows("users", DAYS[1], DAYS[1])["user_id"].to_pylist()


def test_a_duplicated_file_is_that_of_the_day_before_as_it_is_sent_now() -> None:
    pack = Pack(SHOP)
    day_3, day_4 = DAYS[2:4]
    assert pack.rows("orders", day_4, day_4, [(day_4, "duplicated-file")]) == pack.rows("orders", day_3, day_4)
    assert pack.rows("orders", day_3, day_4) != pack.rows("orders", day_3, day_3)
    with pytest.raises(Refused, match=r"sent no orders for 2022-01-01: .*orders_day-1\.csv is missing"):
        pack.rows("orders", DAYS[0], DAYS[0], [(DAYS[0], "duplicated-file")])


def test_several_happen_one_after_the_other() -> None:
    pack, day = Pack(SHOP), DAYS[1]

    def rows(*names: str) -> int:
        return len(pack.rows("orders", day, day, [(day, name) for name in names]))

    assert rows() == 41
    assert rows("fake-order", "fake-order") == 43
    assert rows("duplicated-file", "fake-order") == 40
    assert rows("fake-order", "duplicated-file") == 39
    with pytest.raises(Refused, match="is missing"):
        rows("late-file", "duplicated-file")


@pytest.mark.parametrize("name", NAMES)
def test_no_other_day_no_other_source_and_no_file_is_touched(name: str, shop: Path) -> None:
    before, pack, source = content(shop), Pack(shop), INCIDENTS[name].source
    for day in DAYS:
        for other in ("users", "orders", "tax_rates"):
            if day != DAYS[1] or other not in (source, "orders"):
                assert pack.rows(other, day, day, [(DAYS[1], name)]) == pack.rows(other, day, day)
    with suppress(Refused):
        pack.rows("orders", DAYS[1], LAST, [(DAYS[1], name)])
    assert content(shop) == before


def test_a_name_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(Refused, match=r"no incident 'fire'\. Incidents: fake-order, duplicated-file, "):
        Pack(SHOP).rows("users", DAYS[1], DAYS[1], [(DAYS[1], "fire")])
