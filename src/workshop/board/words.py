"""What rows and looks say on a page: counts, times, amounts, bars."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from workshop.board.row import DONE, RED, Row


def is_red(row: Row) -> bool:
    """Whether something is wrong at a step of theirs, or they are stuck."""
    return bool(row.trouble) or any(cell.state == RED for cell in row.cells)


def at_step(row: Row) -> int | None:
    """The number of the step they are at; None: all are done, or nothing is known."""
    return next((cell.step for cell in row.cells if cell.state != DONE), None)


def counts(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """What is said above the table: pairs (kind, words)."""
    red, flags = sum(map(is_red, rows)), sum(row.flag is not None for row in rows)
    said = [("red", f"{red} red")] if red else []
    said += [("flag", f"{flags} {'flag' if flags == 1 else 'flags'}")] if flags else []
    steps = Counter(step for row in rows if (step := at_step(row)))
    said += [("", f"{steps[number]} at step {number}") for number in sorted(steps)]
    finished = sum(bool(row.cells) and at_step(row) is None for row in rows)
    return said + ([("done", f"{finished} done with all")] if finished else [])


def ago(seconds: float) -> str:
    """A time that has passed."""
    minutes = int(seconds // 60)
    if minutes < 2:
        return f"{max(0, int(seconds))} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def units(cents: Any) -> str:
    """An amount in currency units; what is none is shown as it is."""
    return f"{cents / 100:,.2f}" if isinstance(cents, int | float) else str(cents)


def bars(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[tuple[str, str, str, float]]]]:
    """The dashboard, by date: lists of (status, orders, amount, width in per cent of the longest bar)."""
    amounts = [cents for row in rows if isinstance(cents := row.get("revenue_cents"), int | float)]
    longest = max(map(abs, amounts), default=0) or 1
    found: dict[str, list[tuple[str, str, str, float]]] = {}
    for row in rows:
        cents = row.get("revenue_cents")
        width = 100 * abs(cents) / longest if isinstance(cents, int | float) else 0.0
        told = str(row.get("status") or ""), str(row.get("orders", "")), units(cents), round(width, 2)
        found.setdefault(str(row.get("sales_date", "")), []).append(told)
    return list(found.items())
