"""The stages of a start: worlds, Airflow's database, hub, Airflow healthy, first execution request."""

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

from fde.pack import Pack
from fde.refused import Refused
from workshop import access, clock, settings, supervised
from workshop.airflow_settings import environment, plain
from workshop.plan import Plan

PATIENCE_SECONDS = 180
POLICY = (
    "from workshop.dag_policy import dag_policy  # noqa: F401 - refuses a DAG that does not carry its owner's name\n"
)
# JupyterLab asks nobody for news, updates or extensions: a room may have no network, and a popup on every desk helps none.
LAB_PAGE = {
    "disabledExtensions": {
        "@jupyterlab/apputils-extension:announcements": True,
        "@jupyterlab/extensionmanager-extension": True,
    }
}
LAB_SERVER = {
    "LabApp": {"extension_manager": "readonly"},
    "ServerApp": {"terminado_settings": {"shell_command": ["/bin/bash"]}},
}


class Progress:
    """Tells each stage with the seconds since the start; `since`: seconds that had passed before."""

    def __init__(self, since: float | None) -> None:
        self._start = time.monotonic() - (since or 0)

    def say(self, stage: str) -> None:
        print(f"{time.monotonic() - self._start:4.0f} s  {stage}", flush=True)


def start(home: Path, plan: Plan, progress: Progress) -> "subprocess.Popen[bytes]":
    """Prepare the folder, then start the hub, which starts the rest. Returns the hub's process. Raises Refused."""
    for folder in ("airflow/config", "hub/jupyter/labconfig", "logs", "worlds"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    (home / "hub" / "rules.toml").unlink(missing_ok=True)  # the proxy's, of a hub that was killed: leads to what is gone
    keys = access.keys(home)
    migration = migrate(home, environment(home, plan, keys))
    days = Pack(Path(plan.pack)).days
    clock.set_days(days)
    for name in plan.attendees:
        make_world(name)
    progress.say(f"worlds of {', '.join(plan.attendees)}; {len(days)} days of {plan.pack}")
    if migration:
        finish(home, migration)
    progress.say("Airflow's database")
    (home / "airflow" / "config" / "airflow_local_settings.py").write_text(POLICY, "utf-8")
    (home / "hub" / "jupyter" / "labconfig" / "page_config.json").write_text(json.dumps(LAB_PAGE), "utf-8")
    (home / "hub" / "jupyter" / "jupyter_server_config.json").write_text(json.dumps(LAB_SERVER), "utf-8")
    plan.write(home)
    access.give(home, plan.url, plan.attendees)
    config = Path(__file__).with_name("jupyterhub_config.py")
    return launch(home, "hub", ["jupyterhub", "--config", str(config)], plain(home, plan))


def make_world(name: str) -> None:
    """Make the world of an attendee when it is missing."""
    if not (settings.world(name) / "desk").is_dir() or not clock.folder(name).is_dir():
        from workshop import desk  # loads pandas and more: not for worlds that are there

        desk.make(name)


def migrate(home: Path, env: dict[str, str]) -> "subprocess.Popen[bytes] | None":
    """Begin to make Airflow's database, unless a finished one of this version is there."""
    airflow, stamp = home / "airflow", home / "airflow" / "made-by"
    if stamp.exists() and stamp.read_text("utf-8") == version("apache-airflow"):
        return None
    if not stamp.exists():  # none, or one whose making was interrupted
        for left in airflow.glob("airflow.db*"):
            left.unlink()
    return launch(home, "database", ["airflow", "db", "migrate"], env)


def finish(home: Path, migration: "subprocess.Popen[bytes]") -> None:
    """Wait for the database. Raises Refused when it could not be made."""
    if migration.wait():
        raise Refused(f"Airflow's database could not be made: {last_line(home, 'database')}")
    (home / "airflow" / "made-by").write_text(version("apache-airflow"), "utf-8")


def launch(home: Path, service: str, command: list[str], env: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Start a part of the workshop; what it says goes to its log."""
    program = shutil.which(command[0], path=env["PATH"]) or command[0]
    with (home / "logs" / f"{service}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, program, *command[1:]],
            env={**env, **supervised.marks(home, service)},
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for `up`, which stops the parts in order
        )


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


def wait(home: Path, what: str, ready: Callable[[], bool]) -> None:
    """Poll until ready."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        if not supervised.find(home, "hub"):
            raise Refused(f"JupyterHub ended while starting: {last_line(home, 'hub')}")
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
    """The DAGs that can be triggered."""
    with closing(sqlite3.connect(f"file:{home / 'airflow' / 'airflow.db'}?mode=ro", uri=True)) as database:
        return {row[0] for row in database.execute("SELECT dag_id FROM dag WHERE NOT is_stale")}


def last_line(home: Path, service: str) -> str:
    """The last words of a part, and where there are more."""
    path = home / "logs" / f"{service}.log"
    lines = path.read_text("utf-8", "replace").split("\n") if path.exists() else []
    return f"{next((line.strip() for line in reversed(lines) if line.strip()), 'it said nothing')} (all of it: {path})"
