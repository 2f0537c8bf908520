"""What the board asks Airflow, by a token of its own: how runs go and why they failed. It may start checks, no more."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from fde.untrusted import in_one_line, visible
from workshop.airflow_api import NotDone, TooLarge, ask, bought_token, first_error

IMPORTS, CHECKS, CATCH_UP = "user_data_dag", "check", "catch_up"
DAGS = (IMPORTS, CATCH_UP, CHECKS)
PAGE, PAGES = 100, 20  # runs that Airflow lists at once; lists that the board reads, at most
SECONDS = 5  # that Airflow may take to answer
ERROR = 500  # characters that a row has for one


@dataclass(frozen=True)
class Run:
    """A run of an attendee's DAG. day: ISO, "" when the clock said it; began, ended: ISO times, "" for not yet.

    error: what went wrong, in the attendee's words, "" while the board has not read that. As text: for a row.
    """

    dag: str
    attendee: str
    id: str
    state: str
    day: str = ""
    began: str = ""
    ended: str = ""
    error: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it runs, or waits for its turn."""
        return self.state in ("queued", "running")

    @property
    def path(self) -> str:
        """Where Airflow answers about it."""
        return f"api/v2/dags/{self.dag}.{self.attendee}/dagRuns/{self.id}"

    def __str__(self) -> str:
        what = f"{self.dag} of {self.day}" if self.day else self.dag
        if self.state == "failed":
            return f"{what} failed: {self.error or 'the board has not read its log yet'}"
        return f"{what}: {'went well' if self.state == 'success' else self.state}"


class Airflow:
    """Airflow at an address that ends with a slash, asked with the token that the hub gave to the board.

    Every method raises Refused: NotDone when Airflow answers and does not do it, another when it does not answer.
    """

    def __init__(self, address: str, token: str) -> None:
        self.client = httpx.Client(base_url=address, timeout=SECONDS, trust_env=False)
        self._token = token

    def runs(self, since: str) -> tuple[list[Run], str, bool]:
        """The runs that something was written down about since a time (ISO; "" for all), the newest first.

        Returns: the runs; the time to ask with from now on; whether these are all.
        """
        found: list[Run] = []
        newest = since
        for page in range(PAGES):
            listed = list(self._page(since, page * PAGE, PAGE))
            for one in listed:
                found.append(_run(one))
                # By Airflow's own clock. Not run_after: whoever triggers a run chooses that.
                told = ("queued_at", "start_date", "end_date", "last_scheduling_decision")
                newest = max(newest, *(one[name] or "" for name in told))
            if len(listed) < PAGE:
                return found, newest, True
        return found, newest, False

    def tasks(self) -> dict[str, list[str]]:
        """The tasks that run now, by the id of their DAG."""
        found: dict[str, list[str]] = {}
        asked = {"state": "running", "limit": PAGE, "order_by": "start_date"}
        for task in self._ask("GET", "api/v2/dags/~/dagRuns/~/taskInstances", params=asked)["task_instances"]:
            found.setdefault(task["dag_id"], []).append(task["task_id"])
        return found

    def error(self, run: Run) -> str:
        """Why a run failed: the first lines of the log of the first task that did, in one."""
        asked = {"state": "failed", "limit": 1, "order_by": "start_date"}
        tasks = self._ask("GET", f"{run.path}/taskInstances", params=asked)["task_instances"]
        if not tasks:
            return "none of its tasks did. Somebody marked it so, or it took too long"
        told = ": ".join(line.strip() for line in first_error(self.client, run.path, tasks[0])[:2])
        return in_one_line(f"{tasks[0]['task_id']}: {told}")[:ERROR]

    def start_check(self, attendee: str, run: str) -> None:
        """Have somebody's pipeline checked, in a run of this id."""
        asked = {"logical_date": None, "dag_run_id": run}
        self._ask("POST", f"api/v2/dags/{CHECKS}.{attendee}/dagRuns", json=asked)

    def _page(self, since: str, offset: int, limit: int) -> Iterator[Any]:
        asked: dict[str, Any] = {"order_by": "-id", "limit": limit, "offset": offset}
        asked |= {"updated_at_gte": since} if since else {}
        try:
            yield from self._ask("GET", "api/v2/dags/~/dagRuns", params=asked)["dag_runs"]
        except TooLarge:  # somebody triggered a run with a library of words: all but that one
            if limit > 1:
                half = limit // 2
                yield from self._page(since, offset, half)
                yield from self._page(since, offset + half, limit - half)

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        if "Authorization" in self.client.headers:
            try:
                return ask(self.client, method, path, **more)
            except NotDone as refused:
                if refused.status not in (401, 403):
                    raise
        # The token before is too old, or Airflow was started anew.
        self.client.headers["Authorization"] = f"Bearer {bought_token(self.client, self._token)}"
        return ask(self.client, method, path, **more)


def _run(told: dict[str, Any]) -> Run:
    dag, _, attendee = told["dag_id"].partition(".")
    began = told["start_date"] or told["queued_at"] or ""
    day = visible(str(told["partition_key"] or ""))[:10]
    return Run(dag, attendee, told["dag_run_id"], str(told["state"]), day, began, told["end_date"] or "")
