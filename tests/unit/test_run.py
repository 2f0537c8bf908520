"""A run: the attendee's own mistakes are told by their own line; nothing is written by a run that fails."""

from collections.abc import Callable

import pytest

import fde.run
from fde import lake
from fde.refused import Refused
from tests.conftest import ROOT, Attendee

Make = Callable[..., Attendee]
FUNCTIONAL = (ROOT / "solutions" / "functional.py").read_text()

#: what is wrong with pipeline.py -> (the code, the function called, what the message must begin with and say)
BROKEN: dict[str, tuple[str, str, str]] = {
    "does not parse": (
        FUNCTIONAL.replace("def load_orders(world, day):", "def load_orders(world, day)"),
        "load_users",
        r"pipeline\.py, line 10: def load_orders\(world, day\)\nSyntaxError: expected ':'",
    ),
    "lacks a function": (
        FUNCTIONAL.replace("load_orders", "load_order"),
        "load_orders",
        r"pipeline\.py: there is no function load_orders\(world, day\)",
    ),
    "raises": (
        FUNCTIONAL.replace('users.fillna({"name"', 'users["stattus"].fillna({"name"'),
        "load_users",
        r"pipeline\.py, line 6, in load_users: users = users\[\"stattus\"\].*\nKeyError: 'stattus'",
    ),
    "raises at the top": ("1 / 0\n", "load_users", r"pipeline\.py, line 1, in <module>: 1 / 0\nZeroDivisionError"),
    "exits": (
        "def load_users(world, day):\n    exit(3)\n",
        "load_users",
        r"pipeline\.py, line 2, in load_users: exit\(3\)\nSystemExit: 3",
    ),
    "is not UTF-8": ("x = '\udcff'\n", "load_users", r"pipeline\.py.*\nSyntaxError"),
    "writes another day": (
        FUNCTIONAL.replace('world.replace("users", day', 'world.replace("users", "2022-01-02"'),
        "load_users",
        r"pipeline\.py, line 7, in load_users: world\.replace.*\nusers of 2022-01-02: this is the run of 2022-01-01",
    ),
    "takes no arguments": (
        "def load_users():\n    pass\n",
        "load_users",
        r"pipeline\.py\nTypeError: load_users\(\) takes 0",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_mistake_is_told_by_its_line_and_the_lake_is_as_before(case: str, attendee: Make) -> None:
    code, function, says = BROKEN[case]
    one = attendee()
    (one.path / "desk" / "pipeline.py").write_bytes(code.encode("utf-8", "surrogateescape"))
    with pytest.raises(Refused, match=rf"^{one.path}/desk/{says}"):
        fde.run.call(one.world, function, "2022-01-01")
    assert [lake.newest(one.world.lake, table) for table in ("users", "orders", "sales")] == [0, 0, 0]


def test_a_desk_without_a_pipeline_is_said(attendee: Make) -> None:
    one = attendee()
    (one.path / "desk" / "pipeline.py").unlink()
    with pytest.raises(Refused, match=r"pipeline\.py: cannot be read: No such file"):
        one.run(1)


def test_what_runs_is_what_the_file_says_now(attendee: Make) -> None:
    one = attendee()
    one.run(1)
    one.uses(FUNCTIONAL.replace('"status": "none"', '"status": "nobody"'))
    one.run(1)
    assert set(one.shown()["status"]) == {"bronze", "gold", "nobody", "silver"}


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("2022-01-03", "has not happened yet: the clock says 2022-01-02"),
        ("2022-02-01", "is not a day of the story"),
        ("2022-01-00", "is no date"),
        ("2", "is no date"),
        ("", "is no date"),
        ("2022-01-01T00:00:00", "is no date"),
    ],
)
def test_a_day_that_cannot_be_run_is_refused(key: str, says: str, attendee: Make) -> None:
    one = attendee()
    one.own["day"] = "2022-01-02"
    with pytest.raises(Refused, match=says):
        fde.run.start_import(one.world, key)


def test_the_day_is_the_key_else_the_clocks(attendee: Make) -> None:
    one = attendee()
    one.own["day"] = "2022-01-02"
    assert fde.run.start_import(one.world, "2022-01-01") == "2022-01-01"
    assert fde.run.start_import(one.world) == "2022-01-02"


def test_a_bad_row_stops_the_import_at_the_attendees_line(attendee: Make, shop) -> None:  # type: ignore[no-untyped-def]
    file = shop / "orders_day-1.csv"
    file.write_text(file.read_text().replace("2022-01-01", "2022-01-00", 1))
    one = attendee(pack=shop)
    with pytest.raises(
        Refused, match=r"pipeline.py, line 11, in load_orders: .*\n.*orders_day-1.csv, line 2, column sales_date"
    ):
        one.run(1)
    assert lake.newest(one.world.lake, "orders") == 0
