"""The check by Airflow: a DAG of the attendee's own keeps the verdict in their world, and in nobody else's."""

import hashlib
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import fde.desk
from fde import verdicts
from tests.people import Person, arrived
from tests.room import ENDED, ROOT, Room, wait_until
from workshop import desk

pytestmark = pytest.mark.embedded

RUNS = "/api/v2/dags/{}.{}/dagRuns"


@pytest.fixture(autouse=True)
def blues(room: Room, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Blue's world, with a fresh desk and no verdict. Afterwards the desk is the one that was there before."""
    monkeypatch.setenv("FDE_HOME", str(room.home))
    world = desk.open("blue").path
    fde.desk.start_over(world)
    room.no_check_runs("blue")
    shutil.rmtree(world / ".verdict", ignore_errors=True)  # of checks that the board had run
    yield world
    fde.desk.undo(world)
    shutil.rmtree(world / ".verdict", ignore_errors=True)


def uses(world: Path, stage: str) -> str:
    """Put a stage onto a desk. Returns the sha256 of its text."""
    code = (ROOT / "solutions" / f"{stage}.py").read_bytes()
    (world / "desk" / "pipeline.py").write_bytes(code)
    return hashlib.sha256(code).hexdigest()


def trigger(person: Person, name: str, dag: str = "check", **conf: str) -> str:
    """Trigger somebody's check, or another DAG of theirs; returns the run, or how it was refused."""
    answer = person.post(RUNS.format(dag, name), json={"logical_date": None, "conf": conf})
    return str(answer.json()["dag_run_id"]) if answer.is_success else f"refused with {answer.status_code}"


def end_of(person: Person, name: str, run: str, dag: str = "check") -> str:
    state = lambda: person.get(f"{RUNS.format(dag, name)}/{run}").json()["state"]  # noqa: E731
    return str(wait_until(lambda: (now := state()) in ENDED and now, 120, f"the end of {run}"))


def tasks(person: Person, dag: str, run: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get(f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances").json()["task_instances"]
    return found


def log(person: Person, name: str, run: str) -> str:
    return person.get(f"{RUNS.format('check', name)}/{run}/taskInstances/check/logs/1").text


def test_the_verdict_is_kept_in_the_world_of_who_asked_and_says_what_it_is(room: Room, blues: Path) -> None:
    greens = desk.open("green").path
    red = uses(blues, "mutable")
    room.no_check_runs("green")
    before = sorted(greens.rglob("*"))
    with closing(arrived(room, "blue")) as blue:
        run = trigger(blue, "blue")
        assert end_of(blue, "blue", run) == "success", "a law that fails is a verdict, no failed task"
        kept = verdicts.kept(blues, red)
        assert kept and kept.broken == ["rerun", "history", "order"]
        assert verdicts.green(blues) is None
        assert "a later day changes no earlier day's rows" in log(blue, "blue", run)
        good = uses(blues, "functional")
        assert end_of(blue, "blue", trigger(blue, "blue")) == "success"
        kept = verdicts.kept(blues, good)
        assert kept and not kept.fails
        assert verdicts.green(blues) == (blues / "desk" / "pipeline.py").read_bytes()
    assert verdicts.kept(blues, red), "each text has its own"
    assert sorted(greens.rglob("*")) == before, "nothing of green's was touched"


def test_the_instructor_may_start_it_and_a_neighbour_may_not(room: Room, blues: Path) -> None:
    code = uses(blues, "functional")
    with closing(arrived(room, "green")) as green:
        assert trigger(green, "blue") == "refused with 403"
        assert green.get(RUNS.format("check", "blue")).status_code == 403
    with closing(arrived(room, "instructor")) as instructor:
        assert end_of(instructor, "blue", trigger(instructor, "blue")) == "success"
    assert verdicts.kept(blues, code)


def test_what_is_refused_ends_the_task_with_its_line(room: Room, blues: Path) -> None:
    (blues / "desk" / "pipeline.py").unlink()
    with closing(arrived(room, "blue")) as blue:
        run = trigger(blue, "blue")
        assert end_of(blue, "blue", run) == "failed"
        said = log(blue, "blue", run)
        assert "pipeline.py: cannot be read: No such file or directory" in said and "Traceback" not in said
        room.no_check_runs("blue")
        shutil.rmtree(blues / ".verdict", ignore_errors=True)
        (blues / ".verdict").write_text("in the way")
        uses(blues, "functional")
        run = trigger(blue, "blue")
        assert end_of(blue, "blue", run) == "failed"
        assert ".verdict" in log(blue, "blue", run) and "Mend that and trigger again." in log(blue, "blue", run)
    (blues / ".verdict").unlink()


def test_where_there_is_no_room_for_all_who_came_first_is_next_and_checks_wait(room: Room, blues: Path) -> None:
    """Airflow takes what has the greater weight. Seen with ten people: a run waited nine minutes."""
    uses(blues, "functional")
    with closing(arrived(room, "blue")) as blue, closing(arrived(room, "green")) as green:
        check = trigger(blue, "blue")
        earlier = room.trigger(blue, "blue")
        first = weights(blue, "user_data_dag.blue", earlier)
        time.sleep(1)  # weights are seconds
        later = room.trigger(green, "green")
        last = weights(green, "user_data_dag.green", later)
        assert set(first) == set(last) == {"start_import", "load_users", "load_orders", "process_users_orders"}
        assert len(set(first.values())) == len(set(last.values())) == 1
        assert max(last.values()) < min(first.values())
        assert max(weights(blue, "check.blue", check).values()) < min(last.values())
        assert (end_of(blue, "blue", check), room.end_of(blue, "blue", earlier)) == ("success", "success")
        assert room.end_of(green, "green", later) == "success"
        caught_up = trigger(blue, "blue", "catch_up", to="1")
        assert min(weights(blue, "catch_up.blue", caught_up).values()) > max(first.values())
        assert end_of(blue, "blue", caught_up, "catch_up") == "success"
        fde.desk.undo(blues)


def weights(person: Person, dag: str, run: str) -> dict[str, int]:
    """The weights of the tasks of a run."""
    return {task["task_id"]: task["priority_weight"] for task in tasks(person, dag, run)}
