"""The verdict on a pipeline: what each law says, as text, as a table of a notebook, and as JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from textwrap import wrap
from typing import Annotated, Any

from pydantic import Field

from fde.check.judged import FAILS, HOLDS, NOT_YET, Judged, Text

SIGNS = {HOLDS: "✓", FAILS: "✗", NOT_YET: "…"}
NO_LAW = "No law can judge whether the chart means what its title says: that is a goal of its step."


@dataclass(frozen=True)
class Verdict:
    """`code`: sha256 of `pipeline.py`; `days`: those it was tried on; `laws`: one after the other."""

    code: str
    days: Annotated[tuple[Text, ...], Field(min_length=1)]
    laws: tuple[Judged, ...]

    @property
    def broken(self) -> list[str]:
        """The names of the laws that fail."""
        return [law.name for law in self.laws if law.status == FAILS]

    @property
    def fails(self) -> bool:
        """Whether a law fails."""
        return bool(self.broken)

    def json(self) -> str:
        """One object: code, days, laws (name, promise, status, why, day, rows, more, hint)."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False)

    def __str__(self) -> str:
        lines = [self._headline()]
        width = max(len(law.name) for law in self.laws)
        for law in self.laws:
            lines.append(f"{_sign(law):16}  {law.name:{width}}  {law.promise}")
            lines += [f"    {line}" for line in _details(law)]
        return "\n".join([*lines, NO_LAW])

    __repr__ = __str__

    def _headline(self) -> str:
        count = f"{len(self.days)} days" if len(self.days) > 1 else "one day"
        return f"pipeline.py {self.code[:8]} on throw-away desks, {count}: {' to '.join((self.days[0], self.days[-1]))}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th scope='row' {LEFT}>{law.name}</th><td {LEFT}><b>{_sign(law)}</b></td>"
            f"<td {LEFT}>{escape(law.promise)}{_html_details(law)}</td></tr>"
            for law in self.laws
        )
        head = "".join(f"<th scope='col' {LEFT}>{name}</th>" for name in ("law", "status", "what it says"))
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        return f"<p>{escape(self._headline())}</p>{table}<p>{NO_LAW}</p>"


LEFT = "style='text-align: left; vertical-align: top'"
COLUMNS = ("sales_date", "status", "expected", "actual")


def _sign(law: Judged) -> str:
    return f"{SIGNS[law.status]} {law.status}"


def _cells(law: Judged) -> list[tuple[str, ...]]:
    """The rows that differ, as text."""
    return [(row.sales_date, row.status, _values(row.expected), _values(row.actual)) for row in law.rows]


def _values(row: dict[str, Any] | None) -> str:
    """Like `orders 9, quantity 13, revenue 403.20`."""
    if row is None:
        return "no such row"
    return ", ".join(
        f"{name.removesuffix('_cents')} {value / 100:,.2f}" if name.endswith("_cents") else f"{name} {value}"
        for name, value in row.items()
        if value is not None
    )


def _details(law: Judged) -> Iterator[str]:
    yield from _wrapped(law.why)
    table = [COLUMNS, *_cells(law)] if law.rows else []
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    for row in table:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    if law.more:
        yield f"  and {law.more} more"
    if law.hint:
        yield from _wrapped(f"Hint: {law.hint}")


def _wrapped(text: str) -> Iterator[str]:
    """Lines a terminal can hold; lines of code stay whole."""
    for line in text.splitlines():
        yield from [line] if "pipeline.py, line" in line else wrap(line, 110)


def _html_details(law: Judged) -> str:
    parts = [f"<br>{_lines(law.why)}"] if law.why else []
    if law.rows:
        head = "".join(f"<th scope='col' {LEFT}>{name}</th>" for name in COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td {LEFT}>{escape(cell)}</td>" for cell in row) + "</tr>" for row in _cells(law)
        )
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    if law.more:
        parts.append(f"and {law.more} more")
    if law.hint:
        parts.append(f"<p>Hint: {_lines(str(law.hint))}</p>")
    return "".join(parts)


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")
