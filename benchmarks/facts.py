"""What two sides that imported a day must agree on. Needs pyarrow only: rivals have an environment of their own."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc


def facts(users: pa.Table, orders: pa.Table) -> Iterable[tuple]:
    """Who has which status, all names, and the sums of each date: as rows, cheap to compare."""
    statuses = users.group_by("status").aggregate([("user_id", "count"), ("user_id", "sum"), ("user_id", "max")])
    sums = [(name, "sum") for name in ("quantity", "revenue_cents", "user_id")]
    dates = orders.group_by("sales_date").aggregate([("user_id", "count"), *sums])
    names = [("names", pc.count_distinct(users["name"]).as_py(), pc.sum(pc.utf8_length(users["name"])).as_py())]
    return [*names, *(tuple(row.values()) for part in (statuses, dates) for row in part.to_pylist())]
