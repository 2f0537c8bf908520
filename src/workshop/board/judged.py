"""A row from what is known about an attendee: how far they are, and what is wrong, in one line."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256

from fde.clock import Clock
from workshop import settings
from workshop.board.airflow import Run
from workshop.board.facts import LACKS, NEEDED, Facts
from workshop.board.row import DONE, NOT_YET, RED, Cell, Incident, Row
from workshop.board.runs import is_of


def judged(
    attendee: str,
    steps: Sequence[int],
    clock: Clock | str,
    known: Facts | str | None,
    incidents: tuple[Incident, ...] = (),
    ended: Run | None = None,
    check: Run | None = None,
    running: str = "",
) -> Row:
    """The row of an attendee.

    Arguments: steps, the numbers of all; clock; known, facts about the world; for each a line that says why there is
    none; ended, check: the last run of their pipeline, and of its check, that has ended.
    """
    trouble = _wrong(clock, known, ended, check)
    row = Row(attendee, (), None if isinstance(clock, str) else clock, running, trouble, incidents=incidents)
    if not isinstance(known, Facts):
        why = "" if trouble else "the board has not looked yet"
        return replace(row, cells=_cells([(number, False, why) for number in steps], trouble))
    return replace(
        row,
        cells=_cells(known.steps, trouble),
        flag=known.flag and replace(known.flag, run=str(ended) if ended else "no run has ended yet"),
        versions=tuple(known.versions.items()),
        code=known.code,
        fails=known.fails,
    )


def by_need(row: Row) -> tuple[object, ...]:
    """Sorts rows: who asked for help, the oldest first; who is stuck; who is furthest behind; by name."""
    asked = row.flag.asked if row.flag else float("inf")
    return asked, not row.trouble, row.done, row.clock.day if row.clock else "", row.attendee


def _wrong(clock: Clock | str, known: Facts | str | None, ended: Run | None, check: Run | None) -> str:
    """Why somebody is stuck; "" when they are not."""
    for line in (clock, known):
        if isinstance(line, str):
            return line
    if isinstance(known, Facts) and known.trouble:
        return known.trouble
    if ended and ended.state == "failed":
        return str(ended)
    if not isinstance(known, Facts):
        return ""
    if check and check.state == "failed" and known.fails is None and is_of(check, known.code):
        return str(check)
    if known.fails and known.law == LACKS:
        return next(why for _, done, why in known.steps if not done)
    if known.fails and known.law == NEEDED and known.green:
        return f"laws that held before do not hold any more: {', '.join(known.fails)}. See: fde check"
    return ""


def _cells(steps: Sequence[tuple[int, bool, str]], trouble: str) -> tuple[Cell, ...]:
    """The first step that is not done is the one they are at: red when something is wrong."""
    at = next((number for number, done, _ in steps if not done), 0)
    return tuple(
        Cell(number, DONE)
        if done
        else Cell(number, RED if trouble and number == at else NOT_YET, trouble if number == at and trouble else why)
        for number, done, why in steps
    )


def unchecked(row: Row) -> bool:
    """Whether a pipeline has no verdict, and somebody has touched it: a room of fifty begins with fifty alike."""
    return bool(row.code) and row.fails is None and row.code != _given()


@cache
def _given() -> str:
    return sha256((settings.root() / "solutions" / "mutable.py").read_bytes()).hexdigest()
