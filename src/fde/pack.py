"""The pack: the source systems, simulated by a folder of CSV files, one per source and day."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache
from pathlib import Path

import pyarrow as pa

from fde.delivery import Delivery
from fde.incidents import overlay
from fde.refused import Refused
from fde.schemas import SOURCES, is_date

FILE = re.compile(r"^([a-z_]+)_day-([1-9]\d*)(?:\.from-([1-9]\d*))?\.csv$")
FIRST_DAY = date(2022, 1, 1)
REFUSE, QUARANTINE = "refuse", "quarantine"
_users = lru_cache(maxsize=1)(Delivery)  # those of the last file are kept: the day's orders are judged by them next


@dataclass(frozen=True)
class Pack:
    """A folder of files `NAME_day-N.csv`, and optionally `pack.toml`.

    Its keys: `title`; `days` (ISO dates); `bad_rows`: `refuse` the file they stand in (the default), or `quarantine`
    them and deliver the others.
    """

    path: Path

    @cached_property
    def days(self) -> list[str]:
        """The dates of the story, ISO, in order. Day N of the file names is the Nth.

        Raises Refused when a day has no file at all, or `pack.toml` does not fit the files.
        """
        numbers = {day for _, day, _ in self._files}
        if not numbers:
            raise Refused(f"pack {self.path}: no files named like users_day-1.csv. Is this the right folder?")
        for number in range(1, max(numbers) + 1):
            if number not in numbers:
                raise Refused(
                    f"pack {self.path}: there is a day {max(numbers)} but no day {number}. "
                    f"Add users_day-{number}.csv and orders_day-{number}.csv, or number the files without a gap."
                )
        days = self._settings.get("days")
        if days is None:
            return [(FIRST_DAY + timedelta(n)).isoformat() for n in range(max(numbers))]
        return self._checked(days, max(numbers))

    @property
    def files(self) -> list[Path]:
        """The files that make up the pack; what else lies in its folder is not part of it."""
        return sorted(f for f in self.path.iterdir() if FILE.match(f.name) or f.name == "pack.toml")

    @property
    def title(self) -> str:
        """What the story is called on screens."""
        return str(self._settings.get("title") or self.path.name)

    def number(self, day: str) -> int:
        """The number of a date of the story, from 1. Raises Refused for any other date."""
        if day not in self.days:
            raise Refused(f"{day} is not a day of the story, which goes from {self.days[0]} to {self.days[-1]}.")
        return self.days.index(day) + 1

    def day(self, number: int) -> str:
        """The date of a day of the story that is said by its number. Raises Refused when there is none."""
        if not 1 <= number <= len(self.days):
            raise Refused(f"the story has no day {number}: its days are 1 to {len(self.days)}.")
        return self.days[number - 1]

    def rows(self, source: str, day: str, today: str, incidents: Sequence[tuple[str, str]] = ()) -> pa.Table:
        """The checked rows that a source delivers for a day when it is asked today.

        Arguments: incidents, what goes wrong in the shop: pairs (day, name), in order.
        Columns as in `schemas.SOURCES`; dates as ISO text, money as whole cents, blank cells as null.
        Raises Refused with file, line, column, value and reason when a row is bad, unless bad rows are quarantined.
        """
        return self.deliver(source, day, today, incidents).rows

    def deliver(self, source: str, day: str, today: str, incidents: Sequence[tuple[str, str]] = ()) -> Delivery:
        """The same, and beside the rows those that were refused."""
        delivery = self._read(source, day, today, incidents)
        if source == "orders":
            delivery.judge_users(self._read("users", day, today, incidents))
        return delivery

    def _read(self, source: str, day: str, today: str, incidents: Sequence[tuple[str, str]]) -> Delivery:
        if source not in SOURCES:
            raise Refused(f"there is no source {source!r}. Sources: {', '.join(SOURCES)}.")
        number, asked = self.number(day), self.number(today)
        file, before = (self._file(source, of, max(asked, number)) for of in (number, number - 1))
        names = [name for of, name in incidents if of == day]
        data = overlay(names, source, self._bytes(file), lambda: self._bytes(before))
        if data is None:
            raise Refused(f"the source sent no {source} for {day}: {file} is missing.")
        judged = _users if source == "users" else Delivery
        return judged(data, file, source, self._settings.get("bad_rows") == QUARANTINE)

    def _bytes(self, file: Path) -> bytes | None:
        try:
            return file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Refused(f"{file}: cannot be read: {error.strerror}.") from None

    def _file(self, source: str, number: int, asked: int) -> Path:
        """What was sent last for a day, by the day on which one asks; both by their numbers."""
        since = max((since for *of, since in self._files if of == [source, number] and since <= asked), default=0)
        later = f".from-{since}" if since else ""
        return self.path / f"{source}_day-{number}{later}.csv"

    @cached_property
    def _files(self) -> list[tuple[str, int, int]]:
        """(source, day number, delivered when asked from that day number on; 0 = from the start)."""
        if not self.path.is_dir():
            raise Refused(f"pack {self.path}: no such folder. FDE_PACK, or `pack` in room.yaml, must name one.")
        found = (FILE.match(file.name) for file in self.path.iterdir())
        return [(name[1], int(name[2]), int(name[3] or 0)) for name in found if name]

    @cached_property
    def _settings(self) -> dict[str, object]:
        file = self.path / "pack.toml"
        try:
            found = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Refused(f"{file}: {error}") from None
        if found.get("bad_rows", REFUSE) not in (REFUSE, QUARANTINE):
            raise Refused(f"{file}: bad_rows is {found['bad_rows']!r}; it may be {REFUSE!r} or {QUARANTINE!r}.")
        return found

    def _checked(self, days: object, number: int) -> list[str]:
        where = f"{self.path / 'pack.toml'}: days"
        if not isinstance(days, list):
            raise Refused(f'{where} must be a list of dates like "2022-01-31".')
        texts = [str(day) for day in days]
        for text in texts:
            if not is_date(text):
                raise Refused(f"{where}: {text!r} is not a date like 2022-01-31.")
        if texts != sorted(set(texts)):
            raise Refused(f"{where} must go forward: each date later than the one before.")
        if len(texts) != number:
            raise Refused(f"{where} lists {len(texts)} dates, but the files go to day {number}. They must agree.")
        return texts
