"""A rehearsal, from its start to its last process: what it finds, what it leaves, and what it must not touch."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fde.refused import Refused
from tests.conftest import content
from tests.room import ROOT, Room, wait_until
from workshop import supervised
from workshop.rehearse.attendee import Attendee, steps
from workshop.rehearse.misdeeds import MISDEEDS, anothers_dag, broken_pipeline
from workshop.rehearse.record import MEASURES, Wave

pytestmark = pytest.mark.embedded

OPEN = "from workshop import airflow, desk"
NEVER_FAILS = "class airflow:\n    run = staticmethod(lambda: print('load_users: done'))"


def as_blue(room: Room, act: Callable[[Attendee], Awaitable[None]]) -> None:
    """Blue comes, does something, and goes."""

    async def visit() -> None:
        before, blue = (Attendee(room.url, ["green", "blue"], 2, Wave(2), print) for _ in range(2))
        password = room.access["attendees"]["blue"]
        await before.browser.sign_in(password)
        await before.go()  # stops the server of an earlier test
        try:
            await blue.come(password, light=True)
            await blue.run("!fde catch-up 1")
            await blue.run(OPEN)
            await act(blue)
        finally:
            await blue.go()

    asyncio.run(visit())


def test_what_attendees_do_wrong_is_answered_as_it_should_be(room: Room) -> None:
    async def do_all(blue: Attendee) -> None:
        for misdeed in MISDEEDS.values():
            await misdeed(blue)

    as_blue(room, do_all)


def test_a_room_that_lets_them_through_has_failed(room: Room) -> None:
    async def be_let_through(blue: Attendee) -> None:
        blue.another = blue.name
        with pytest.raises(Refused, match="was answered with 200"):
            await anothers_dag(blue)
        await blue.run(NEVER_FAILS)
        with pytest.raises(Refused, match="did not fail by it"):
            await broken_pipeline(blue)
        await blue.run("!fde catch-up 1")

    as_blue(room, be_let_through)


@pytest.mark.timeout(1800)
def test_a_rehearsal_measures_all_and_leaves_nothing(room: Room, tmp_path: Path) -> None:
    """Beside a real room, and after a rehearsal that was killed."""
    for name in ("blue", "green"):
        room.no_check_runs(name)  # of a text of the test before: its verdict would come meanwhile
    folder, before = room.home.with_name("home-rehearsal"), content(room.home / "worlds")
    real = {process.pid for process in room.processes("hub")}
    killed = subprocess.Popen([ROOT / "scripts" / "rehearse", "1"], env=room.environment, stdout=subprocess.DEVNULL)
    wait_until(lambda: supervised.find(folder / "home", "database"), 120, "a room that starts")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert supervised.find(folder / "home")

    numbers = tmp_path / "numbers.json"
    done = room.script("rehearse", "2", "--light", "--json", str(numbers), seconds=1500)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "what a killed rehearsal had left is gone" in done.stdout
    assert f"beside this rehearsal there runs {room.home}" in done.stdout
    assert not folder.exists() and supervised.find(folder / "home") == []
    assert {process.pid for process in room.processes("hub")} == real
    assert content(room.home / "worlds") == before

    found = json.loads(numbers.read_text())
    assert [wave["people"] for wave in found["waves"]] == [1, 2]
    lesson = json.loads((room.home / "worlds" / "blue" / "desk" / "lesson.ipynb").read_text())
    cells = [cell.strip() for step in steps(lesson).values() for cell in step]
    for wave in found["waves"]:
        runs, charts = (wave["seconds"][name]["count"] for name in ("run", "chart"))
        assert charts == cells.count("dashboard()") * wave["people"] > 0
        assert runs > cells.count("airflow.run()") * wave["people"] > 0, "some cells import several days"
        assert wave["memory_mib"]["peak"] > found["idle_mib"] > 100 and wave["failures"] == []
    assert found["failed"] == 0 and found["holds"]["people"] > 0
    for words in (*MEASURES, "2 people, seconds", "predicted", "This machine holds about", "0 failed"):
        assert words in done.stdout, words


def test_ctrl_c_leaves_nothing(room: Room) -> None:
    folder = room.home.with_name("home-rehearsal")
    command = [str(ROOT / "scripts" / "rehearse"), "1"]
    stopped = subprocess.Popen(
        command, env=room.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        wait_until(lambda: supervised.find(folder / "home", "database"), 120, "a room that starts")
        os.killpg(stopped.pid, signal.SIGINT)
        said, _ = stopped.communicate(timeout=60)
    finally:
        stopped.kill()
    assert stopped.returncode == 130, said
    assert not folder.exists() and supervised.find(folder / "home") == []
