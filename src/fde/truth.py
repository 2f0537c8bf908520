"""Truth: what the shop sent for the days that a lake shows, and whether sales tell it."""

from collections.abc import Sequence

import pandas as pd

from fde import lake
from fde.commits import Commit
from fde.frames import to_frame
from fde.refused import Refused
from fde.world import World

Incidents = Sequence[tuple[str, str]]  # pairs (day, name)


def imports_of(world: World, *numbers: int) -> list[Commit]:
    """The imports of sales that some days show now, in their order. Raises Refused when one is missing."""
    days = [world.pack.day(number) for number in numbers]
    found = lake.commits_of_days(world.lake, "sales", days, lake.newest(world.lake, "sales"))
    if gone := set(days) - {made.day for made in found}:
        raise Refused(f"the lake has no sales of {', '.join(sorted(gone))}")
    return found


def sent(world: World, source: str, made: Commit, incidents: Incidents = ()) -> pd.DataFrame:
    """What a source sent for a day, to an import of it."""
    return to_frame(world.pack.rows(source, made.day, made.learned or made.day, incidents))


def tells(shown: pd.DataFrame, world: World, made: Commit, incidents: Incidents) -> bool:
    """Whether sales of a day are what its orders and users amount to."""
    try:
        users, orders = (sent(world, source, made, incidents) for source in ("users", "orders"))
    except Refused:
        if not incidents:
            raise
        return False
    known, then = set(users["status"].dropna()), orders.merge(users, on="user_id")
    # A blank status is called by whatever word the pipeline gives it.
    told = [rows.assign(status=rows["status"].where(rows["status"].isin(known), "")) for rows in (then, shown)]
    sums = [rows.groupby(["sales_date", "status"])["revenue_cents"].sum() for rows in told]
    return bool(sums[0].equals(sums[1]))
