"""Incidents: what goes wrong in the shop one day. Each changes what a source sends, never a file of the pack."""

import csv
import io
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from fde.refused import Refused
from fde.schemas import KINDS, MONEY

Before = Callable[[], bytes | None]


@dataclass(frozen=True)
class Kind:
    """A kind of incident: in words for people, the source it is about, and a function of nothing but its arguments.

    spoil: the file that the source sent for a day, and what gives the one of the day before -> the file that arrives,
    None when none does.
    """

    words: str
    source: str
    spoil: Callable[[bytes, Before], bytes | None]


def find(name: str) -> Kind:
    """The kind of a name. Raises Refused for any other name."""
    if name not in INCIDENTS:
        raise Refused(f"there is no incident {name!r}. Incidents: {', '.join(INCIDENTS)}.")
    return INCIDENTS[name]


def overlay(names: Iterable[str], source: str, data: bytes | None, before: Before) -> bytes | None:
    """The file of a source that arrives when incidents happen one after the other.

    Arguments: data, what the source sent for the day; before, gives what it sent for the day before. None: nothing.
    Raises: Refused for a name that is no incident.
    """
    for kind in map(find, names):
        if kind.source == source and data is not None:
            with suppress(csv.Error):  # what cannot be read cannot be spoilt any further
                data = kind.spoil(data, before)
    return data


def _fake_order(data: bytes, before: Before) -> bytes:
    """One order more, like the day's first but for the revenue. Its number is longer than all others, so it is new."""
    head, *rows = _read(data)
    rows = [row for row in rows if len(row) == len(head)]
    if not rows:
        return data
    fake, revenue, number = list(rows[0]), _column(head, "revenue"), _column(head, "order_id")
    amounts = [cell.strip() for row in rows for cell in row[revenue]]
    total = sum(Decimal(text) for text in amounts if re.match(KINDS[MONEY][0], text))
    fake[revenue] = [str(20 * total) for _ in fake[revenue]]
    fake[number] = [max((row[number][0] for row in rows), key=len) + "0" for _ in fake[number]]
    return data.rstrip() + b"\n" + _write([fake])


def _duplicated_file(data: bytes, before: Before) -> bytes | None:
    """A job that ran once too often: the file of the day before once more, as this day's. On the first day, none.

    Not each row twice: numbers of orders would stand twice, which is refused. This file is in order, only not today's.
    """
    return before()


def _missing_column(data: bytes, before: Before) -> bytes:
    head, *rows = _read(data)
    status = _column(head, "status")
    for row in (*rows, head):
        del row[status]
    return _write([head, *rows])


def _changed_type(data: bytes, before: Before) -> bytes:
    head, *rows = _read(data)
    revenue = _column(head, "revenue")
    for row in rows:
        row[revenue] = [f"EUR {cell.replace('.', ',')}" for cell in row[revenue]]
    return _write([head, *rows])


def _late_file(data: bytes, before: Before) -> None:
    return None


def _wrong_encoding(data: bytes, before: Before) -> bytes:
    """The last user has another name: that of a plant, as all of the shop's, but with an umlaut."""
    head, *rows = _read(data)
    for row in rows[-1:]:
        row[_column(head, "name")] = ["Kürbis"]
    return _write([head, *rows]).decode("utf-8", "replace").encode("latin-1", "replace")


def _half_a_file(data: bytes, before: Before) -> bytes:
    """Cut off before a comma, so that the last row is not whole."""
    return data[: max(data.rfind(b",", 0, len(data) // 2), 0)]


def _read(data: bytes) -> list[list[str]]:
    """All rows, the header first. Bytes that are no UTF-8 come back as they were when the rows are written."""
    lines = data.removeprefix(b"\xef\xbb\xbf").splitlines()
    return list(csv.reader(line.decode("utf-8", "surrogateescape") for line in lines)) or [[]]


def _write(rows: Iterable[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")


def _column(head: list[str], name: str) -> slice:
    """Where a column is in a row; nowhere when there is none."""
    names = [name.strip() for name in head]
    place = names.index(name) if name in names else len(names)
    return slice(place, place + 1)


INCIDENTS: dict[str, Kind] = {
    "fake-order": Kind("an order that nobody made, as large as 20 days together", "orders", _fake_order),
    "duplicated-file": Kind("the orders of the day before once more, instead of the day's", "orders", _duplicated_file),
    "missing-column": Kind("users without their status", "users", _missing_column),
    "changed-type": Kind("revenue that is no number any more: EUR 78,00", "orders", _changed_type),
    "late-file": Kind("the orders are not there yet", "orders", _late_file),
    "wrong-encoding": Kind("users in Latin-1, one of them with an umlaut", "users", _wrong_encoding),
    "half-a-file": Kind("orders that end in the middle of a row", "orders", _half_a_file),
}
