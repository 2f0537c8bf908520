"""What changed: yesterday beside today."""

import pandas as pd

from fde import lake
from fde.refused import Refused
from fde.world import World


def users_changed(world: World, before: str, after: str) -> pd.DataFrame:
    """Users who differ between the dumps of two days.

    Returns: user_id, name, change (`name`, `status`, or `new` and `gone` for users of one dump only), before, after.
    Raises: Refused when the lake does not hold the users of both days.
    """
    for day in (before, after):
        if lake.commit_of_day(world.lake, "users", day) is None:
            raise Refused(
                f"what changed? No idea: this desk keeps no users of {day}. (users.csv holds only the last dump.)"
            )
    old, new = (world.read("users", day=day).set_index("user_id") for day in (before, after))
    rows = [(user, new["name"][user], "new", "", new["status"][user]) for user in new.index.difference(old.index)]
    rows += [(user, old["name"][user], "gone", old["status"][user], "") for user in old.index.difference(new.index)]
    for user in old.index.intersection(new.index):
        for column in old.columns:
            if old.loc[user, column] != new.loc[user, column]:
                rows.append((user, new["name"][user], column, old.loc[user, column], new.loc[user, column]))
    return pd.DataFrame(sorted(rows), columns=["user_id", "name", "change", "before", "after"])


def sales_moved(world: World, before: str, after: str) -> pd.DataFrame:
    """Rows of sales up to one day that look different another day.

    With sales in the lake: all sales until `before` beside all sales until `after`. Without: the orders of
    `files/orders.csv`, summed by the users of each day.
    Returns: sales_date, status, before, after, moved (whole cents); only rows that moved.
    """
    newest = lake.newest(world.lake, "sales")
    sides = [world.sales_as_of(newest, day) if newest else _by_users_of(world, day) for day in (before, after)]
    for side in sides:
        side.drop(side[side["sales_date"] > before].index, inplace=True)
    both = sides[0].merge(sides[1], on=["sales_date", "status"], how="outer", suffixes=("_before", "_after")).fillna(0)
    both = both.rename(columns={"revenue_cents_before": "before", "revenue_cents_after": "after"})
    both = both.astype({"before": "int64", "after": "int64"})
    both["moved"] = both["after"] - both["before"]
    rows = both.loc[both["moved"] != 0, ["sales_date", "status", "before", "after", "moved"]]
    return rows.sort_values(["sales_date", "status"], ignore_index=True)


def _by_users_of(world: World, day: str) -> pd.DataFrame:
    file = world.files / "orders.csv"
    if not file.exists():
        raise Refused(f"what moved? No idea: no sales in the lake, and no {file}. Run a day first: fde run")
    orders = pd.read_csv(file).merge(world.read("users", day=day), on="user_id")
    return orders.groupby(["sales_date", "status"], as_index=False).agg(revenue_cents=("revenue_cents", "sum"))
