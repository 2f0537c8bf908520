"""The content tests itself: each step red, worked through, green, caught up, undone, with real notebooks and runs."""

import subprocess
import sys
from contextlib import closing, suppress

import psutil
import pytest

import fde.desk
from tests.people import arrived
from tests.room import ROOT, Room, wait_until
from workshop import desk

pytestmark = pytest.mark.embedded


def environments(room: Room) -> list[dict[str, str]]:
    """Of blue's JupyterLab: what the hub gave it, and any terminal in it has."""
    found = []
    for process in room.processes():
        with suppress(psutil.NoSuchProcess):  # Airflow's parsers come and go
            found.append(process.environ())
    return [one for one in found if one.get("JUPYTERHUB_USER") == "blue"]


@pytest.mark.timeout(900)
def test_every_step_is_red_then_green(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FDE_HOME", str(room.home))
    fde.desk.start_over(desk.open("blue").path)
    with closing(arrived(room, "blue")) as blue:
        xsrf = {"X-XSRFToken": blue.cookie("_xsrf")}
        assert blue.hub("POST", "/hub/api/users/blue/server", headers=xsrf).status_code in (201, 202, 400)
        found = wait_until(lambda: [own for own in environments(room) if own.get("FDE_WORLD")], 60, "blue's JupyterLab")
    environment = found[0]
    walked = subprocess.run(
        [sys.executable, "-"],
        env=environment,
        cwd=environment["FDE_WORLD"],
        input=(ROOT / "tests" / "walk.py").read_text(),
        capture_output=True,
        text=True,
        timeout=800,
    )
    assert walked.returncode == 0, walked.stdout + walked.stderr
    assert "walked" in walked.stdout
