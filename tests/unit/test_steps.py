"""The steps as data: their goals tell one state of a desk from another, and the lesson has the same steps."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from fde.__main__ import main
from fde.refused import Refused
from fde.steps import STEPS, progress, step_of
from tests.conftest import ROOT, Attendee
from workshop import openings

Make = Callable[..., Attendee]
#: a pipeline that puts today's users beside everybody's orders, day by day
STATUS_NOW = """
def load_users(world, day):
    world.replace("users", day, world.source("users", day).fillna({"name": "unknown", "status": "none"}))

def load_orders(world, day):
    world.replace("orders", day, world.source("orders", day))

def process_users_orders(world, day):
    users = world.read("users", until=day).drop_duplicates("user_id").drop(columns="import_date")
    sales = world.read("orders", day=day).merge(users, on="user_id")
    world.replace("sales", day, sales.groupby(["sales_date", "status"], as_index=False).agg(
        orders=("user_id", "size"), quantity=("quantity", "sum"), revenue_cents=("revenue_cents", "sum")))
"""
FROM_THE_SOURCE = """
def load_users(world, day):
    world.replace("users", day, world.source("users", day).fillna({"name": "?", "status": "nothing"}))

def load_orders(world, day):
    pass

def process_users_orders(world, day):
    sales = world.source("orders", day).merge(world.read("users", day=day), on="user_id")
    world.replace("sales", day, sales.groupby(["sales_date", "status"], as_index=False).agg(
        orders=("user_id", "size"), quantity=("quantity", "sum"), revenue_cents=("revenue_cents", "sum")))
"""
#: counts its runs in a file, and adds that to what was sold
COUNTED = """
    with (world.files / "runs").open("a+") as file:
        file.write(".")
    orders["quantity"] += (world.files / "runs").stat().st_size
    sales = orders.merge(users, on="user_id")
"""


def done(one: Attendee) -> list[int]:
    return [found.step.number for found in progress(one.world) if found.done]


def test_the_lesson_has_the_same_steps() -> None:
    headings = re.findall(r"^# ## (\d+)\. (.*)$", (ROOT / "notebooks" / "lesson.py").read_text(), re.M)
    assert [(int(number), title) for number, title in headings][1:] == [(step.number, step.title) for step in STEPS]


@pytest.mark.parametrize(
    ("stage", "days", "reached"),
    [
        ("mutable", (), []),
        ("mutable", (1,), [1]),
        ("mutable", (1, 2), [1, 2]),
        ("mutable", (1, 2, 3), [1, 2]),
        ("immutable_users", (1,), [1]),
        ("immutable_users", (1, 2, 3), [1, 2, 3]),
        ("functional", (1, 2), [1, 2, 3]),
        ("functional", (1, 2, 3), [1, 2, 3, 4]),
        ("functional", (1, 2, 3, 4), [1, 2, 3, 4]),
        ("functional", (1, 2, 3, 4, 3), [1, 2, 3, 4]),  # asked again on day 3: the shop sends the same
    ],
)
def test_a_step_is_done_when_its_goals_are_met(
    stage: str, days: tuple[int, ...], reached: list[int], attendee: Make
) -> None:
    one = attendee(stage)
    one.run(*days)
    assert done(one) == reached


def test_asking_the_shop_again_on_day_4_ends_step_5(attendee: Make) -> None:
    one = attendee()
    one.run(1, 2, 3, 4)
    one.again(3)
    assert done(one)[-1] == 5


def test_a_chart_that_means_something_else_is_not_done_however_it_is_stored(attendee: Make) -> None:
    one = attendee(STATUS_NOW)
    one.run(1, 2, 3)
    assert done(one) == [1, 2, 3]
    assert "bars go by the status" in progress(one.world)[3].why
    one.run(4)
    one.again(3)
    assert done(one) == [1, 2, 3], "later steps build on it"


def test_another_solution_is_as_good(attendee: Make) -> None:
    """Orders are not stored, and a blank status has another word."""
    one = attendee(FROM_THE_SOURCE)
    one.run(1, 2, 3)
    assert done(one) == [1, 2, 3, 4]


def test_a_day_that_was_first_run_late_counts_as_asked_again(attendee: Make) -> None:
    one = attendee()
    one.run(1, 2)
    one.own["day"] = one.pack.days[3]
    one.again(4)
    one.again(3)
    assert done(one)[-1] == 5


def test_a_pipeline_that_breaks_a_law_is_not_done_though_it_shows_the_right_bars(attendee: Make) -> None:
    code = (ROOT / "solutions" / "functional.py").read_text()
    one = attendee(code)
    one.run(1, 2, 3)
    assert done(one)[-1] == 4
    one.uses(code.replace('    sales = orders.merge(users, on="user_id")\n', COUNTED))
    assert done(one)[-1] == 3
    assert "all laws of fde check hold: not rerun" in progress(one.world)[3].why


def test_tax_must_be_that_of_each_sale_s_date(attendee: Make) -> None:
    one = attendee("taxed")
    one.run(1, 2, 3, 4)
    one.again(3)
    one.run(5)
    assert done(one)[-1] == 6
    code = (ROOT / "solutions" / "taxed.py").read_text()
    one.uses(code.replace('rates[rates["valid_from"] <= date]', "rates"))  # today's rate for all
    one.run(5)
    assert done(one)[-1] == 5
    assert "bronze of 2022-01-04, imported on 2022-01-05, carries another" in str(progress(one.world)[5])


def test_what_is_missing_is_said_for_the_next_step_only(attendee: Make, capsys: pytest.CaptureFixture[str]) -> None:
    one = attendee("immutable_users")
    one.run(1, 2)
    assert main(["steps"], lambda: one.world) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:9] for line in lines if not line.startswith(" ")] == ["✓ done   "] * 3 + ["✗ not yet"] * (
        len(STEPS) - 3
    )
    reasons = [line for line in lines if line.startswith(" ")]
    assert len(reasons) == 1
    assert "the lake keeps sales of day 1, 2, 3: not there: 2022-01-01, 2022-01-02, 2022-01-03" in reasons[0]


@pytest.mark.parametrize("number", [0, -1, len(STEPS) + 1])
def test_another_step_is_refused(number: int) -> None:
    with pytest.raises(Refused, match=f"there is no step {number}. Steps: 1 to {len(STEPS)}"):
        step_of(number)


def test_the_command_catches_up_and_undoes(
    attendee: Make, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FDE_HOME", str(tmp_path / "home"))
    one = attendee("mutable")
    assert main(["catch-up", "4"], lambda: one.world, openings.opening) == 0
    said = capsys.readouterr().out
    assert "This is the desk of step 4, Day 3: a fake order. Yours is kept whole in" in said
    assert done(one) == [1, 2, 3] and 'replace("users"' in (one.world.desk / "pipeline.py").read_text()
    assert main(["catch-up", "--undo"], lambda: one.world, openings.opening) == 0
    assert "Your former desk is back" in capsys.readouterr().out
    assert done(one) == []
    assert main(["catch-up", "--undo"], lambda: one.world, openings.opening) == 2
    assert "nothing to undo" in capsys.readouterr().err


def test_openings_are_made_once_and_anew_when_the_pack_changes(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FDE_HOME", str(tmp_path / "home"))
    first = openings.make(shop)
    mark = first.stat().st_mtime_ns
    assert openings.make(shop) == first and first.stat().st_mtime_ns == mark
    (shop / "orders_day-1.csv").write_text((shop / "orders_day-1.csv").read_text() + "2022-01-01,1,1.00,3,9\n")
    assert openings.make(shop) != first
    for file in shop.glob("*_day-[45].csv"):
        file.unlink()
    (shop / "pack.toml").unlink()
    monkeypatch.setenv("FDE_PACK", str(shop))
    assert openings.opening(4).is_dir(), "a story of three days has the first steps"
    with pytest.raises(Refused, match="step 6 has no desk with this pack. the story has no day 4"):
        openings.opening(6)
    monkeypatch.setenv("FDE_OPENINGS", str(first.parent))
    monkeypatch.setenv("FDE_HOME", str(tmp_path / "elsewhere"))
    assert openings.make(shop).parent == first.parent, "made with the image, nothing is made again"
    assert not (tmp_path / "elsewhere").exists()
