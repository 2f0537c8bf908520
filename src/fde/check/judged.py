"""What a law says about a pipeline: its status, why, the rows that differ, and where to look."""

from dataclasses import dataclass
from typing import Any

HOLDS, FAILS, NOT_YET = "holds", "fails", "not judged yet"
Rows = list[dict[str, Any]]  # of sales, as the dashboards show them: sales_date, status, orders, ...


@dataclass(frozen=True)
class Difference:
    """A row of sales that differs: its values expected and found; None where there is no such row."""

    sales_date: str
    status: str
    expected: dict[str, Any] | None
    actual: dict[str, Any] | None


@dataclass(frozen=True)
class Hint:
    """Where in `pipeline.py` to look, and why. `line`: from 1, with its `text`; None when no line stands out."""

    words: str
    line: int | None = None
    text: str = ""

    def __str__(self) -> str:
        return f"pipeline.py, line {self.line}: {self.text}\n{self.words}" if self.line else self.words


@dataclass(frozen=True)
class Judged:
    """What one law says. `rows`: the first rows that differ, seen with the clock at `day`; `more`: how many others."""

    name: str
    promise: str
    status: str
    why: str = ""
    day: str | None = None
    rows: tuple[Difference, ...] = ()
    more: int = 0
    hint: Hint | None = None


def differences(expected: Rows, actual: Rows) -> list[Difference]:
    """The rows that are not the same, by sales_date and status, which name a row."""
    old, new = (
        {
            (row["sales_date"], row["status"]): {k: v for k, v in row.items() if k not in ("sales_date", "status")}
            for row in rows
        }
        for rows in (expected, actual)
    )
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return [Difference(*key, expected=old.get(key), actual=new.get(key)) for key in keys]
