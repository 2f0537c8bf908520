"""The dashboard as a picture, a table and a sentence: nothing is told by colour alone."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from fde.clock import Clock
from fde.picture import Picture, look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CENTS = ("revenue_cents", "tax_cents", "before", "after", "moved")


def order_status_chart(rows: pd.DataFrame, note: object = "") -> Picture:
    """Revenue per day by status as bars, and above them the number of orders as a line.

    Arguments: rows as of `World.sales()`; note, what stands under the picture (its receipt).
    """
    days = sorted(rows["sales_date"].unique())
    picture = Picture(width=max(6.5, 1.7 * len(days) + 1.5), height=4.6)
    line, bars = picture.panels(2, 1, height_ratios=[1, 3.4], sharex=True)
    counts = rows.groupby("sales_date")["orders"].sum().reindex(days)
    line.plot(range(len(days)), counts, color="black", marker="o", linestyle="--")
    for at, count in enumerate(counts):
        line.annotate(f"{count}", (at, count), (0, 5), textcoords="offset points", ha="center", fontsize=8)
    line.set_ylim(0, max(counts.max() * 1.5, 1) if len(counts) else 1)
    line.set_ylabel("orders")
    line.set_title("Revenue per day by status, and orders", fontsize=12)
    table = revenue_by_status(rows)
    draw_bars(bars, table)
    bars.set_ylabel("revenue")
    picture.finish(
        f"Bar chart of revenue per day by status, and orders. {sentence(rows)}", [*map(str, table)], str(note)
    )
    return picture


def two_charts(before: pd.DataFrame, after: pd.DataFrame, titles: tuple[str, str]) -> Picture:
    """The same days drawn twice, side by side: bars that differ carry the difference in the right-hand chart."""
    tables = revenue_by_status(before), revenue_by_status(after)
    days = tables[0].index.union(tables[1].index)
    statuses = tables[0].columns.union(tables[1].columns)
    old, new = (table.reindex(index=days, columns=statuses, fill_value=0.0) for table in tables)
    picture = Picture(width=max(9.0, 3.0 * len(days) + 2), height=4.2)
    left, right = picture.panels(1, 2, sharey=True)
    moved = {(day, status): new.loc[day, status] - old.loc[day, status] for day in days for status in statuses}
    moved = {bar: round(by, 2) for bar, by in moved.items() if round(by, 2)}
    draw_bars(left, old)
    draw_bars(right, new, moved)
    left.set_ylabel("revenue")
    left.set_title(titles[0], fontsize=11)
    right.set_title(titles[1], fontsize=11)
    words = ", ".join(f"{status} of {day} by {by:+,.2f}" for (day, status), by in moved.items())
    told = f"Bars that moved: {words}." if words else "No bar moved."
    picture.finish(f"Two bar charts, {titles[0]} and {titles[1]}. {told}", list(statuses), told)
    return picture


def headline(clock: Clock) -> str:
    """Which day it is, what is deployed, and where the room is held, in one line; the instructor's message below it.

    Plain text: whoever shows it as HTML escapes it.
    """
    held = f" The room is held at day {clock.number(clock.hold)}." if clock.hold else ""
    said = f"\nMessage to the room: {clock.message}" if clock.message else ""
    now = f"The clock says {clock.day}, day {clock.number(clock.day)} of the story. Deployed: {clock.deployed}."
    return now + held + said


def sentence(rows: pd.DataFrame) -> str:
    """The last day of the rows in one sentence."""
    if rows.empty:
        return "No sales are shown."
    day = rows["sales_date"].max()
    last = rows[rows["sales_date"] == day]
    parts = [
        f"{status} {cents / 100:,.2f}" for status, cents in zip(last["status"], last["revenue_cents"], strict=True)
    ]
    total, orders = last["revenue_cents"].sum() / 100, last["orders"].sum()
    return f"On {day}, {orders} orders brought in {total:,.2f}: {', '.join(parts)}."


def revenue_by_status(rows: pd.DataFrame) -> pd.DataFrame:
    """Revenue in currency units: a row per sales_date, a column per status, 0 where nothing was sold."""
    table = rows.pivot_table(index="sales_date", columns="status", values="revenue_cents", aggfunc="sum", fill_value=0)
    return table.sort_index() / 100


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """All that the chart shows, as text: a row per sales_date; revenue by status, their total, and orders.

    With tax when the rows have it; a day with a sale whose tax is unknown says so.
    """
    shown = revenue_by_status(rows)
    shown["total"] = shown.sum(axis="columns")
    shown = shown.map("{:,.2f}".format)
    if "tax_cents" in rows:
        tax = {day: of_day["tax_cents"].sum(skipna=False) for day, of_day in rows.groupby("sales_date")}
        shown["tax"] = [_units(tax[day]) for day in shown.index]
    shown["orders"] = rows.groupby("sales_date")["orders"].sum()
    return shown


def in_units(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows with money as text in currency units, where a column holds whole cents."""
    shown = rows.copy()
    for column in set(CENTS) & set(rows.select_dtypes("integer")):
        shown[column] = [_units(cents) for cents in rows[column]]
    return shown.rename(columns={"revenue_cents": "revenue", "tax_cents": "tax"})


def _units(cents: Any) -> str:
    return "unknown" if pd.isna(cents) else f"{cents / 100:,.2f}"


def draw_bars(axes: "Axes", table: pd.DataFrame, moved: Mapping[tuple[Any, Any], float] | None = None) -> None:
    """Grouped bars of a table (index x status) with their values on top, and below a value that moved, by how much."""
    width = 0.84 / max(len(table.columns), 1)
    for place, status in enumerate(table.columns):
        left = [at - 0.42 + width * (place + 0.5) for at in range(len(table))]
        drawn = axes.bar(left, table[status], width, label=status, **look(status, place))
        labels = [f"{height:,.0f}" if height else "" for height in table[status]]
        for at, day in enumerate(table.index):
            if by := (moved or {}).get((day, status)):
                labels[at] = f"{table.loc[day, status]:,.0f}\n({by:+,.2f})"
        axes.bar_label(drawn, labels, fontsize=8, padding=1)
    axes.set_xticks(range(len(table)), table.index)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.margins(y=0.16)
