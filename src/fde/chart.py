"""The dashboard as a picture, a table and a sentence: nothing is told by colour alone."""

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: one look a status, in order of appearance: fill and hatch differ, so the picture reads in grey too
FILLS = ("#4477aa", "#ddaa33", "#bb5566", "#66aa88", "#999999", "#222255")
HATCHES = ("", "///", "...", "xx", "\\\\", "++")


def order_status_chart(rows: pd.DataFrame, note: str = "") -> "Figure":
    """Revenue per day by status as bars, and the number of orders as a line.

    Arguments: rows as of `World.sales()`; note, a text under the picture (its receipt).
    """
    from matplotlib.figure import Figure  # takes a second: only who draws pays

    days, statuses = sorted(rows["sales_date"].unique()), sorted(rows["status"].unique())
    revenue = revenue_by_status(rows)
    figure = Figure(figsize=(max(7.0, 1.6 * len(days) + 3), 4.6), layout="constrained")
    bars = figure.subplots()
    width = 0.8 / max(len(statuses), 1)
    for place, status in enumerate(statuses):
        left = [at - 0.4 + width * (place + 0.5) for at in range(len(days))]
        heights = [revenue.loc[day, status] for day in days]
        drawn = bars.bar(
            left, heights, width, label=status, color=FILLS[place % 6], hatch=HATCHES[place % 6], edgecolor="white"
        )
        bars.bar_label(drawn, [f"{height:,.0f}" if height else "" for height in heights], fontsize=8, padding=1)
    bars.set_xticks(range(len(days)), days)
    bars.set_ylabel("revenue")
    bars.set_title("Revenue per day by status, and orders")
    line = bars.twinx()
    counts = rows.groupby("sales_date")["orders"].sum().reindex(days)
    line.plot(range(len(days)), counts, color="black", marker="o", linestyle="--", label="orders")
    line.set_ylabel("orders (dashed line)")
    line.set_ylim(0, max(counts.max() * 1.6, 1) if len(counts) else 1)
    bars.margins(y=0.15)
    figure.legend(loc="outside upper right", ncols=len(statuses) + 1, frameon=False)
    if note:
        figure.supxlabel(note, fontsize=7, family="monospace", x=0.01, ha="left")
    return figure


def revenue_by_status(rows: pd.DataFrame) -> pd.DataFrame:
    """Revenue in currency units: a row per sales_date, a column per status, 0 where nothing was sold."""
    table = rows.pivot_table(index="sales_date", columns="status", values="revenue_cents", aggfunc="sum", fill_value=0)
    return table.sort_index() / 100


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
