"""What the board knows about runs, from the real Airflow by the board's own token, and what this token may not do."""

from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fde import verdicts
from tests.people import PLAIN, arrived
from tests.room import Room, wait_until
from workshop import access, plan
from workshop.airflow_api import NotDone
from workshop.board.airflow import CHECKS, Airflow
from workshop.board.runs import Runs, is_of

pytestmark = pytest.mark.embedded

BROKEN = """
import pathlib, time

def load_users(world, day):
    if str(world.path) == {own!r}:
        until = time.monotonic() + 180
        while not pathlib.Path({seen!r}).exists() and time.monotonic() < until:  # not in a check
            time.sleep(0.1)
    raise ValueError("no <b>such</b> thing")

load_orders = load_users
"""


@pytest.fixture
def airflow(room: Room) -> Airflow:
    one = Airflow(f"{plan.read(room.home).airflow_url}/", access.keys(room.home)["board"])
    one.client.timeout = PLAIN["timeout"]  # what is asked once here, the board asks again in its next turn
    return one


@pytest.fixture
def green(room: Room) -> Iterator[Path]:
    """Green's world, whose pipeline is whole again afterwards."""
    world = room.home / "worlds" / "green"
    before = (world / "desk" / "pipeline.py").read_bytes()
    yield world
    (world / "desk" / "pipeline.py").write_bytes(before)


def refresh(runs: Runs) -> None:
    """Ask until Airflow has answered, as the board does turn by turn."""
    wait_until(lambda: (runs.refresh(), not runs.trouble)[1], 180, "Airflow's answer")


def test_a_run_is_told_while_it_runs_and_why_it_failed(
    room: Room, airflow: Airflow, green: Path, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    runs = Runs(airflow, ["blue", "green"])
    refresh(runs)
    assert runs.running("green") in ("", CHECKS)
    code = BROKEN.format(own=str(green), seen=str(seen))
    (green / "desk" / "pipeline.py").write_text(code)

    def told() -> str:
        runs.refresh()
        return runs.running("green")

    # The board has each new text checked: what is told below is about the run, and no check falls into the next test.
    wait_until(lambda: verdicts.kept(green, sha256(code.encode()).hexdigest()), 120, "the board's check")
    wait_until(lambda: told() == "", 120, "the end of the board's check")
    with closing(arrived(room, "green")) as person:
        run = room.trigger(person, "green", "2022-01-01")
        text = wait_until(lambda: "load_users" in (now := told()) and now, 180, "a task that runs")
        both = (f"{one} of 2022-01-01" for one in ("load_users and load_orders", "load_orders and load_users"))
        seen.touch()
        assert text in ("load_users of 2022-01-01", *both)
        assert room.end_of(person, "green", run) == "failed"
    refresh(runs)
    assert str(runs.imported("green")) in [
        f"user_data_dag of 2022-01-01 failed: {task}: pipeline.py, line 9, in load_users: "
        'raise ValueError("no <b>such</b> thing"): ValueError: no <b>such</b> thing'
        for task in ("load_users", "load_orders")
    ]
    again = Runs(airflow, ["blue", "green"])
    refresh(again)
    assert again.imported("green") == runs.imported("green"), "as a board knows that was started again"


def test_the_board_has_a_new_text_checked_once(room: Room, airflow: Airflow, green: Path) -> None:
    """Each text gets one run, named after it: Airflow takes no second one, whoever asks."""
    code = f"# {room.port}\n{BROKEN.format(own=str(green), seen='')}".encode()
    (green / "desk" / "pipeline.py").write_bytes(code)
    name = sha256(code).hexdigest()
    runs = Runs(airflow, ["blue", "green"])

    def checked() -> bool:
        runs.refresh()
        ended = runs.ended("green", CHECKS)
        return ended is not None and is_of(ended, name)

    wait_until(checked, 120, "the check of a new text")
    ended = runs.ended("green", CHECKS)
    assert ended and ended.state == "success" and ended.id.endswith("-1")
    verdict = verdicts.kept(green, name)
    assert verdict and "runs" in verdict.broken
    with pytest.raises(NotDone) as refused:
        airflow.start_check("green", ended.id)
    assert refused.value.status == 409


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "user_data_dag.green/dagRuns", {"logical_date": None}),
        ("POST", "catch_up.green/dagRuns", {"logical_date": None, "conf": {"to": "1"}}),
        ("PATCH", "check.green", {"is_paused": True}),
        ("DELETE", "check.green", None),
    ],
)
def test_the_board_s_token_changes_nothing(airflow: Airflow, method: str, path: str, body: Any) -> None:
    with pytest.raises(NotDone) as refused:
        airflow._ask(method, f"api/v2/dags/{path}", json=body)
    assert refused.value.status == 403
