"""Incidents, told by their ends: wrong rows are rolled back, everything heals with the next import, nothing is lost."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from fde import lake
from fde.check import check
from fde.goals import missed, tells_status_then
from fde.incidents import INCIDENTS
from fde.refused import Refused
from fde.replay import replay
from fde.twin import first_day_seen
from tests.conftest import ROOT, Attendee, content

Make = Callable[..., Attendee]
DAY_1, DAY_2, DAY_3 = "2022-01-01", "2022-01-02", "2022-01-03"
WRONG_ROWS = ("fake-order", "duplicated-file")
TABLES = ("users", "orders", "sales")


def happens(one: Attendee, *incidents: str) -> None:
    """Let these go wrong in the shop for a day and somebody, as the room's clock says it; and nothing else."""
    one.shared["incidents"] = "".join(f"{incident}\n" for incident in incidents)


@pytest.fixture
def well(attendee: Make) -> Attendee:
    """Who never had an incident: two days, functional."""
    one = attendee(name="well")
    one.run(1, 2)
    return one


@pytest.mark.parametrize("name", INCIDENTS)
def test_each_is_stopped_or_rolled_back_and_heals_with_the_next_import(
    name: str, attendee: Make, well: Attendee, shop: Path
) -> None:
    sources, one = content(shop), attendee(pack=shop)
    one.run(1)
    day_1 = one.shown()
    happens(one, f"{DAY_2} {name} *")
    if name in WRONG_ROWS:
        one.run(2)
        wrong, rows = one.shown(), [content(one.world.lake)]
        assert not wrong.equals(well.shown())
        assert_frame_equal(one.shown(deployed=DAY_1), day_1)
    else:
        with pytest.raises(Refused):
            one.run(2)
        wrong, rows = None, [content(one.world.lake)]
        assert_frame_equal(one.shown(), day_1)
        assert lake.newest(one.world.lake, "sales") == 1
    before = {table: lake.newest(one.world.lake, table) for table in TABLES}

    happens(one)
    one.again(2)
    assert_frame_equal(one.shown(deployed="latest"), well.shown())
    assert lake.newest(one.world.lake, "sales") == before["sales"] + 1, "a new version of the day"
    now = content(one.world.lake)
    assert all(now[file] == text for file, text in rows[0].items()), "what was on record still is"
    if wrong is not None:
        assert_frame_equal(one.shown(deployed="v2"), wrong)
        assert replay(one.world, f"{DAY_2}@v2", lambda line: None)
    assert content(shop) == sources


@pytest.mark.parametrize("name", WRONG_ROWS)
def test_mutable_data_stays_damaged(name: str, attendee: Make) -> None:
    without, one = attendee("mutable", name="without"), attendee("mutable")
    without.run(1, 2)
    happens(one, f"{DAY_2} {name} *")
    one.run(1, 2)
    happens(one)
    one.again(2)
    assert not one.shown().equals(without.shown())


def test_what_happens_to_blue_does_not_happen_to_green(attendee: Make, well: Attendee) -> None:
    blue, green = attendee(name="blue"), attendee(name="green")
    for one in (blue, green):
        happens(one, f"{DAY_2} fake-order blue")
        one.run(1, 2)
    assert not blue.shown().equals(well.shown())
    assert_frame_equal(green.shown(), well.shown())


def test_check_replay_and_twin_know_nothing_of_it(attendee: Make) -> None:
    one = attendee()
    one.run(1, 2)
    calm = check(one.world)
    happens(one, f"{DAY_1} fake-order *", f"{DAY_2} late-file *", f"{DAY_3} duplicated-file *")
    assert str(check(one.world)) == str(calm)
    assert not calm.fails
    assert replay(one.world, "latest", lambda line: None)
    code = (ROOT / "solutions" / "mutable.py").read_bytes()
    seen = first_day_seen(one.world.pack, [DAY_1, DAY_2], "mutable", code)
    assert seen.loc[DAY_1].sum() < 2_000


@pytest.mark.parametrize("name", WRONG_ROWS)
def test_a_step_stays_done_while_it_lasts_and_asks_for_a_new_import_after(name: str, attendee: Make) -> None:
    one, goal = attendee(), tells_status_then(1, 2)
    one.run(1, 2)
    happens(one, f"{DAY_2} {name} *")
    assert not missed(goal, one.world), "imported before it began"
    one.again(2)
    assert not missed(goal, one.world), "imported as the shop sends it now"
    happens(one)
    assert f"sales of {DAY_2} do not" in missed(goal, one.world)
    one.again(2)
    assert not missed(goal, one.world)


def test_a_step_stays_done_while_nothing_can_be_imported(attendee: Make) -> None:
    one, goal = attendee(), tells_status_then(1, 2)
    one.run(1, 2)
    for name in INCIDENTS:
        happens(one, f"{DAY_2} {name} *")
        assert not missed(goal, one.world), name


def test_a_quarantine_imports_what_is_left_of_half_a_file(attendee: Make, shop: Path, well: Attendee) -> None:
    file = shop / "pack.toml"
    file.write_text(file.read_text().replace('"refuse"\n', '"quarantine"\n'))
    one = attendee(pack=shop)
    happens(one, f"{DAY_2} half-a-file *")
    one.run(1, 2)
    assert one.world.sales()[1].refused == {DAY_1: 0, DAY_2: 1}
    happens(one)
    one.again(2)
    assert one.world.sales()[1].refused == {DAY_1: 0, DAY_2: 0}
    assert_frame_equal(one.shown(), well.shown())
