"""A replay: a dashboard computed again from the versions and the code on record, and compared. It writes nothing."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from fde.again import Day, import_again, other_libraries
from fde.frames import summed
from fde.receipt import Receipt, find
from fde.refused import Refused
from fde.run import shared_lock
from fde.world import World

ROWS_TOLD = 10  # of the rows that differ


def replay(world: World, word: str | None, tell: Callable[[str], None]) -> bool:
    """Compute a dashboard again and compare it with what is shown.

    Arguments: word, a receipt's name or anything that `deployed` may be (default: what is deployed now); `tell` hears
    a line a day, and the outcome. Returns whether all is identical.
    Raises: Refused for a word that means no receipt, and when nothing is on record.
    """
    clock = world.clock
    receipt = find(world.lake, clock, word or clock.deployed)
    if receipt is None:
        raise Refused(
            "replay what? This pipeline keeps no history: no sales are in the lake, so nothing says what a dashboard "
            "was computed from. The functional pipeline keeps it."
        )
    days = []
    with shared_lock(world.path):
        for made in receipt.commits:
            days.append(import_again(world, made))
            tell("\n".join(_lines(days[-1])))
        again = [day.again for day in days if day.again is not None and not day.why]
        if len(again) < len(days):
            tell(f"Differs: {receipt.name}, {len(days) - len(again)} of its days ({len(days)}).")
            return False
        return _same_dashboard(world, receipt, pa.concat_tables(again), tell)


def _same_dashboard(world: World, receipt: Receipt, again: pa.Table, tell: Callable[[str], None]) -> bool:
    assert receipt.version is not None and receipt.until is not None
    if not summed(again).equals(world.sales_as_of(receipt.version, receipt.until)):
        tell(f"Differs: {receipt.name}. Its days are identical, but the dashboard shows days that the story has not.")
        return False
    if other := {other_libraries(made.libraries) for made in receipt.commits} - {""}:
        tell(f"It was made with {'; '.join(sorted(other))}.")
    tell(f"Identical: {receipt.name}, {_money(again)} in all, from the versions and the code kept.")
    return True


def _lines(day: Day) -> list[str]:
    """One line when a day is identical, else what differs and why."""
    line = f"{day.made.day}: sales v{day.made.version}"
    if not day.why and day.again is not None:
        return [f"{line}, {len(day.again)} rows, {_money(day.again)}: identical"]
    moved = [] if isinstance(day.shown, str) or day.again is None else _moved(day.shown, day.again)
    more = [f"    and {len(moved) - ROWS_TOLD} rows more"] if len(moved) > ROWS_TOLD else []
    return [f"{line}: differs", *(f"  {why}" for why in day.why), *moved[:ROWS_TOLD], *more]


def _moved(shown: pa.Table, again: pa.Table) -> list[str]:
    before, after = (
        {(str(one["sales_date"]), one["status"]): one for one in rows.to_pylist()} for rows in (shown, again)
    )
    return [
        f"    {key[1]} of {key[0]}: shown {_told(before.get(key))}, computed again {_told(after.get(key))}"
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key)
    ]


def _told(row: dict[str, Any] | None) -> str:
    if row is None:
        return "nothing"
    tax = "" if row["tax_cents"] is None else f", tax {row['tax_cents'] / 100:,.2f}"
    return f"{row['revenue_cents'] / 100:,.2f} ({row['orders']} orders, {row['quantity']} pieces{tax})"


def _money(rows: pa.Table) -> str:
    return f"{sum(rows['revenue_cents'].to_pylist()) / 100:,.2f}"
