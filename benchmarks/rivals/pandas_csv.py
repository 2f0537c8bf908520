"""pandas over the CSV files of a pack, as the tutorial's pipeline: each day both files are read, merged and summed.

The status is that at the time of the order, as the others compute it. usage: pandas_csv.py PACK DAY
"""

import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pandas as pd
from side import side

KEY = ["sales_date", "status"]


def compute(pack: Path, number: int) -> Iterable[tuple]:
    days = []
    for day in range(1, number + 1):
        users = pd.read_csv(pack / f"users_day-{day}.csv", keep_default_na=False).replace({"status": {"": "none"}})
        orders = pd.read_csv(pack / f"orders_day-{day}.csv")
        orders["revenue_cents"] = (orders["revenue"] * 100).round().astype("int64")
        sums = {"orders": ("user_id", "size"), "quantity": ("quantity", "sum"), "revenue": ("revenue_cents", "sum")}
        days.append(orders.merge(users, on="user_id").groupby(KEY, as_index=False).agg(**sums))
    return pd.concat(days).groupby(KEY, as_index=False).sum().itertuples(index=False, name=None)


if __name__ == "__main__":
    side(lambda: compute(Path(sys.argv[1]), int(sys.argv[2])))
