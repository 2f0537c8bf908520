"""DuckDB straight over the parquet files of a lake. usage: duckdb_files.py read|compute|PLAN LAKE DAY

It takes the files that lie there, which are those of the newest version as long as no day was imported twice.
Plans of compute that were tried: `join` of all days at once; `semi`, which first keeps the users who ordered; `daily`,
a query a day, whose tables of users are small.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb
from side import side

BEST = "join"


def rows(lake: str, table: str, until: str) -> str:
    files = f"{lake}/{table}/import_date=*/*.parquet"
    return f"(select * from read_parquet('{files}', hive_partitioning = true) where import_date <= date '{until}')"


def read(lake: str, day: str) -> Iterable[tuple]:
    return duckdb.sql(
        f"""select sales_date, status, sum(orders)::bigint, sum(quantity)::bigint, sum(revenue_cents)::bigint
        from {rows(lake, "sales", day)} group by all order by all"""
    ).fetchall()


def compute(lake: str, day: str, plan: str = BEST) -> Iterable[tuple]:
    users, orders = (rows(lake, table, day) for table in ("users", "orders"))
    sums = "count(*), sum(quantity)::bigint, sum(revenue_cents)::bigint"
    if plan == "join":
        return duckdb.sql(
            f"""select sales_date, status, {sums} from {orders} join {users} using (import_date, user_id)
            group by all order by all"""
        ).fetchall()
    if plan == "semi":
        return duckdb.sql(
            f"""with who as materialized (select import_date, user_id, status from {users}
            where (import_date, user_id) in (select import_date, user_id from {orders}))
            select sales_date, status, {sums} from {orders} join who using (import_date, user_id)
            group by all order by all"""
        ).fetchall()
    found: dict[tuple, tuple] = {}
    for folder in sorted(Path(lake, "orders").glob("import_date=*")):
        if folder.name[12:] <= day:
            of_day = duckdb.sql(
                f"""select sales_date, status, {sums} from read_parquet('{folder}/*.parquet') join
                read_parquet('{lake}/users/{folder.name}/*.parquet') using (user_id) group by all"""
            ).fetchall()
            for date, status, *numbers in of_day:
                before = found.get((date, status), (0, 0, 0))
                found[date, status] = tuple(a + b for a, b in zip(before, numbers, strict=True))
    return [(*key, *numbers) for key, numbers in found.items()]


def main(what: str, lake: str, day: str) -> None:
    duckdb.sql("select 1").fetchall()
    if what == "read":
        side(lambda: read(lake, day))
    else:
        side(lambda: compute(lake, day, BEST if what == "compute" else what))


if __name__ == "__main__":
    main(*sys.argv[1:])
