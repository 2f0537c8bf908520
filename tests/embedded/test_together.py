"""Many at once: Airflow's database in the embedded way has one writer, and nobody is told of it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.people import arrived
from tests.room import Room

pytestmark = pytest.mark.embedded


def test_many_who_trigger_at_once_are_all_served(room: Room) -> None:
    """Five: with many more on a slow machine, somebody would wait longer for their turn than they have patience."""
    runs = "/api/v2/dags/user_data_dag.green/dagRuns"
    with closing(arrived(room, "green")) as green, ThreadPoolExecutor(5) as people:
        asked = {"logical_date": None, "partition_key": "2022-01-01"}
        answers = list(people.map(lambda _: green.post(runs, json=asked), range(20)))
        made = [answer.json()["dag_run_id"] for answer in answers if answer.is_success]
        list(people.map(lambda run: green.delete(f"{runs}/{run}"), made))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert max(answer.elapsed.total_seconds() for answer in answers) < 25, "who asks gives up after 30"


def test_a_room_that_looks_at_once_is_served(room: Room) -> None:
    """A notebook that waits for a run asks each second; the page of a run asks more often still."""
    with closing(arrived(room, "green")) as green, ThreadPoolExecutor(60) as people:
        pages = [f"/api/v2/dags/user_data_dag.green/{page}" for page in ("dagRuns", "details", "tasks")] * 100
        answers = list(people.map(green.get, pages))
    assert {answer.status_code for answer in answers} == {200}
    assert max(answer.elapsed.total_seconds() for answer in answers) < 25, "who asks gives up after 30"
