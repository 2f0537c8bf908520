"""Polars straight over the parquet files of a lake. usage: polars_files.py read|compute LAKE DAY"""

import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import polars as pl
from side import side

KEY, NUMBERS = ["sales_date", "status"], ["orders", "quantity", "revenue_cents"]


def table(lake: str, name: str, day: str) -> pl.LazyFrame:
    files = pl.scan_parquet(f"{lake}/{name}/import_date=*/*.parquet", hive_partitioning=True, try_parse_hive_dates=True)
    return files.filter(pl.col("import_date") <= date.fromisoformat(day))


def read(lake: str, day: str) -> Iterable[tuple]:
    return table(lake, "sales", day).group_by(KEY).agg(pl.col(NUMBERS).sum()).collect(engine="streaming").rows()


def compute(lake: str, day: str) -> Iterable[tuple]:
    users, orders = table(lake, "users", day), table(lake, "orders", day)
    who = users.select("import_date", "user_id", "status")
    joined = orders.join(who, on=["import_date", "user_id"])
    sums = [pl.len().alias("orders"), pl.col("quantity").sum(), pl.col("revenue_cents").sum()]
    return joined.group_by(KEY).agg(sums).collect(engine="streaming").rows()


if __name__ == "__main__":
    work = {"read": read, "compute": compute}[sys.argv[1]]
    side(lambda: work(*sys.argv[2:]))
