"""The pace of a running room: nobody gets past a held day, by whatever way; what a script did, the board takes back."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fde.pack import Pack
from tests.people import Person, arrived
from tests.room import ENDED, ROOT, Room, wait_until
from workshop import clock, desk, settings
from workshop.board.audit import Audit
from workshop.board.pace import Pace

pytestmark = pytest.mark.embedded

DAY_1, DAY_2, DAY_3 = "2022-01-01", "2022-01-02", "2022-01-03"
NAMES = ("blue", "green")


@pytest.fixture(autouse=True)
def free_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("FDE_HOME", str(room.home))
    yield
    for line in ("hold none", "message", "day-1"):
        assert room.script(*line.split()).returncode == 0


def in_the_terminal(room: Room, name: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """What somebody types in JupyterLab: with their world, and the scripts on their path."""
    world = {**room.environment, "FDE_WORLD": str(room.home / "worlds" / name)}
    return subprocess.run([ROOT / "scripts" / words[0], *words[1:]], env=world, capture_output=True, text=True)


def test_a_day_beyond_the_hold_is_refused_to_tasks_and_terminals(room: Room) -> None:
    assert room.script("day-3").returncode == 0
    assert room.script("hold", "2").returncode == 0
    held = "The room is held at day 2, 2022-01-02. It goes on when the instructor says so"
    with closing(arrived(room, "blue")) as blue:
        run = room.trigger(blue, "blue", DAY_3)
        assert room.end_of(blue, "blue", run) == "failed"
        errors = [row["event"] for row in room.log(blue, "blue", run, "start_import") if row.get("level") == "error"]
        assert errors[0] == f"{DAY_3} has not happened yet. {held}."
        assert room.end_of(blue, "blue", room.trigger(blue, "blue")) == "success", "without a day it is the held one"
    for words in (("day-passes",), ("day", "3"), ("hold", "none")):
        refused = in_the_terminal(room, "blue", *words)
        assert refused.returncode == 2
        assert len(refused.stderr.splitlines()) == 1
        assert held in refused.stderr or words[0] == "hold"
    assert clock.read("blue").day == DAY_2
    assert room.script("hold").returncode == 0
    assert clock.read("blue").day == DAY_3, "freed, the day is the one from before"


def test_the_board_gives_desks_by_airflow_and_takes_everything_back(room: Room, tmp_path: Path) -> None:
    with closing(arrived(room, "instructor")) as instructor:

        async def trigger(name: str, to: str) -> None:
            ended(instructor, name, to)

        pace = Pace(Audit(tmp_path), NAMES, Pack(settings.pack()).days, trigger, ())
        pace.audit.seen({name: clock.keys(name) for name in (None, *NAMES)}, sure=True)
        mine = {name: (desk.open(name).path / "desk").stat().st_ino for name in NAMES}
        caught = asyncio.run(pace.catch_up("instructor", NAMES, 3))
        assert all((desk.open(name).path / "desk").stat().st_ino != mine[name] for name in NAMES)
        asyncio.run(pace.undo("instructor", caught.id))
        assert {name: (desk.open(name).path / "desk").stat().st_ino for name in NAMES} == mine
    before = {name: clock.keys(name) for name in (None, *NAMES)}
    assert room.script("message", """"Coffee" \\ $HOME <b>""").returncode == 0
    pace.audit.seen({name: clock.keys(name) for name in (None, *NAMES)}, sure=True)
    assert clock.read("green").message == """"Coffee" \\ $HOME <b>"""
    last = pace.audit.entries()[0]
    assert last.what.startswith("message of the room: ")
    asyncio.run(pace.undo("instructor", last.id))
    assert {name: clock.keys(name) for name in (None, *NAMES)} == before


def ended(person: Person, name: str, to: str) -> None:
    """Trigger somebody's catch_up and wait until it has succeeded."""
    runs = f"/api/v2/dags/catch_up.{name}/dagRuns"
    run = person.post(runs, json={"logical_date": None, "conf": {"to": to}}).json()["dag_run_id"]
    state = lambda: (state := person.get(f"{runs}/{run}").json()["state"]) in ENDED and state  # noqa: E731
    assert wait_until(state, 180, f"the end of {run}") == "success"
