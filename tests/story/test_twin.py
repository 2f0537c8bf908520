"""The twin: one picture of two pipelines, and a sentence that says what changed about the first day."""

from pathlib import Path

import pytest

from fde.pack import Pack
from fde.refused import Refused
from fde.twin import twin_chart
from tests.conftest import ROOT, SHOP
from workshop import clock, desk, solution

PACK = Pack(SHOP)


def code(*stages: str) -> dict[str, bytes]:
    return {stage: (ROOT / "solutions" / f"{stage}.py").read_bytes() for stage in stages}


def one_user(folder: Path, *statuses: str) -> Pack:
    """A pack of one user, who has a status each day, and one order of 10.00 each day."""
    folder.mkdir()
    for number, status in enumerate(statuses, 1):
        (folder / f"users_day-{number}.csv").write_text(f"user_id,name,status\n1,Ash,{status}\n")
        (folder / f"orders_day-{number}.csv").write_text(
            f"sales_date,quantity,revenue,user_id\n2022-01-0{number},1,10.00,1\n"
        )
    return Pack(folder)


def test_the_sentence_names_the_largest_move_and_the_pipeline_in_which_nothing_moved() -> None:
    picture = twin_chart(PACK, PACK.days[:2], code("mutable", "functional"))
    assert picture.words.splitlines() == [
        "Bar charts of the revenue of 2022-01-01 by status, as seen each day: mutable, functional. "
        "Mutable: silver of 2022-01-01 was 1,015.20 when seen on 2022-01-01 and 415.70 when seen on 2022-01-02. "
        "Bars moved 2 times in all.",
        "Functional: every day shows the same of 2022-01-01.",
    ]
    assert picture.png().startswith(b"\x89PNG")
    assert [axes.get_title() for axes in picture.figure.axes] == ["mutable", "functional"]


def test_the_sentence_follows_the_data(tmp_path: Path) -> None:
    pack = one_user(tmp_path / "pack", "a", "a", "b", "a")
    picture = twin_chart(pack, pack.days, code("functional", "mutable"))
    assert "Functional: every day shows the same of 2022-01-01." in picture.words
    assert (
        "Mutable: a of 2022-01-01 was 10.00 when seen on 2022-01-02 and 0.00 when seen on 2022-01-03." in picture.words
    )
    bars = [[bar.get_height() for bar in axes.patches] for axes in picture.figure.axes]
    assert bars == [[10.0, 10.0, 10.0, 10.0, 0, 0, 0, 0], [10.0, 10.0, 0, 10.0, 0, 0, 10.0, 0]], "a on 4 days, b on 4"


def test_a_story_of_one_day_has_nothing_to_compare(tmp_path: Path) -> None:
    pack = one_user(tmp_path / "pack", "a")
    words = twin_chart(pack, pack.days, code("mutable", "functional")).words
    assert words.count("2022-01-01 was seen on one day only, there is nothing to compare.") == 2
    assert "every day" not in words


def test_a_first_day_without_orders_is_empty_and_no_crash(shop: Path) -> None:
    (shop / "orders_day-1.csv").write_text("sales_date,quantity,revenue,user_id\n")
    words = twin_chart(Pack(shop), PACK.days[:2], code("mutable", "functional")).words
    assert words.count("every day shows the same of 2022-01-01.") == 2


def test_a_pipeline_that_fails_is_told_by_title_day_and_line() -> None:
    broken = b"def load_users(world, day):\n    if day > '2022-01-01':\n        oops\n"
    broken += b"def load_orders(world, day):\n    pass\n"
    broken += b"def process_users_orders(world, day):\n    (world.files / 'sales.csv').write_text("
    broken += b"'sales_date,status,orders,quantity,revenue_cents\\n')\n"
    says = r"^no picture: the pipeline broken could not do 2022-01-02\. pipeline\.py, line 3, in load_users: oops\nName"
    with pytest.raises(Refused, match=says):
        twin_chart(PACK, PACK.days[:2], {"broken": broken, **code("functional")})


def test_the_stages_of_the_lesson_run_over_the_days_so_far_and_touch_no_desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FDE_HOME", str(tmp_path))
    monkeypatch.setenv("FDE_WORLD", str(tmp_path / "worlds" / "blue"))
    clock.set_days(PACK.days)
    world = desk.make("blue")
    (clock.folder("blue") / "day").write_text("2022-01-02")
    before = {file: file.read_bytes() for file in world.rglob("*") if file.is_file()}
    picture = solution.twin()
    assert "Bars moved 2 times in all.\nFunctional: every day shows the same" in picture.words
    assert "every day: mutable" not in solution.twin("immutable_users", "taxed").words
    assert {file: file.read_bytes() for file in world.rglob("*") if file.is_file()} == before
