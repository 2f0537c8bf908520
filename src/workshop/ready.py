"""The last stages of a start: the hub, Airflow healthy, the first execution request."""

import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from fde.refused import Refused
from workshop import supervised
from workshop.plan import Plan

PATIENCE_SECONDS = 180
DEATHS = 5  # of Airflow's processes, before it is said that this will not end well


class Progress:
    """Tells each stage with the seconds since the start; `since`: seconds that had passed before."""

    def __init__(self, since: float | None) -> None:
        self._start = time.monotonic() - (since or 0)

    def say(self, stage: str) -> None:
        print(f"{time.monotonic() - self._start:4.0f} s  {stage}", flush=True)


def until_ready(home: Path, plan: Plan, progress: Progress) -> None:
    """Wait until everything answers. Raises Refused when the hub ended or it takes too long."""
    wait(home, "JupyterHub", lambda: ask(f"{plan.reach}/hub/health") is not None)
    progress.say("hub")
    wait(
        home,
        "Airflow",
        lambda: healthy(plan) and known_dags(home) >= {f"user_data_dag.{name}" for name in plan.attendees},
    )
    progress.say("Airflow healthy")
    # Airflow builds this part when it is first asked for, which takes seconds: the first attendee should not pay.
    wait(home, "Airflow's task API", lambda: ask(f"{plan.airflow_url}/execution/health", seconds=60) is not None)
    progress.say("first execution request")
    wait(home, "the board", lambda: ask(f"{plan.board_url}/health") is not None)


def wait(home: Path, what: str, ready: Callable[[], bool]) -> None:
    """Poll until ready. Raises Refused when it will never be."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    before = len(deaths(home))  # of a workshop that has run for days
    while not ready():
        if not supervised.find(home, "hub"):
            raise Refused(f"JupyterHub ended while starting: {last_line(home, 'hub')}")
        if len(died := deaths(home)) >= before + DEATHS:
            raise Refused(f"{what} keeps ending while it starts: {last_line(home, died[-1])}")
        if time.monotonic() > deadline:
            raise Refused(f"{what} did not answer within {PATIENCE_SECONDS} s. The logs are in {home / 'logs'}.")
        time.sleep(0.25)


def ask(url: str, seconds: float = 5) -> Any:
    """The JSON that an address answers with, {} for another text, None when it does not answer well."""
    try:
        answer = httpx.get(url, timeout=seconds, trust_env=False)
        return (
            (answer.json() if "json" in answer.headers.get("content-type", "") else {}) if answer.is_success else None
        )
    except httpx.HTTPError:
        return None


def healthy(plan: Plan) -> bool:
    """Whether all parts of Airflow say so."""
    parts = ask(f"{plan.airflow_url}/api/v2/monitor/health") or {}
    return all(
        parts.get(name, {}).get("status") == "healthy" for name in ("metadatabase", "scheduler", "dag_processor")
    )


def known_dags(home: Path) -> set[str]:
    """The DAGs that can be triggered; none while the database cannot be read, as when Airflow holds it."""
    try:
        with closing(sqlite3.connect(f"file:{home / 'airflow' / 'airflow.db'}?mode=ro", uri=True)) as database:
            return {row[0] for row in database.execute("SELECT dag_id FROM dag WHERE NOT is_stale")}
    except sqlite3.OperationalError:
        return set()


def deaths(home: Path) -> list[str]:
    """The parts that the hub has seen end, one entry each time."""
    return re.findall(r"Service (\S+) exited", (home / "logs" / "hub.log").read_text("utf-8", "replace"))


def last_line(home: Path, service: str) -> str:
    """The last words of a part, and where there are more."""
    path = home / "logs" / f"{service}.log"
    lines = path.read_text("utf-8", "replace").split("\n") if path.exists() else []
    return f"{next((line.strip() for line in reversed(lines) if line.strip()), 'it said nothing')} (all of it: {path})"
