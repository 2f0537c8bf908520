"""The story, told by its numbers: what each stage of the pipeline shows on each day."""

from collections.abc import Callable

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from fde.changes import sales_moved, sales_seen, users_changed
from fde.refused import Refused
from tests.conftest import Attendee

Make = Callable[..., Attendee]
OAK = 59_950  # cents that user 23, Oak, spends on day 1
DAY_1, DAY_2, DAY_3, DAY_4 = (f"2022-01-0{n}" for n in (1, 2, 3, 4))


def before(frame: pd.DataFrame, day: str) -> pd.DataFrame:
    return frame[frame["sales_date"] < day].reset_index(drop=True)


def test_one_user_holds_a_third_of_day_1(attendee: Make) -> None:
    one = attendee()
    one.run(1)
    share = OAK / one.shown()["revenue_cents"].sum()
    assert 0.30 < share < 0.37


@pytest.mark.parametrize("stage", ["mutable", "immutable_users"])
def test_on_day_2_money_moves_between_yesterdays_bars(stage: str, attendee: Make) -> None:
    one = attendee(stage)
    one.run(1)
    silver, gold, total = one.cents(1, "silver"), one.cents(1, "gold"), one.shown()["revenue_cents"].sum()
    one.run(2)
    assert one.cents(1, "silver") == silver - OAK
    assert one.cents(1, "gold") == gold + OAK
    rows = one.shown()
    assert rows.loc[rows["sales_date"] == DAY_1, "revenue_cents"].sum() == total


def test_mutable_cannot_say_what_changed(attendee: Make) -> None:
    one = attendee("mutable")
    one.run(1, 2)
    with pytest.raises(Refused, match="No idea"):
        users_changed(one.world, DAY_1, DAY_2)


def test_immutable_users_name_the_user(attendee: Make) -> None:
    one = attendee("immutable_users")
    one.run(1, 2)
    changed = users_changed(one.world, DAY_1, DAY_2)
    assert changed[changed["change"] == "status"].values.tolist() == [[23, "Oak", "status", "silver", "gold"]]
    moved = sales_moved(one.world, DAY_1, DAY_2).set_index("status")["moved"]
    assert moved.to_dict() == {"gold": OAK, "silver": -OAK}


def test_functional_moves_no_row_of_a_past_day(attendee: Make) -> None:
    one = attendee("functional")
    one.run(1)
    day_1 = one.shown()
    one.run(2)
    day_2 = one.shown()
    assert_frame_equal(before(day_2, DAY_2), day_1)
    one.run(3)
    assert_frame_equal(before(one.shown(), DAY_3), day_2)
    assert sales_moved(one.world, DAY_1, DAY_2).empty


def test_running_day_1_again_doubles_mutable_data_and_nothing_else(attendee: Make) -> None:
    for stage, factor in (("mutable", 2), ("immutable_users", 2), ("functional", 1)):
        one = attendee(stage, name=stage)
        one.run(1, 2)
        bronze = one.cents(1, "bronze")
        one.run(1)
        assert one.cents(1, "bronze") == factor * bronze, stage


def test_rolling_back_takes_the_fake_order_away_without_touching_data(attendee: Make) -> None:
    one = attendee("functional")
    one.run(1, 2)
    clean = one.shown()
    one.run(3)
    assert one.cents(3, "bronze") > 20 * 180_000
    files = {file: file.read_bytes() for file in one.world.lake.rglob("*") if file.is_file()}
    assert_frame_equal(one.shown(deployed=DAY_2), clean)
    assert {file: file.read_bytes() for file in one.world.lake.rglob("*") if file.is_file()} == files


def test_day_4_brings_a_late_order_and_day_3_again(attendee: Make) -> None:
    one = attendee("functional")
    one.run(1, 2, 3)
    seen, silver = one.shown(), one.cents(2, "silver")
    one.run(4)
    assert one.cents(2, "silver") == silver + 14_985, "the late order joins its own day's bar"
    one.again(3)
    assert one.cents(3, "bronze") == 154_995, "day 3 imported again is clean"
    assert_frame_equal(one.shown(deployed="v3"), seen)
    assert one.world.sales()[1].until == DAY_3


def test_asked_on_day_4_what_changed_the_fake_order_is_named(attendee: Make) -> None:
    one = attendee("functional")
    one.run(1, 2, 3)
    seen = one.shown()
    one.run(4)
    one.again(3)
    assert_frame_equal(sales_seen(one.world, DAY_3, until=DAY_3), seen)
    moved = sales_moved(one.world, DAY_3, DAY_4)
    assert moved[["sales_date", "status", "moved"]].values.tolist() == [
        [DAY_2, "silver", 14_985],
        [DAY_3, "bronze", -3_607_200],
    ]


def test_a_day_that_was_imported_only_later_is_shown_as_its_first_import_showed_it(attendee: Make) -> None:
    one = attendee("functional")
    one.own["day"] = DAY_3
    for number in (1, 2, 3):
        one.again(number)
    assert set(sales_seen(one.world, DAY_1, until=DAY_1)["sales_date"]) == {DAY_1}
    assert sales_moved(one.world, DAY_1, DAY_2).empty


def test_the_receipt_says_from_which_versions_a_day_was_computed(attendee: Make) -> None:
    one = attendee("functional")
    one.run(1, 2, 3, 4)
    one.again(3)
    receipt = one.world.sales()[1]
    assert (receipt.until, receipt.version) == (DAY_4, 5)
    assert [(c.day, c.version, c.read) for c in receipt.commits] == [
        (DAY_1, 1, {"users": 1, "orders": 1}),
        (DAY_2, 2, {"users": 2, "orders": 2}),
        (DAY_3, 5, {"users": 4, "orders": 5}),
        (DAY_4, 4, {"users": 4, "orders": 4}),
    ]
    for made in receipt.commits:
        assert (one.world.lake / "code" / f"{made.code}.py").read_bytes() == (
            one.world.desk / "pipeline.py"
        ).read_bytes()


def test_the_stages_differ_in_lines_one_can_point_at() -> None:
    import difflib
    from pathlib import Path

    stages = [
        (Path(__file__).parents[2] / "solutions" / f"{name}.py").read_text().splitlines()
        for name in ("mutable", "immutable_users", "functional")
    ]
    for one, other in zip(stages, stages[1:], strict=False):
        added = [line for line in difflib.ndiff(one, other) if line.startswith("+ ")]
        assert len(added) <= 4
    assert all(len(stage) <= 60 for stage in stages)
