"""What a law says about a pipeline: its status, why, the rows that differ, and where to look."""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from fde.untrusted import visible

HOLDS: Final = "holds"
FAILS: Final = "fails"
NOT_YET: Final = "not judged yet"
LONG = 1000  # characters


def short(text: str) -> str:
    """A text as a verdict holds it: visible, and cut off where it is too long."""
    return visible(text) if len(text) <= LONG else f"{visible(text[: LONG - 2])} …"


Rows = list[dict[str, Any]]  # of sales, as the dashboards show them: sales_date, status, orders, ...
Text = Annotated[str, AfterValidator(short)]
Number = Annotated[int, Field(ge=-(2**63), lt=2**63)] | float  # the lake's; a larger one cannot be shown


@dataclass(frozen=True)
class Difference:
    """A row of sales that differs: its values expected and found; None where there is no such row."""

    sales_date: Text
    status: Text
    expected: dict[Text, Number | None] | None
    actual: dict[Text, Number | None] | None


@dataclass(frozen=True)
class Hint:
    """Where in `pipeline.py` to look, and why. `line`: from 1, with its `text`; None when no line stands out."""

    words: Text
    line: int | None = None
    text: Text = ""

    def __str__(self) -> str:
        return f"pipeline.py, line {self.line}: {self.text}\n{self.words}" if self.line else self.words


@dataclass(frozen=True)
class Judged:
    """What one law says. `rows`: the first rows that differ, seen with the clock at `day`; `more`: how many others.

    Its texts are visible, and of at most LONG characters, whatever the pipeline said.
    """

    name: Text
    promise: Text
    status: Literal["holds", "fails", "not judged yet"]
    why: Text = ""
    day: Text | None = None
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
    return [Difference(short(key[0]), short(key[1]), old.get(key), new.get(key)) for key in keys]
