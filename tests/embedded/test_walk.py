"""The content tests itself: each step red, worked through, green, caught up, undone, with real notebooks and runs."""

import subprocess
import sys
from contextlib import closing

import pytest

import fde.desk
from tests.people import arrived, environment_of
from tests.room import ROOT, Room, wait_until
from workshop import desk

pytestmark = pytest.mark.embedded


@pytest.mark.timeout(1800)
def test_every_step_is_red_then_green(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FDE_HOME", str(room.home))
    fde.desk.start_over(desk.open("blue").path)
    with closing(arrived(room, "blue")) as blue:
        own = lambda: (found := environment_of(room, blue, "blue")).get("FDE_WORLD") and found  # noqa: E731
        environment = wait_until(own, 180, "blue's JupyterLab")
    walked = subprocess.run(
        [sys.executable, "-"],
        env=environment,
        cwd=environment["FDE_WORLD"],
        input=(ROOT / "tests" / "walk.py").read_text(),
        capture_output=True,
        text=True,
        timeout=1500,
    )
    assert walked.returncode == 0, walked.stdout + walked.stderr
    assert "walked" in walked.stdout
