"""The world: what a pipeline may do, and what it may not."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from fde import lake
from fde.changes import sales_moved
from fde.refused import Refused
from tests.conftest import Attendee

Make = Callable[..., Attendee]
DAY_1, DAY_2 = "2022-01-01", "2022-01-02"
GOOD = {"user_id": [1, 2], "name": ["a", "b"], "status": ["x", "y"]}


def write(one: Attendee, frame: object, day: str = DAY_1, table: str = "users") -> None:
    one.world.of_run(DAY_1, b"code").replace(table, day, frame)  # type: ignore[arg-type]


#: what a pipeline hands over -> what the refusal must say
WRONG: dict[str, tuple[object, str]] = {
    "another day": (pd.DataFrame({**GOOD, "import_date": [DAY_1, DAY_2]}), "rows of another day \\(2022-01-02\\)"),
    "a column missing": (pd.DataFrame(GOOD).drop(columns="status"), "missing status"),
    "a column too many": (pd.DataFrame({**GOOD, "age": [1, 2]}), "unknown age"),
    "a blank": (pd.DataFrame({**GOOD, "status": ["x", None]}), "column status has 1 blank"),
    "half a number": (pd.DataFrame({**GOOD, "user_id": [1, 1.5]}), "column user_id should hold int64"),
    "text for a number": (pd.DataFrame({**GOOD, "user_id": ["1", "2"]}), "column user_id should hold int64"),
    "a number for text": (pd.DataFrame({**GOOD, "name": [1, 2]}), "column name should hold string"),
    "the same user twice": (pd.DataFrame({**GOOD, "user_id": [1, 1]}), "two rows with the same user_id"),
    "no frame": ([1, 2], "expected a pandas DataFrame, got list"),
}


@pytest.mark.parametrize("case", WRONG)
def test_rows_that_do_not_fit_are_refused_and_the_lake_is_as_before(case: str, attendee: Make) -> None:
    one = attendee()
    frame, says = WRONG[case]
    with pytest.raises(Refused, match=says):
        write(one, frame)
    assert lake.newest(one.world.lake, "users") == 0


def test_a_date_that_is_none_is_refused(attendee: Make) -> None:
    rows = pd.DataFrame({"sales_date": ["2022-01-00"], "status": ["x"], "orders": 1, "quantity": 1, "revenue_cents": 1})
    with pytest.raises(Refused, match="column sales_date should hold date32.*'2022-01-00'"):
        write(attendee(), rows, table="sales")


def test_a_run_writes_its_own_day_and_no_other(attendee: Make) -> None:
    with pytest.raises(Refused, match="this is the run of 2022-01-01"):
        write(attendee(), pd.DataFrame(GOOD), day=DAY_2)


def test_only_a_run_writes(attendee: Make) -> None:
    with pytest.raises(Refused, match="only a run writes"):
        attendee().world.replace("users", DAY_1, pd.DataFrame(GOOD))


def test_a_table_that_is_none_is_refused(attendee: Make) -> None:
    for act in (
        lambda: write(attendee(), pd.DataFrame(GOOD), table="taxes"),
        lambda: attendee().world.read("taxes", day=DAY_1),
    ):
        with pytest.raises(Refused, match="no table 'taxes'"):
            act()


def test_what_was_written_is_read_back_the_same(attendee: Make) -> None:
    one = attendee()
    write(one, pd.DataFrame(GOOD))
    assert one.world.read("users", day=DAY_1).to_dict("list") == GOOD
    assert one.world.read("users", until=DAY_2).to_dict("list") == {"import_date": [DAY_1, DAY_1], **GOOD}


def test_a_day_that_was_not_imported_is_not_an_empty_one(attendee: Make) -> None:
    one = attendee()
    write(one, pd.DataFrame({name: [] for name in GOOD}).astype({"user_id": "int64"}))
    assert one.world.read("users", day=DAY_1).empty
    with pytest.raises(Refused, match="users of 2022-01-02: not in the lake yet"):
        one.world.read("users", day=DAY_2)


def test_all_reads_of_a_run_see_one_version(attendee: Make) -> None:
    one = attendee()
    write(one, pd.DataFrame(GOOD))
    running = one.world.of_run(DAY_1, b"")
    first = running.read("users", day=DAY_1)
    write(one, pd.DataFrame({**GOOD, "status": ["z", "z"]}))
    assert running.read("users", day=DAY_1).equals(first)
    assert not one.world.read("users", day=DAY_1).equals(first)


def test_nothing_to_show_is_said(attendee: Make) -> None:
    with pytest.raises(Refused, match=r"nothing to show yet.*fde run"):
        attendee().world.sales()


@pytest.mark.parametrize("deployed", ["v1", "v9", "v12345678"])
def test_a_version_that_is_none_is_said_never_an_empty_chart(deployed: str, attendee: Make) -> None:
    one = attendee("mutable")
    one.run(1)
    with pytest.raises(Refused, match=f"no version {deployed[1:]}"):
        one.shown(deployed=deployed)


def test_a_pointer_before_the_first_import_is_said(attendee: Make) -> None:
    one = attendee()
    one.run(2)
    with pytest.raises(Refused, match="deployed 2022-01-01 shows the days until 2022-01-01, and none"):
        one.shown(deployed=DAY_1)


def test_a_version_shows_what_it_held_whatever_the_clock_says(attendee: Make) -> None:
    one = attendee()
    one.run(1, 2, 3)
    seen = one.shown()
    one.own["day"] = DAY_1
    assert one.shown(deployed="v3").equals(seen)
    assert set(one.shown(deployed="latest")["sales_date"]) == {DAY_1}


def test_mutable_sales_have_no_history_to_receipt(attendee: Make) -> None:
    one = attendee("mutable")
    one.run(1)
    assert str(one.world.sales()[1]) == "Receipt: none: this pipeline keeps no history (deployed: latest)."


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "sales_date,status,orders,quantity,revenue_cents\n2022-01-01,x,1,1,\n", "\0"]
)
def test_a_sales_file_that_makes_no_sense_is_named(text: str, attendee: Make) -> None:
    one = attendee("mutable")
    (one.world.files / "sales.csv").write_text(text)
    with pytest.raises(Refused, match=r"files/sales.csv: "):
        one.world.sales()


def test_a_day_without_orders_is_shown_by_a_mutable_pipeline(attendee: Make, shop: Path) -> None:
    (shop / "orders_day-1.csv").write_text("sales_date,quantity,revenue,user_id\n")
    one = attendee("mutable", pack=shop)
    one.run(1)
    assert one.shown().empty


def test_files_that_were_deleted_come_back_with_the_next_run(attendee: Make) -> None:
    one = attendee("mutable")
    one.world.files.rmdir()
    one.run(1)
    assert not one.shown().empty


def test_orders_that_are_none_any_more_are_said(attendee: Make) -> None:
    one = attendee("immutable_users")
    one.run(1, 2)
    for text in ("", "a,b\n1,2\n"):
        (one.world.files / "orders.csv").write_text(text)
        with pytest.raises(Refused, match=r"files/orders.csv: .*fde start-over"):
            sales_moved(one.world, DAY_1, DAY_2)
