"""What the tasks of a DAG do. Imports wait until a task runs: the DAG file is parsed time and again, without pandas."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

from fde.refused import Refused

if TYPE_CHECKING:
    from fde.world import World

log = logging.getLogger("airflow.task")


def start_import(attendee: str, key: str | None, run: str) -> str:
    """Settle the day of a run: the partition key, else the clock's. Returns it, ISO. What is refused ends the task.

    run: what tells the run from all others. Cleared, it is about the same day again, whatever the clock says by then.
    """
    from workshop import desk

    with refusals_first(attendee):
        day = settle_once(desk.open(attendee), key, run)
    log.info("This run imports %s.", day)
    return day


def call(attendee: str, function: str, day: str) -> None:
    """Run one function of the attendee's pipeline.py. What it raises ends the task."""
    from fde import run
    from workshop import desk

    with refusals_first(attendee):
        run.call(desk.open(attendee), function, day)
    log.info("%s is done for %s.", function, day)


def settle_once(world: World, key: str | None, run: str) -> str:
    """The day that was settled for this run before; else settles it, and keeps it in the world. Raises Refused."""
    from fde.run import start_import

    kept = world.path / ".runs" / sha256(run.encode()).hexdigest()  # people may name runs: no name of a file
    if kept.exists():
        return kept.read_text("utf-8")
    day = start_import(world, key)
    kept.parent.mkdir(exist_ok=True)
    part = kept.with_suffix(".part")
    part.write_text(day, "utf-8")
    part.replace(kept)
    return day


@contextmanager
def refusals_first(attendee: str) -> Iterator[None]:
    """Let the message meant for a person come first in the task's log, without Airflow's own stack trace around it.

    Files of the desk are told by their name: the whole path would push the line that failed off the screen.
    """
    from airflow.sdk.exceptions import AirflowTaskTimeout

    from workshop import settings

    try:
        yield
    except AirflowTaskTimeout as late:
        log.error("This took longer than %d seconds, the limit of a task.\n%s", settings.task_seconds(), trace(late))
        raise SystemExit(1) from None
    except Refused as refused:
        log.error("%s", str(refused).replace(f"{settings.world(attendee) / 'desk'}/", ""))
        if refused.__cause__ and not isinstance(refused.__cause__, Refused):
            log.info("Where it came from:\n%s", trace(refused.__cause__))
        raise SystemExit(1) from None


def trace(error: BaseException) -> str:
    """The stack trace of an error, from the attendee's own code on."""
    from fde import run

    steps = own = error.__traceback__
    while steps:
        if steps.tb_frame.f_code.co_filename == run.__file__:
            own = steps.tb_next
        steps = steps.tb_next
    return "".join(traceback.format_exception(type(error), error, own))
