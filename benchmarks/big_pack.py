"""A pack as large as one likes: a shop of a million users in which one in a hundred changes status each day.

Run from a checkout: .venv/bin/python benchmarks/big_pack.py FOLDER [DAYS [USERS [ORDERS]]]
"""

import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

FIRST = date(2022, 1, 1)
STATUSES = pa.array(["bronze", "silver", "gold", "platinum", ""])
GIVEN = pa.array(["Ash", "Blue", "Clay", "Dune", "Elm", "Fern", "Green", "Hazel", "Iris", "Jade", "Kelp", "Lake"])
DAYS, USERS, ORDERS = 365, 1_000_000, 10_000_000


def make(folder: Path, days: int = DAYS, users: int = USERS, orders: int = ORDERS, seed: int = 1) -> Path:
    """Write a pack; memory holds one day at a time. What is there already is kept.

    Arguments: users, rows of each day's dump; orders, rows of all days together. Two of a hundred orders are of one of
    the three dates before their day. Returns the folder.
    """
    done = folder / "done"
    size = f"{days} {users} {orders} {seed}"
    if done.exists() and done.read_text() == size:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(seed)
    ids = chance.integers(1, 4, users).cumsum()  # with gaps, as in any table that rows were deleted from
    names = pc.binary_join_element_wise(GIVEN.take(pa.array(ids % len(GIVEN))), pc.cast(pa.array(ids), "string"), " ")
    status = chance.integers(0, len(STATUSES), users)
    for day in range(1, days + 1):
        changed = chance.choice(users, max(1, users // 100), replace=False)
        status[changed] = chance.integers(0, len(STATUSES), len(changed))
        columns = {"user_id": ids, "name": names, "status": STATUSES.take(pa.array(status))}
        _write(folder / f"users_day-{day}.csv", pa.table(columns))
        count = orders * day // days - orders * (day - 1) // days
        late = np.where(chance.random(count) < 0.02, chance.integers(1, 4, count), 0)
        dates = pa.array([(FIRST + timedelta(day - 1 - before)).isoformat() for before in range(4)])
        cents = chance.integers(100, 100_000, count)
        whole, part = (pc.cast(pa.array(half), "string") for half in (cents // 100, cents % 100))
        columns = {
            "sales_date": dates.take(pa.array(late)),
            "quantity": chance.integers(1, 6, count),
            "revenue": pc.binary_join_element_wise(whole, pc.utf8_lpad(part, 2, "0"), "."),
            "user_id": ids[chance.integers(0, users, count)],
        }
        _write(folder / f"orders_day-{day}.csv", pa.table(columns))
    done.write_text(size)
    return folder


def _write(file: Path, rows: pa.Table) -> None:
    with file.open("wb") as out:
        out.write((",".join(rows.column_names) + "\n").encode())
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
        pyarrow.csv.write_csv(rows, out, options)


if __name__ == "__main__":
    make(Path(sys.argv[1]), *map(int, sys.argv[2:]))
