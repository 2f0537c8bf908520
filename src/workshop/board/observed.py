"""What the board has seen of incidents: when each began, and when its attendee rolled back. Kept while it is away."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fde.clock import LATEST, Clock
from workshop.board.row import Incident

Imports = dict[str, list[tuple[int, str, int]]]  # table -> (version, day, rows)


@dataclass
class Seen:
    """One incident of one attendee. first, last: table -> newest version when it began, and when they rolled back."""

    began: float
    first: dict[str, int]
    rolled_back: float | None = None
    last: dict[str, int] = field(default_factory=dict)


class Observed:
    """What was seen so far, in a file. What it does not know it sees for the first time now."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._shown: dict[str, list[str]] = {}  # attendee -> [day, deployed], as last seen
        self._seen: dict[str, dict[str, Seen]] = {}  # attendee -> incident -> what was seen of it
        with suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads(file.read_text("utf-8"))
            seen = {who: {what: Seen(**one) for what, one in of.items()} for who, of in told["seen"].items()}
            self._shown, self._seen = told["shown"], seen
        self._kept = self._text()

    def see(self, attendee: str, clock: Clock, imports: Imports, now: float) -> tuple[Incident, ...]:
        """The incidents of an attendee, after a look at their clock and their lake. now: seconds since 1970."""
        newest = {table: max((version for version, _, _ in of), default=0) for table, of in imports.items()}
        rolled_back = attendee in self._shown and _went_back(self._shown[attendee], clock, newest.get("sales", 0))
        self._shown[attendee] = [clock.day, clock.deployed]
        before, told = self._seen.get(attendee, {}), []
        self._seen[attendee] = {}
        for day, name in clock.incidents:
            what = f"{day} {name}"
            one = self._seen[attendee][what] = before.get(what) or Seen(now, newest)
            if rolled_back and one.rolled_back is None and what in before:
                one.rolled_back, one.last = now, newest
            rows = sum(_touched(of, one.first.get(table, 0), one.last.get(table)) for table, of in imports.items())
            told.append(Incident(day, name, one.began, one.rolled_back, rows))
        return tuple(told)

    def keep(self) -> None:
        """Write down what is new. Whole or not at all."""
        if (text := self._text()) == self._kept:
            return
        part = self._file.with_suffix(".part")
        with suppress(OSError):  # a full disk is told elsewhere; the board goes on
            part.write_text(text, "utf-8")
            part.replace(self._file)
            self._kept = text

    def _text(self) -> str:
        seen = {who: {what: asdict(one) for what, one in of.items()} for who, of in self._seen.items() if of}
        return json.dumps({"shown": self._shown, "seen": seen})


def _went_back(shown: list[str], now: Clock, newest: int) -> bool:
    """Whether `deployed` was set to something earlier than what it was. shown: day and `deployed` before."""
    before = Clock(now.days, shown[0], shown[1])
    if now.deployed in (before.deployed, LATEST):
        return False
    if now.version is not None:
        return now.version < (before.version or newest)
    return now.until < min(before.until, now.day)


def _touched(imports: list[tuple[int, str, int]], first: int, last: int | None) -> int:
    """Rows of days that were there already and were written over by the imports after one version, until another."""
    rows: dict[str, int] = {}
    touched = 0
    for version, day, number in imports:
        if version > first and (last is None or version <= last):
            touched += rows.get(day, 0)
        rows[day] = number
    return touched
