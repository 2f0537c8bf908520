"""What the tasks of a DAG do. Imports wait until a task runs: the DAG file is parsed time and again, without pandas."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from fde.refused import Refused

log = logging.getLogger("airflow.task")


def start_import(attendee: str, key: str | None) -> str:
    """Settle the day of a run: the partition key, else the clock's. Returns it, ISO. What is refused ends the task."""
    from fde import run
    from workshop import desk

    with refusals_first():
        day = run.start_import(desk.open(attendee), key)
    log.info("This run imports %s.", day)
    return day


def call(attendee: str, function: str, day: str) -> None:
    """Run one function of the attendee's pipeline.py. What it raises ends the task."""
    from fde import run
    from workshop import desk

    with refusals_first():
        run.call(desk.open(attendee), function, day)
    log.info("%s is done for %s.", function, day)


@contextmanager
def refusals_first() -> Iterator[None]:
    """Let the message meant for a person come first in the task's log, without Airflow's own stack trace around it."""
    try:
        yield
    except Refused as refused:
        log.error("%s", refused)
        if refused.__cause__ and not isinstance(refused.__cause__, Refused):
            log.info("Where it came from:\n%s", "".join(traceback.format_exception(refused.__cause__)))
        raise SystemExit(1) from None
