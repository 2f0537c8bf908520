"""A row of the board: what it says about one attendee."""

from dataclasses import dataclass

from fde.clock import Clock

DONE, NOT_YET, RED = "done", "not yet", "red"


@dataclass(frozen=True)
class Cell:
    """One step of one attendee. state: DONE, NOT_YET, or RED: at it, and something is wrong: `why` says what."""

    step: int
    state: str
    why: str = ""


@dataclass(frozen=True)
class Flag:
    """An attendee asked for help: in these words, at `asked` (seconds since 1970), at that moment with this evidence.

    run: their last run and its error; day: the clock's; versions: table -> newest version; law: names of the failing
    laws; diff: `pipeline.py` since it last broke no law, as a unified diff, "" when it never did.
    """

    words: str
    asked: float
    day: str
    run: str
    versions: dict[str, int]
    law: tuple[str, ...]
    diff: str


@dataclass(frozen=True)
class Incident:
    """What goes wrong in the shop for an attendee: since when, and how they did (None: not yet).

    began, rolled_back: seconds since 1970; rows_touched: rows of the lake that were written over between the two.
    """

    day: str
    name: str
    began: float
    rolled_back: float | None = None
    rows_touched: int = 0


@dataclass(frozen=True)
class Row:
    """One attendee. clock: None when theirs cannot be read, `trouble` says why.

    running: what runs now, like "load_orders of 2022-01-02", "" for nothing; trouble: why they are stuck, in one line,
    "" when they are not; versions: table -> newest version; code: sha256 of `pipeline.py`, "" when there is none;
    fails: names of the laws that their pipeline breaks, None while no verdict of this code is there.
    """

    attendee: str
    cells: tuple[Cell, ...]
    clock: Clock | None
    running: str = ""
    trouble: str = ""
    flag: Flag | None = None
    incidents: tuple[Incident, ...] = ()
    versions: tuple[tuple[str, int], ...] = ()
    code: str = ""
    fails: tuple[str, ...] | None = None

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum(cell.state == DONE for cell in self.cells)
