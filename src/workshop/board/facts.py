"""What the reader found out about a world: plain values, made in its process and handed over as JSON."""

from dataclasses import dataclass
from typing import Any

from workshop.board.row import Flag

LACKS, NEEDED = "lacks", "needed"


@dataclass(frozen=True)
class Facts:
    """What a row needs of a world.

    steps: (number, done, why not); law: what the laws of the check are to the first step that is not done: what it
    LACKS, only NEEDED by it, or "" when it does without; trouble: what is wrong with `pipeline.py` itself; code, fails,
    versions: as of `Row`; green: a pipeline of theirs held all laws before; imports: table -> (version, day, rows);
    by_clock: whether all this hangs on the clock, beyond its incidents.
    """

    steps: tuple[tuple[int, bool, str], ...]
    law: str
    trouble: str
    code: str
    fails: tuple[str, ...] | None
    green: bool
    flag: Flag | None
    versions: dict[str, int]
    imports: dict[str, list[tuple[int, str, int]]]
    by_clock: bool


@dataclass(frozen=True)
class Look:
    """A world as it stands in the board's copy, at one receipt. Nothing of it can be changed from here.

    receipt: in words; rows: what the dashboard shows there: sales_date, status, orders, quantity, revenue_cents, maybe
    tax_cents; code: the pipeline that made the newest of its days; diff: to the last one that broke no law, unified;
    verdict: a law each: name, promise, status, why, hint; versions: of sales: (version, day, rows, inputs, code).
    """

    attendee: str
    receipt: str
    rows: list[dict[str, Any]]
    code: str
    diff: str
    verdict: list[dict[str, str]]
    versions: list[tuple[int, str, int, str, str]]


def facts(told: dict[str, Any]) -> Facts:
    """The same, from JSON."""
    flag, fails = told["flag"], told["fails"]
    return Facts(
        **{
            **told,
            "steps": tuple((number, done, why) for number, done, why in told["steps"]),
            "fails": None if fails is None else tuple(fails),
            "flag": flag and Flag(**{**flag, "law": tuple(flag["law"])}),
        }
    )
