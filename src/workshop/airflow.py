"""For notebooks: import a day in Airflow and watch it, without leaving the notebook."""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING

import httpx

from fde.refused import Refused
from fde.run import FUNCTIONS
from workshop import desk, settings
from workshop.airflow_api import ask, first_error, signed_in

if TYPE_CHECKING:
    from IPython.display import HTML

WORDS = {
    "running": "runs",
    "success": "done",
    "failed": "failed",
    "upstream_failed": "not started: a task before it failed",
    "up_for_retry": "failed, will be tried again",
    "skipped": "skipped",
    "removed": "removed",
}
ENDED = ("success", "failed")
TASKS = ("start_import", *FUNCTIONS)
PATIENCE_SECONDS = 30


def run(day: str | date | None = None) -> str:
    """Import `day` (ISO; without one the clock's day) by your DAG in Airflow, telling what each task does.

    Returns how it ended: "success" or "failed". Raises Refused when Airflow does not take the run.
    """
    wanted = desk.open().clock.day if day is None else str(day)
    dag = f"/api/v2/dags/user_data_dag.{settings.world().name}"
    with signed_in() as client:
        if ask(client, "GET", dag)["is_paused"]:
            raise Refused(
                "user_data_dag is paused. Switch it on in Airflow (the switch beside its name), then run again."
            )
        # Always with its day: Airflow's list of runs shows it.
        started = ask(client, "POST", f"{dag}/dagRuns", json={"logical_date": None, "partition_key": wanted})
        print(f"Airflow imports {wanted} ...")
        return watch(client, f"{dag}/dagRuns/{started['dag_run_id']}")


def link(text: str = "user_data_dag in Airflow") -> HTML:
    """A link to your DAG's page in Airflow; it opens signed in."""
    from IPython.display import HTML

    address = f"{settings.airflow_path()}dags/user_data_dag.{settings.world().name}"
    return HTML(f'<a href="{address}" target="_blank">{text}</a>')  # type: ignore[no-untyped-call]


def watch(client: httpx.Client, run_path: str) -> str:
    """Prints each change until the run has ended; returns its state."""
    told: dict[str, str] = {}
    begin = changed = time.monotonic()
    while True:
        state = str(ask(client, "GET", run_path)["state"])
        tasks = {task["task_id"]: task for task in ask(client, "GET", f"{run_path}/taskInstances")["task_instances"]}
        for name in sorted(tasks, key=lambda name: TASKS.index(name) if name in TASKS else len(TASKS)):
            word = WORDS.get(tasks[name]["state"] or "")
            if word and told.get(name) != word:
                told[name], changed = word, time.monotonic()
                print(f"  {changed - begin:4.1f} s  {name}: {word}")
        if state in ENDED:
            break
        if time.monotonic() - changed > PATIENCE_SECONDS:
            changed = time.monotonic()
            print(f"  nothing new for {PATIENCE_SECONDS} s. Is another import of yours running? Look in Airflow.")
        time.sleep(1)  # ten people ask at once: more often would take from the tasks themselves
    for name, task in tasks.items():
        if task["state"] == "failed":
            print(f"{name} failed:", *first_error(client, run_path, task), sep="\n  ")
    return state
