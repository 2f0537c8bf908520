"""Goals that compare the lake with what the shop sent: what no law can judge."""

from collections.abc import Sequence

import pandas as pd

from fde import lake
from fde.commits import Commit
from fde.frames import to_frame
from fde.goals import Goal
from fde.refused import Refused
from fde.world import World

Incidents = Sequence[tuple[str, str]]


def tells_status_then(*numbers: int) -> Goal:
    """What no law can judge: the chart means what people take its title for. Truth is what the shop sent.

    While something goes wrong in the shop both count, what it sends now and what it would have sent: a day may have
    been imported before. Once all is well again only the latter does: wrong rows that are still there are wrong.
    """

    def missing(world: World) -> str:
        truths = dict.fromkeys(((), world.clock.incidents))
        imports = _imports(world, *numbers)
        sales = world.read("sales", until=imports[-1].day)
        for made in imports:
            shown = sales[sales["import_date"] == made.day]
            if not any(_tells(shown, world, made, truth) for truth in truths):
                return f"sales of {made.day} do not"
        return ""

    return Goal("bars go by the status that users had when they ordered", missing)


def _tells(shown: pd.DataFrame, world: World, made: Commit, incidents: Incidents) -> bool:
    """Whether sales of a day are what its orders and users amount to."""
    try:
        users, orders = (_sent(world, source, made, incidents) for source in ("users", "orders"))
    except Refused:
        if not incidents:
            raise
        return False
    known, then = set(users["status"].dropna()), orders.merge(users, on="user_id")
    # A blank status is called by whatever word the pipeline gives it.
    told = [rows.assign(status=rows["status"].where(rows["status"].isin(known), "")) for rows in (then, shown)]
    sums = [rows.groupby(["sales_date", "status"])["revenue_cents"].sum() for rows in told]
    return bool(sums[0].equals(sums[1]))


def taxed(number: int) -> Goal:
    """Each sale of a day carries the tax that was valid on the date it was made. Cents may be rounded in any way."""

    def missing(world: World) -> str:
        made = _imports(world, number)[0]
        rates = _sent(world, "tax_rates", made).sort_values("valid_from")
        for sale in world.read("sales", day=made.day).to_dict("records"):
            what = f"{sale['status']} of {sale['sales_date']}, imported on {made.day},"
            revenue, tax = sale["revenue_cents"], sale["tax_cents"]
            valid = rates.loc[rates["valid_from"] <= sale["sales_date"], "percent"]
            if pd.isna(tax):
                return f"{what} carries none"
            if valid.empty or abs(tax - revenue * valid.iloc[-1] / 100) > sale["orders"]:
                return f"{what} carries another: {tax / 100:,.2f} of {revenue / 100:,.2f}"
        return ""

    return Goal(f"sales of day {number} carry the tax of their dates", missing)


def _imports(world: World, *numbers: int) -> list[Commit]:
    """The imports of sales that some days show now, in their order. Raises Refused when one is missing."""
    days = [world.pack.day(number) for number in numbers]
    found = lake.commits_of_days(world.lake, "sales", days, lake.newest(world.lake, "sales"))
    if gone := set(days) - {made.day for made in found}:
        raise Refused(f"the lake has no sales of {', '.join(sorted(gone))}")
    return found


def _sent(world: World, source: str, made: Commit, incidents: Incidents = ()) -> pd.DataFrame:
    """What a source sent for a day, to an import of it."""
    return to_frame(world.pack.rows(source, made.day, made.learned or made.day, incidents))
