"""A running workshop: real Airflow, real JupyterHub, started and stopped by the scripts that people use."""

import json
import os
import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.people import Person, arrived
from workshop import supervised

ROOT = Path(__file__).parents[1]
ENDED = ("success", "failed")


def wait_until(holds: Callable[[], Any], seconds: float, what: str, pause: float = 0.1) -> Any:
    """Poll until it holds, a pause (seconds) between two looks; returns what it returned."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := holds():
            return found
        time.sleep(pause)
    if found := holds():  # one look may have taken all the time there was
        return found
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


@dataclass
class Room:
    """A workshop in a folder of its own, at a port of its own."""

    home: Path
    port: int
    more: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def access(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.home / "access.json").read_text())
        return content

    @property
    def environment(self) -> dict[str, str]:
        plain = {key: value for key, value in os.environ.items() if not key.startswith("FDE_")}
        return {**plain, "FDE_HOME": str(self.home), "FDE_PORT": str(self.port), **self.more}

    def script(self, name: str, *arguments: str, seconds: float = 400) -> "subprocess.CompletedProcess[str]":
        """Run one of the repository's scripts to its end."""
        command = [str(ROOT / "scripts" / name), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=seconds)

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start scripts/up and do not wait for it."""
        command = [str(ROOT / "scripts" / "up"), *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=self.environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )

    def processes(self, service: str | None = None) -> list[psutil.Process]:
        """The living processes of this workshop."""
        return supervised.find(self.home, service)

    def trigger(self, person: Person, attendee: str, day: str | None = None) -> str:
        """Trigger an attendee's DAG as somebody. Returns the run's id."""
        asked = {"logical_date": None, "partition_key": day}
        answer = person.post(f"/api/v2/dags/user_data_dag.{attendee}/dagRuns", json=asked)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["dag_run_id"])

    def state(self, person: Person, attendee: str, run: str) -> str:
        try:
            answer = person.get(f"/api/v2/dags/user_data_dag.{attendee}/dagRuns/{run}")
        except httpx.HTTPError as error:
            return str(error)
        return str(answer.json()["state"]) if answer.is_success else f"status {answer.status_code}"

    def end_of(self, person: Person, attendee: str, run: str, seconds: float = 200) -> str:
        """Wait until a run has ended; returns its state."""
        ended = lambda: (state := self.state(person, attendee, run)) in ENDED and state  # noqa: E731
        return str(wait_until(ended, seconds, f"the end of {run}", pause=0.3))

    def no_check_runs(self, attendee: str) -> None:
        """Wait for the checks of an attendee that the board has asked for."""
        going = f"/api/v2/dags/check.{attendee}/dagRuns?state=queued&state=running"
        with closing(arrived(self, attendee)) as person:
            none = lambda: person.get(going).json()["total_entries"] == 0  # noqa: E731
            wait_until(none, 120, f"the end of {attendee}'s checks")

    def import_day(self, attendee: str, day: str | None = None) -> str:
        """Sign in as an attendee, run their DAG, wait for its end. Returns the run's state."""
        with closing(arrived(self, attendee)) as person:
            return self.end_of(person, attendee, self.trigger(person, attendee, day))

    def log(self, person: Person, attendee: str, run: str, task: str, time: int = 1) -> list[dict[str, Any]]:
        """What a task of a run logged, when it ran for the first time, or the second."""
        address = f"/api/v2/dags/user_data_dag.{attendee}/dagRuns/{run}/taskInstances/{task}/logs/{time}"
        content: list[dict[str, Any]] = person.get(address).json()["content"]
        return content


def free_port() -> int:
    """One that nobody listens at. Outgoing connections, which take theirs from 32768 on, do not take it meanwhile."""
    for port in random.sample(range(16_000, 30_000), 100):
        with socket.socket() as taken, suppress(OSError):
            taken.bind(("127.0.0.1", port))
            return port
    raise AssertionError("of a hundred ports, none is free")


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """The workshop of blue and green, for all tests of a session."""
    one = Room(tmp_path_factory.mktemp("room") / "home", free_port())
    try:
        started = one.script("up", "--attendees", "blue,green", "--detach")
        assert started.returncode == 0, started.stdout + started.stderr
        yield one
        one.script("down")
    finally:
        supervised.stop(one.home)  # a workshop whose start was cut short


@pytest.fixture
def another_room(tmp_path: Path) -> Iterator[Room]:
    """A workshop that is not started yet. Whatever is left of it is ended."""
    one = Room(tmp_path / "home", free_port())
    yield one
    supervised.stop(one.home)
