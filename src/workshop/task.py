"""What the tasks of a DAG do. Imports wait until a task runs: the DAG file is parsed time and again, without pandas."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
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


def call(attendee: str, function: str, run: str) -> None:
    """Run one function of the attendee's pipeline.py for the day its run has settled. What it raises ends the task."""
    import fde.run
    from workshop import desk

    with refusals_first(attendee):
        world = desk.open(attendee)
        with fde.run.shared_lock(world.path):  # from here on no desk is swapped
            day, began_at = settled(world, run)
            if began_at != at_desk(world):
                raise Refused("this run began at another desk, which is kept in kept/. Trigger a new run for this one.")
            for line in fde.run.call(world, function, day):
                log.warning("%s", line)
    log.info("%s is done for %s.", function, day)


def catch_up(attendee: str, to: str) -> None:
    """Give the attendee the desk of a step ("3"), or the one before that ("undo"). What is refused ends the task."""
    import fde.desk
    from workshop import desk, openings

    with refusals_first(attendee):
        world = desk.open(attendee).path
        opening = None if to == "undo" else openings.opening(int(to) if to.isdecimal() else 0)
        kept = fde.desk.catch_up(world, opening) if opening else fde.desk.undo(world)
    log.info("Done. The former desk is kept whole in kept/%s of %s.", kept.name, attendee)


def check(attendee: str) -> None:
    """Run the check on the attendee's pipeline, log the verdict and keep it in their world.

    A law that fails is no failed task: the verdict is what was asked for. What is refused ends the task.
    """
    import fde.check
    from fde import verdicts
    from workshop import desk

    with refusals_first(attendee):
        world = desk.open(attendee)
        code = verdicts.pipeline(world.path)
        verdict = fde.check.check(world)
        log.info("%s", verdict)
        verdicts.keep(world.path, verdict, code)


def settle_once(world: World, key: str | None, run: str) -> str:
    """The day that was settled for this run before; else settles it. Keeps it, and the desk, in the world."""
    from fde.run import start_import

    kept = _kept(world, run)
    before = kept.read_text("utf-8").split()[:1] if kept.exists() else []
    day = before[0] if before else start_import(world, key)
    kept.parent.mkdir(exist_ok=True)
    part = kept.with_suffix(".part")
    part.write_text(f"{day} {at_desk(world)}", "utf-8")
    part.replace(kept)
    return day


def settled(world: World, run: str) -> tuple[str, str]:
    """The day of a run, and at which desk it began."""
    try:
        day, desk = _kept(world, run).read_text("utf-8").split()
    except (OSError, ValueError):
        raise Refused(
            "nobody knows which day this run is about. Clear its start_import, or trigger a new run."
        ) from None
    return day, desk


def at_desk(world: World) -> str:
    """What tells this desk from one that was swapped in for it."""
    return str(world.desk.stat().st_ino)


def _kept(world: World, run: str) -> Path:
    return world.path / ".runs" / sha256(run.encode()).hexdigest()  # people may name runs: no name of a file


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
    except OSError as error:
        log.error("%s: %s. Mend that and trigger again.", error.filename or "disk", error.strerror or error)
        log.info("Where it came from:\n%s", trace(error))
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
