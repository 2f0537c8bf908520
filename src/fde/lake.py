"""The lake: Delta tables in which a version says when we learned something and `import_date` which day it is about.

One import is one commit that replaces one partition. Only this module and `opened` talk to Delta.
"""

import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path
from urllib.parse import unquote
from uuid import uuid4

import numpy as np
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction

from fde.commits import Commit, commit, has, libraries, log_file, newest_of_days
from fde.disk import flush
from fde.opened import DAY, committing, create, newest, newest_day, opened, schema
from fde.refused import Refused
from fde.rows import DAMAGED, checked, digest, read_file, sort, statistics, write_file
from fde.schemas import SCHEMAS

__all__ = ["commit_of_day", "commits_of_days", "create", "newest", "read", "replace"]


def commit_of_day(lake: Path, table: str, day: str, version: int | None = None) -> Commit | None:
    """The import that a day shows as of a version (default: the newest); None when it was not imported by then."""
    number = opened(lake, table, version).transaction_version(day)
    return None if number is None else commit(lake, table, number)


def commits_of_days(lake: Path, table: str, days: list[str], version: int) -> list[Commit]:
    """The imports that days show as of a version, in the order given, without those that were not imported by then."""
    near = newest_of_days(lake, table, days, version)
    found = (near[day] if day in near else commit_of_day(lake, table, day, version) for day in days)
    return [made for made in found if made]


def read(
    lake: Path,
    table: str,
    version: int,
    *,
    day: str | None = None,
    until: str | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """Rows of one day, or of all days until one (inclusive), as of a version; with `import_date`, sorted.

    columns: which are read (default: all), in the table's order; what is not asked for costs nothing.
    Raises Refused when a file of the rows is gone or damaged.
    """
    names = [name for name in SCHEMAS[table].names if columns is None or name in columns]
    try:
        files = sorted(_files(opened(lake, table, version), "=" if day else "<=", day or until or "9999-12-31"))
        wanted = pa.schema([SCHEMAS[table].field(name) for name in names])
        parts = [read_file(file, names) for file in files]
        days = np.array([file.parent.name.split("=")[1] for file in files], "datetime64[D]")
        day_of = pa.array(np.repeat(days, [len(part) for part in parts]), DAY.type)
        rows = checked(parts, wanted).add_column(0, DAY, day_of)
    except (DeltaError, IndexError, *DAMAGED) as error:
        raise Refused(
            f"{lake / table}: rows of {day or f'the days until {until}'} cannot be read, a file is gone or damaged "
            f"({str(error).splitlines()[0][:200]}). Run its day again: fde run --day {day or 'DAY'}"
        ) from None
    return sort(rows)


def replace(
    lake: Path, table: str, day: str, rows: pa.Table, *, read: dict[str, int], learned: str = "", code: str = ""
) -> int:
    """Replace one day of a table by rows of its schema (without `import_date`), in one commit.

    `learned`: the clock's day. The same rows again make no commit, unless their file is gone or damaged.
    Rows are on disk before the commit, the commit before this returns.
    Returns the version that holds the day. Raises Refused when someone else imported the same day meanwhile.
    """
    rows = sort(rows)
    with ThreadPoolExecutor(1) as beside:  # the digest takes as long as to write the file: on two processors at once
        return _replace(lake, table, day, rows, beside.submit(digest, rows), read, learned, code)


def _replace(
    lake: Path, table: str, day: str, rows: pa.Table, sha256: Future[str], read: dict[str, int], learned: str, code: str
) -> int:
    for attempt in range(50):  # each failed try means that another day was imported in between: retry on top of it
        delta = opened(lake, table, fresh=True)
        before = delta.transaction_version(day)
        if not attempt:
            first = before
        if before and has(lake, table, before, sha256.result()) and _is_whole(delta, table, day):
            flush(log_file(lake, table, before))  # as below
            return before
        if before != first:
            raise Refused(f"{table} of {day} was imported by someone else at the same time. Run the day again.")
        version = delta.version() + 1
        latest = max(day, newest_day(lake, table, delta))
        flush(log_file(lake, table, version - 1))  # whoever wrote it may have been killed before they could
        added = _write_file(lake / table, day, rows) if len(rows) else None
        facts = {"day": day, "newest": latest, "sha256": sha256.result(), "rows": len(rows), "read": read}
        facts |= {"learned": learned, "code": code, "libraries": libraries()}
        try:
            with committing(lake, table, version, lake / table / added.path if added else None):
                delta.create_write_transaction(
                    [added] if added else [],
                    "overwrite",
                    Schema.from_arrow(schema(table)),
                    [DAY.name],
                    [(DAY.name, "=", day)],
                    commit_properties=CommitProperties(
                        custom_metadata={"fde": facts},
                        max_commit_retries=0,
                        app_transactions=[Transaction(day, version)],
                    ),
                )
        except CommitFailedError:
            continue
        flush(log_file(lake, table, version))
        return version
    raise Refused(f"{table} of {day}: others kept importing for 50 tries. Run the day again.")


def _write_file(table: Path, day: str, rows: pa.Table) -> AddAction:
    # A name that nobody else writes to: who loses the race for a version must not touch the winner's rows.
    file = table / f"{DAY.name}={day}" / f"{uuid4().hex}.parquet"
    write_file(file, rows)
    path = file.relative_to(table).as_posix()
    return AddAction(path, file.stat().st_size, {DAY.name: day}, 0, True, json.dumps(statistics(rows)))


def _files(delta: DeltaTable, compared: str, day: str) -> list[Path]:
    """The files of a day, or of the days until one. Delta's own reader looks at those of all days: tenfold the time."""
    found = delta.file_uris(file_pruning_predicate=[(DAY.name, compared, date.fromisoformat(day))])
    return [Path(unquote(uri)) for uri in found]


def _is_whole(delta: DeltaTable, table: str, day: str) -> bool:
    """Whether the files that hold a day are there and can be read."""
    try:
        checked([read_file(file, SCHEMAS[table].names) for file in _files(delta, "=", day)], SCHEMAS[table])
    except DAMAGED:
        return False
    return True
