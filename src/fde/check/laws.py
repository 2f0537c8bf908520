"""The laws of a functional pipeline, and how they judge what was seen on throw-away desks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fde.check.hints import hint
from fde.check.judged import FAILS, HOLDS, NOT_YET, Judged, Rows, differences, short
from fde.check.side_by_side import Observed

SHOWN = 5  # of the rows that differ


@dataclass(frozen=True)
class Trials:
    """What two processes saw on some days. `day`: the one that was sent again, None when no day could be."""

    one: Observed
    other: Observed
    days: Sequence[str]
    day: str | None


@dataclass(frozen=True)
class Failure:
    """Why a law fails; with the clock at `day`, the dashboards should show `expected`."""

    why: str
    day: str | None = None
    expected: Rows | str | None = None
    actual: Rows | str | None = None


Judge = Callable[[Trials], Failure | None]


def judge(trials: Trials, code: str) -> tuple[Judged, ...]:
    """Each law in turn; one that needs a law which does not hold is not judged yet."""
    judged: dict[str, Judged] = {}
    for name, (promise, needs, law) in LAWS.items():
        missing = [other for other in needs if judged[other].status != HOLDS]
        if missing:
            judged[name] = Judged(name, promise, NOT_YET, f"First: {' and '.join(missing)}.")
        elif name in OF_TWO_DAYS and len(trials.days) < 2:
            judged[name] = Judged(name, promise, NOT_YET, "It is about two days or more, and the story has one.")
        elif name == "backfill" and trials.day is None:
            judged[name] = Judged(name, promise, NOT_YET, "No order of one day could come on another day as well.")
        elif failure := law(trials):
            judged[name] = _failed(name, promise, failure, code)
        else:
            judged[name] = Judged(name, promise, HOLDS)
    return tuple(judged.values())


def _failed(name: str, promise: str, failure: Failure, code: str) -> Judged:
    rows, why, seen = [], failure.why, {"Expected": failure.expected, "Actual": failure.actual}
    if isinstance(failure.expected, list) and isinstance(failure.actual, list):
        rows = differences(failure.expected, failure.actual)
    elif failure.expected != failure.actual:
        why += "".join(f"\n{word}: {one if isinstance(one, str) else 'some rows'}" for word, one in seen.items())
    more = max(len(rows) - SHOWN, 0)
    return Judged(name, promise, FAILS, short(why), failure.day, tuple(rows[:SHOWN]), more, hint(name, why, code))


def _runs(trials: Trials) -> Failure | None:
    for one in (trials.one, trials.other):
        if failed := one.failed.get("each day"):
            return Failure(f"The run of {failed[0]} failed.\n{failed[1]}", failed[0])
        for day in trials.days:
            if isinstance(seen := one.seen["first", day], str):
                return Failure(f"The run of {day} went through, but there is nothing to see.\n{seen}", day)
        if not one.seen["end", trials.days[-1]]:
            return Failure("All days were run, and the dashboards show no row.", trials.days[-1])
    return None


def _determinism(trials: Trials) -> Failure | None:
    why = (
        "Two fresh desks ran the same days. They differ in hash seed, time zone, and language where there is another; "
        "but they do not show the same"
    )
    for name in ("first", "again", "end"):
        for day in trials.days:
            expected, actual = (one.seen.get((name, day)) for one in (trials.one, trials.other))
            if expected != actual:
                return Failure(f"{why} with the clock at {day}.", day, expected, actual)
    return None


def _rerun(trials: Trials) -> Failure | None:
    if failed := trials.one.failed.get("again"):
        return Failure(f"{failed[0]} was run twice, and the second run failed.\n{failed[1]}", failed[0])
    seen = trials.one.seen
    for day in trials.days:
        first, again = seen["first", day], seen.get(("again", day))
        if again is not None and first != again:
            why = f"{day} was run once, which shows the expected rows, and once more, which shows the actual ones."
            return Failure(why, day, first, again)
    return None


def _history(trials: Trials) -> Failure | None:
    seen = trials.one.seen
    for day in trials.days:
        if seen["first", day] != seen["end", day]:
            why = (
                f"When {day} was the newest day, the dashboards showed the expected rows. Then later days were run. "
                f"With the clock turned back to {day}, they show the actual rows."
            )
            return Failure(why, day, seen["first", day], seen["end", day])
    return None


def _order(trials: Trials) -> Failure | None:
    late = "Each day ran on its day (expected), and on another desk all of them when the last day had come (actual)."
    order = "The same days ran from the first to the last (expected), and on another desk the other way round (actual)."
    return _same(trials, (trials.one, "end"), (trials.one, "late"), late) or _same(
        trials, (trials.other, "forward"), (trials.other, "backward"), order
    )


def _backfill(trials: Trials) -> Failure | None:
    why = (
        f"The source sent {trials.day} again, with more orders, and it was run again (actual). "
        "All should be as if it had been sent so at first (expected)."
    )
    return _same(trials, (trials.other, "forward"), (trials.one, "sent again"), why)


def _same(trials: Trials, expected: tuple[Observed, str], actual: tuple[Observed, str], why: str) -> Failure | None:
    for one, name in (expected, actual):
        if failed := one.failed.get(name):
            return Failure(f"{why} But a run of {failed[0]} failed ({name}).\n{failed[1]}", failed[0])
    for day in trials.days:
        old, new = (one.seen[name, day] for one, name in (expected, actual))
        if old != new:
            return Failure(f"{why} They differ with the clock at {day}.", day, old, new)
    return None


OF_TWO_DAYS = ("history", "order", "backfill")
#: name -> (what it promises, the laws it builds on, its judge)
LAWS: dict[str, tuple[str, tuple[str, ...], Judge]] = {
    "runs": ("each day runs, and then there is something to see", (), _runs),
    "determinism": ("the same days on two fresh desks show the same", ("runs",), _determinism),
    "rerun": ("the same day run twice changes nothing", ("determinism",), _rerun),
    "history": ("a later day changes no earlier day's rows", ("determinism",), _history),
    "order": ("days in any order, early or late, end the same", ("determinism",), _order),
    "backfill": ("a day sent again changes that day and no other", ("rerun", "order"), _backfill),
}
