"""Catching up in the room: by the instructor's script, which Airflow carries out in a pod of that attendee."""

import time

from tests.cluster.room import ClusterRoom
from tests.room import ROOT, wait_until


def steps_done(room: ClusterRoom, check: bool = True) -> int:
    return room.inside("jupyter-blue", "fde steps", check=check).count("✓")


def test_the_instructor_catches_somebody_up_and_they_take_it_back(morning: ClusterRoom) -> None:
    room = morning
    room.inside("jupyter-blue", "echo mine >$FDE_WORLD/desk/notes.txt")
    assert steps_done(room) == 0
    said = room.script("catch-up", "4", "blue")
    assert said.returncode == 0, said.stderr
    begin = time.monotonic()
    # While one desk is put in the place of the other, there may be none to look at.
    wait_until(lambda: steps_done(room, check=False) == 3, 300, "the desk of step 4", pause=1)
    print(f"{time.monotonic() - begin:.1f} s from Airflow's yes to the desk, asked from the notebook")
    assert 'replace("users"' in room.inside("jupyter-blue", "cat $FDE_WORLD/desk/pipeline.py $FDE_WORLD/desk/notes.txt")
    assert {row["sales_date"] for row in room.shown("blue")} == {"2022-01-01", "2022-01-02"}
    begin = time.monotonic()
    assert "Your former desk is back" in room.inside("jupyter-blue", "catch-up --undo")
    print(f"{time.monotonic() - begin:.1f} s to take it back, kubectl exec included")
    assert steps_done(room) == 0
    refused = room.script("catch-up", "4", "nobody")
    assert refused.returncode == 2
    assert "There is no attendee nobody" in refused.stderr


def test_a_step_is_red_then_green(morning: ClusterRoom) -> None:
    """The content tests itself, with blue's notebooks and pods as tasks: one of the steps that tests/embedded walks."""
    walk = (ROOT / "tests" / "walk.py").read_text()
    assert "walked: 5" in morning.python("jupyter-blue", walk, "5", seconds=600)
