"""Catching up by Airflow: the attendee's own DAG, which the instructor may press, too; and by the script."""

from collections.abc import Iterator
from contextlib import closing

import pytest

import fde.desk
from fde.steps import progress
from tests.people import Person, arrived
from tests.room import ENDED, Room, wait_until
from workshop import desk

pytestmark = pytest.mark.embedded


@pytest.fixture(autouse=True)
def own_desk(room: Room, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Afterwards blue's desk is the one that was there before."""
    monkeypatch.setenv("FDE_HOME", str(room.home))
    world = desk.open("blue").path
    mine = (world / "desk").stat().st_ino
    yield
    while (world / "desk").stat().st_ino != mine:
        fde.desk.undo(world)


def caught_up(person: Person, name: str, to: str) -> str:
    """Trigger somebody's catch_up; returns how it ended."""
    runs = f"/api/v2/dags/catch_up.{name}/dagRuns"
    answer = person.post(runs, json={"logical_date": None, "conf": {"to": to}})
    if not answer.is_success:
        return f"refused with {answer.status_code}"
    run = answer.json()["dag_run_id"]
    ended = lambda: (state := person.get(f"{runs}/{run}").json()["state"]) in ENDED and state  # noqa: E731
    return str(wait_until(ended, 180, f"the end of {run}"))


def reached() -> int:
    return sum(step.done for step in progress(desk.open("blue")))


def test_an_attendee_and_the_instructor_catch_up_and_nobody_else(room: Room) -> None:
    before = reached()
    with closing(arrived(room, "blue")) as blue, closing(arrived(room, "green")) as green:
        assert caught_up(green, "blue", "4").startswith("refused with 403")
        assert reached() == before
        assert caught_up(blue, "blue", "4") == "success"
        assert reached() == 3
        assert caught_up(blue, "blue", "9") == "failed"
        assert caught_up(blue, "blue", "x") == "refused with 400"
        assert reached() == 3
    with closing(arrived(room, "instructor")) as instructor:
        assert caught_up(instructor, "blue", "undo") == "success"
    assert reached() == before


def test_who_runs_the_workshop_catches_somebody_up(room: Room) -> None:
    done = room.script("catch-up", "5", "blue")
    assert done.returncode == 0, done.stderr
    assert "This is the desk of step 5" in done.stdout
    assert reached() == 4
    assert "Your former desk is back" in room.script("catch-up", "--undo", "blue").stdout
