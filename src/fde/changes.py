"""What changed: yesterday beside today."""

import pandas as pd

from fde import lake
from fde.clock import Clock
from fde.receipt import history
from fde.refused import Refused
from fde.world import World


def users_changed(world: World, before: str, after: str) -> pd.DataFrame:
    """Users who differ between the dumps of two days.

    Returns: user_id, name, change (`name`, `status`, or `new` and `gone` for users of one dump only), before, after.
    Raises: Refused when the lake does not hold the users of both days.
    """
    old, new = (_users_of(world, day).set_index("user_id") for day in (before, after))
    rows = [(user, new["name"][user], "new", "", new["status"][user]) for user in new.index.difference(old.index)]
    rows += [(user, old["name"][user], "gone", old["status"][user], "") for user in old.index.difference(new.index)]
    both = old.index.intersection(new.index)
    for column in old.columns:
        was, now = old.loc[both, column], new.loc[both, column]
        rows += [(user, new["name"][user], column, was[user], now[user]) for user in both[was != now]]
    return pd.DataFrame(sorted(rows), columns=["user_id", "name", "change", "before", "after"])


def sales_moved(world: World, before: str, after: str) -> pd.DataFrame:
    """Rows of sales up to one day that look different another day.

    Returns: sales_date, status, before, after, moved (whole cents); only rows that moved.
    Raises: Refused when the lake holds neither the sales nor the users of both days.
    """
    columns = ["sales_date", "status", "revenue_cents"]
    old, new = (sales_seen(world, day, until=before)[columns] for day in (before, after))
    both = old.merge(new, on=["sales_date", "status"], how="outer", suffixes=("_before", "_after")).fillna(0)
    both = both.rename(columns={"revenue_cents_before": "before", "revenue_cents_after": "after"})
    both = both.astype({"before": "int64", "after": "int64"})
    both["moved"] = both["after"] - both["before"]
    rows = both.loc[both["moved"] != 0, ["sales_date", "status", "before", "after", "moved"]]
    return rows.sort_values(["sales_date", "status"], ignore_index=True)


def sales_seen(world: World, day: str, until: str) -> pd.DataFrame:
    """Sales with a sales_date up to `until`, as a dashboard showed them on `day`. Rows as of `World.sales()`.

    With sales in the lake: as of the newest version that was learned by `day`, or, when `day` was imported only
    later, as its first import showed them. Without: all orders of `files/orders.csv`, summed by the users of `day`.
    Raises Refused when the lake has neither.
    """
    if commits := history(world.lake):
        by_then = max((one.version for one in commits if one.learned <= day), default=0)
        first = min((one.version for one in commits if one.day == day), default=commits[-1].version)
        sales = world.sales_as_of(max(by_then, first), day)
    else:
        users, file = _users_of(world, day), world.files / "orders.csv"
        if not file.exists():
            raise Refused(f"what moved? No idea: no sales in the lake, and no {file}. Run a day first: fde run")
        try:
            groups = pd.read_csv(file).merge(users, on="user_id").groupby(["sales_date", "status"], as_index=False)
            sales = groups.agg(
                orders=("user_id", "size"), quantity=("quantity", "sum"), revenue_cents=("revenue_cents", "sum")
            )
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(f"{file}: these are no orders any more ({error}). Begin again: fde start-over") from None
    return sales[sales["sales_date"] <= until].reset_index(drop=True)


def yesterday_and_today(clock: Clock) -> tuple[str, str]:
    """The last two days by the clock. Raises Refused on the first day."""
    number = clock.number(clock.day)
    if number == 1:
        raise Refused(f"what changed? Nothing yet: {clock.day} is the first day. Let a day pass: day-passes")
    return clock.days[number - 2], clock.day


def _users_of(world: World, day: str) -> pd.DataFrame:
    if lake.commit_of_day(world.lake, "users", day) is None:
        raise Refused(
            f"what changed? No idea: this desk keeps no users of {day}. (users.csv holds only the last dump.)"
        )
    return world.read("users", day=day)
