"""One day of a pack by hand, with pyarrow: read, check, write, flush. usage: pyarrow_day.py PACK NUMBER FOLDER

It checks what ours checks: whole numbers from 0, dates, amounts of at most two decimals, no user twice, every order of
a known user. It keeps no history: a second import of the day overwrites the first.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from facts import facts
from side import side

USERS = {"user_id": pa.int64(), "name": pa.string(), "status": pa.string()}
ORDERS = {"sales_date": pa.date32(), "quantity": pa.int64(), "revenue": pa.decimal128(15, 2), "user_id": pa.int64()}


def read(file: Path, types: dict[str, pa.DataType]) -> pa.Table:
    options = pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
    return pyarrow.csv.read_csv(file, convert_options=options)


def write(file: Path, rows: pa.Table) -> None:
    pq.write_table(rows, file, compression="zstd")
    for path in (file, file.parent):
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def fail_if(bad: object, what: str) -> None:
    if bad:
        raise SystemExit(f"bad rows: {what}")


def load(pack: Path, number: int, folder: Path) -> None:
    users = read(pack / f"users_day-{number}.csv", USERS)
    ids = users["user_id"]
    fail_if(ids.null_count or pc.min(ids).as_py() < 0, "user_id")
    fail_if(len(pc.unique(ids)) < len(ids), "a user twice")
    users = users.set_column(1, "name", pc.fill_null(users["name"], "unknown"))
    users = users.set_column(2, "status", pc.fill_null(users["status"], "none"))
    write(folder / "users.parquet", users)
    orders = read(pack / f"orders_day-{number}.csv", ORDERS)
    fail_if(any(orders[name].null_count for name in ORDERS), "a blank")
    fail_if(any(pc.min(orders[name]).as_py() < 0 for name in ("quantity", "revenue", "user_id")), "below 0")
    fail_if(not pc.all(pc.is_in(orders["user_id"], value_set=ids)).as_py(), "an order of nobody")
    cents = pc.cast(pc.multiply(orders["revenue"], pa.scalar(100)), pa.int64())
    orders = orders.set_column(2, "revenue_cents", cents)
    write(folder / "orders.parquet", orders)


def read_back(folder: Path) -> Iterable[tuple]:
    """The facts of what was written."""
    return facts(*(pq.read_table(folder / f"{name}.parquet") for name in ("users", "orders")))


if __name__ == "__main__":
    pack, folder = Path(sys.argv[1]), Path(sys.argv[3])
    side(lambda: load(pack, int(sys.argv[2]), folder), lambda: read_back(folder))
