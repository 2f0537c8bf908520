"""For notebooks: import a day in Airflow and watch it, without leaving the notebook."""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING, Any

import httpx

from fde.refused import Refused
from fde.run import FUNCTIONS
from workshop import desk, settings

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
LOG_LINES = 12
PATIENCE_SECONDS = 30


def run(day: str | date | None = None) -> str:
    """Import `day` (ISO; without one the clock's day) by your DAG in Airflow, telling what each task does.

    Returns how it ended: "success" or "failed". Raises Refused when Airflow does not take the run.
    """
    wanted = desk.open().clock.day if day is None else str(day)
    dag = f"/api/v2/dags/user_data_dag.{settings.world().name}"
    with httpx.Client(base_url=settings.airflow_url(), timeout=30, trust_env=False) as client:
        client.headers["Authorization"] = f"Bearer {bought_token(client)}"
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


def first_error(client: httpx.Client, run_path: str, task: dict[str, Any]) -> list[str]:
    """The first lines of what went wrong, from the task's log."""
    path = f"{run_path}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
    content = ask(client, "GET", path, params={"full_content": "true"}, headers={"Accept": "application/json"})[
        "content"
    ]
    errors = [row for row in content if isinstance(row, dict) and row.get("level") in ("error", "critical")]
    ours = [row for row in errors if row.get("logger") == "airflow.task"]  # Airflow may have said less, earlier
    for entry in ours or errors:
        detail = [f"{error['exc_type']}: {error['exc_value']}" for error in entry.get("error_detail") or []]
        return "\n".join(detail or [str(entry["event"])]).splitlines()[:LOG_LINES]
    return ["its log tells no reason. Was it killed? Look in Airflow, then run again."]


def bought_token(client: httpx.Client) -> str:
    """A short-lived token of Airflow, for the token that JupyterHub gave to this notebook."""
    return str(
        ask(client, "POST", "/auth/token", headers={"Authorization": f"token {settings.hub_token()}"})["access_token"]
    )


def ask(client: httpx.Client, method: str, path: str, **more: Any) -> Any:
    """What Airflow answers. Raises Refused with its reason when it does not do what it is asked."""
    try:
        answer = client.request(method, path.lstrip("/"), **more)
    except httpx.HTTPError as error:
        raise Refused(f"Airflow does not answer at {client.base_url} ({error}). Try again in a minute.") from None
    if answer.is_success:
        return answer.json()
    try:
        reason = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        reason = answer.text[:200]
    if answer.status_code == 404:
        raise Refused(
            f"Airflow has not found it: {reason}. It reads your DAG every few seconds: try again in a moment."
        )
    if answer.status_code == 400 and "partition" in str(reason).lower():
        raise Refused(f"{more['json']['partition_key']!r} is no day. Write it like '2022-01-02'.")
    raise Refused(f"Airflow refuses this ({answer.status_code}): {reason}")
