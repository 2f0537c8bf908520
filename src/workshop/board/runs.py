"""Everybody's runs, as far as the board knows them: asked for each turn, remembered while Airflow is away."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from fde.refused import Refused
from workshop.airflow_api import NotDone
from workshop.board.airflow import CATCH_UP, CHECKS, DAGS, IMPORTS, Airflow, Run

EVERYTHING_SECONDS = 300  # from one look at all runs to the next: somebody may have deleted some
SLACK = timedelta(seconds=10)  # what is written down may be seen a little later
ERRORS = 10  # that are read in one turn
PUT_OFF_SECONDS = 30  # from a check that Airflow did not take to the next try
NEVER = float("-inf")
Key = tuple[str, str, str]  # DAG, attendee, id
AT_ONCE, TRIES = 2, 3  # checks that run at the same time; of one text of a pipeline


class Runs:
    """The runs of the attendees' DAGs. trouble: why Airflow cannot be asked, "" when it can."""

    def __init__(self, airflow: Airflow, names: Sequence[str]) -> None:
        self.airflow, self.trouble = airflow, ""
        self._names = set(names)
        self._runs: dict[Key, Run] = {}
        self._open: dict[str, list[Run]] = {}  # attendee -> those that run or wait, the running ones first
        self._ended: dict[tuple[str, str], Run] = {}  # (DAG, attendee) -> the last one that has ended
        self._tasks: dict[str, list[str]] = {}
        self._since, self._all_at = "", NEVER
        self._put_off: dict[str, float] = {}  # attendee -> when a check may be asked for again

    @property
    def busy(self) -> bool:
        """Whether something runs, or waits for its turn."""
        return bool(self._open)

    @property
    def failed(self) -> int:
        """How many imports failed, of those that Airflow still knows."""
        return sum(run.dag == IMPORTS and run.state == "failed" for run in self._runs.values())

    def refresh(self) -> None:
        """Ask what is new. When Airflow does not answer, `trouble` says so, and all stays as it was."""
        try:
            self._list()
            self._tasks = self.airflow.tasks() if self.busy else {}
            failed = [run for run in self._ended.values() if run.state == "failed" and not run.error]
            self._take({_key(run): replace(run, error=self._error(run)) for run in failed[:ERRORS]})
            self.trouble = ""
        except (Refused, ValueError, TypeError, KeyError) as error:  # or it answers what it never does
            self.trouble, self._all_at = str(error) or type(error).__name__, NEVER

    def ended(self, attendee: str, dag: str = IMPORTS) -> Run | None:
        """The last run of an attendee's DAG that has ended."""
        return self._ended.get((dag, attendee))

    def imported(self, attendee: str) -> Run | None:
        """Their last import that has ended; None when they got another desk since: what failed there is put away."""
        run, swap = self.ended(attendee), self.ended(attendee, CATCH_UP)
        return None if run and swap and swap.state == "success" and swap.ended > run.ended else run

    def running(self, attendee: str) -> str:
        """What runs now, like `load_orders of 2022-01-02`; "" for nothing."""
        for run in self._open.get(attendee, []):
            what = " and ".join(self._tasks.get(f"{run.dag}.{attendee}", [])) or run.dag
            return f"{what} of {run.day}" if run.day else what
        return ""

    def check(self, wanted: Mapping[str, str]) -> None:
        """Have pipelines checked that have no verdict: attendee -> sha256 of `pipeline.py`. A few at once.

        A check that failed is not tried again for the same text. Its run is named after the text, so a board that was
        started again knows, too: Airflow takes no second run of that name.
        """
        checks = [run for run in self._runs.values() if run.dag == CHECKS]
        places = AT_ONCE - sum(run.is_open for run in checks)
        for attendee, code in wanted.items():
            own = [run for run in checks if run.attendee == attendee]
            tried = [run for run in own if is_of(run, code)]
            if places <= 0 or self.trouble:
                return
            if any(run.is_open for run in own) or any(run.state == "failed" for run in tried) or len(tried) >= TRIES:
                continue
            if time.monotonic() >= self._put_off.get(attendee, NEVER):
                places -= 1
                self._start(Run(CHECKS, attendee, f"{_name(code)}{len(tried) + 1}", "queued"))

    def _start(self, run: Run) -> None:
        try:
            self.airflow.start_check(run.attendee, run.id)
        except NotDone as refused:
            if refused.status != 409:  # its DAG is not there yet, perhaps
                self._put_off[run.attendee] = time.monotonic() + PUT_OFF_SECONDS
                return
            run = replace(run, state="failed")  # tried by the board that was here before
        except Refused as refused:
            self.trouble, self._all_at = str(refused), NEVER
            return
        self._take({_key(run): run})

    def _list(self) -> None:
        everything = time.monotonic() - self._all_at > EVERYTHING_SECONDS
        listed, newest, whole = self.airflow.runs("" if everything else self._since)
        found = {_key(run): run for run in listed if run.dag in DAGS and run.attendee in self._names}
        for key, run in found.items():
            before = self._runs.get(key)
            if before and before.error and before.ended == run.ended:
                found[key] = replace(run, error=before.error)
        if everything and whole:
            self._runs = {}
        self._take(found)
        self._since = newest and (datetime.fromisoformat(newest) - SLACK).isoformat()
        if everything:
            self._all_at = time.monotonic()

    def _take(self, found: Mapping[Key, Run]) -> None:
        self._runs.update(found)
        self._open, self._ended = {}, {}
        for run in sorted(self._runs.values(), key=lambda run: (run.state != "running", run.began)):
            if run.is_open:
                self._open.setdefault(run.attendee, []).append(run)
            else:
                self._ended[run.dag, run.attendee] = run

    def _error(self, run: Run) -> str:
        try:
            return self.airflow.error(run)
        except NotDone as refused:
            return f"its log cannot be read: {refused}"


def is_of(run: Run, code: str) -> bool:
    """Whether the board had a text of a pipeline, by its sha256, checked by this run."""
    return run.id.startswith(_name(code))


def _name(code: str) -> str:
    return f"board-{code[:16]}-"


def _key(run: Run) -> tuple[str, str, str]:
    return run.dag, run.attendee, run.id
