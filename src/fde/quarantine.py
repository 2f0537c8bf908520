"""Rows that were refused: kept in the lake beside what was imported, a table for each source, in versions like all."""

import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pyarrow as pa

from fde import lake
from fde.commits import Commit, commit, log_file
from fde.disk import flush
from fde.schemas import REFUSED, REFUSED_OF, TABLES


def keep(path: Path, source: str, day: str, rows: pa.Table, learned: str) -> int:
    """Keep the rows of a source, as of `schemas.REFUSED`, that were refused when a day was imported; none for none.

    learned: the clock's day. Returns the version that holds them, 0 when there never were any.
    """
    table = REFUSED_OF[source]
    if not len(rows) and not _newest(path, table, day):
        return 0
    _make(path, table)
    return lake.replace(path, table, day, rows, read={}, learned=learned)


def refused(path: Path, days: Iterable[str]) -> pd.DataFrame:
    """The rows that were refused when days were last imported.

    Returns: day, source, file, line, column (blank: the row as a whole), value, reason, row (its text in the file).
    """
    found = []
    for day in days:
        for source, table in REFUSED_OF.items():
            if made := _newest(path, table, day):
                rows = lake.read(path, table, made.version, day=day).drop_columns("import_date").to_pandas()
                rows.insert(0, "source", source)
                rows.insert(0, "day", day)
                found.append(rows)
    all_of_them: pd.DataFrame = pd.concat(
        [pd.DataFrame(columns=["day", "source", *REFUSED.names]), *found], ignore_index=True
    )
    return all_of_them


def behind(path: Path, imports: Iterable[Commit]) -> dict[str, int]:
    """How many rows were refused when that was imported from which each of some imports was computed, by day."""
    tables = [table for table in REFUSED_OF.values() if (path / table).is_dir()]
    if not tables:
        return {}
    return {made.day: _behind(path, made, tables) for made in imports}


def _behind(path: Path, made: Commit, tables: list[str]) -> int:
    inputs = [lake.commit_of_day(path, name, made.day, made.read[name]) for name in made.read if name in TABLES]
    read = {one for found in (made, *inputs) if found for one in found.read.items() if one[0] in tables}
    return sum(commit(path, table, version).rows for table, version in read)


def _make(path: Path, table: str) -> None:
    """Make a table aside and rename it: of two who do so at once one wins, whole. A lake without bad rows has none."""
    if not (path / table).is_dir():
        with tempfile.TemporaryDirectory(prefix=".making-", dir=path) as building:
            lake.create(Path(building), [table])
            flush(log_file(Path(building), table, 0))
            with suppress(OSError):  # the other one was quicker
                (Path(building) / table).rename(path / table)
        flush(path / table)


def _newest(path: Path, table: str, day: str) -> Commit | None:
    return lake.commit_of_day(path, table, day) if (path / table).is_dir() else None
