"""Another engine reads the tables: their log by the words of Delta's protocol, their rows by DuckDB."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pytest

from fde import lake
from tests.faults.conftest import Terminal

TABLES = ("users", "orders", "sales")


def actions(log: Path, first: int, last: int) -> Iterator[dict]:
    for number in range(first, last + 1):
        yield from map(json.loads, (log / f"{number:020}.json").read_text().splitlines())


def files(table: Path, version: int, *, from_checkpoint: bool) -> list[str]:
    """What was added until a version and not removed; from the start, or from the last checkpoint before it."""
    log, start, live = table / "_delta_log", 0, set[str]()
    if from_checkpoint:
        points = [file for file in log.glob("*.checkpoint.parquet") if int(file.name[:20]) <= version]
        newest = max(points)
        start = int(newest.name[:20]) + 1
        found = duckdb.sql(f"select add.path from read_parquet('{newest}') where add.path is not null").fetchall()
        live = {path for (path,) in found}
    for action in actions(log, start, version):
        live |= {action["add"]["path"]} if "add" in action else set()
        live -= {action["remove"]["path"]} if "remove" in action else set()
    return [str(table / unquote(path)) for path in sorted(live)]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("from_checkpoint", [False, True])
def test_duckdb_reads_what_we_read(table: str, from_checkpoint: bool, terminal: Terminal) -> None:
    one = terminal.attendee
    for number in (3, 4, 5, 3, 4, 5):
        one.run(number)
    for today in (3, 4, 3, 4, 3, 4):  # versions of one day, as sent on two
        one.own["day"] = one.pack.days[today - 1]
        one.again(3)
    newest = lake.newest(one.world.lake, table)
    versions = [number for number in range(1, newest + 1) if not from_checkpoint or number > 10]
    assert from_checkpoint <= (newest > 10 or table == "users"), "there is no checkpoint to read from"
    for version in versions:
        ours = lake.read(one.world.lake, table, version)
        names = ", ".join(ours.column_names)
        found = files(one.world.lake / table, version, from_checkpoint=from_checkpoint)
        theirs = duckdb.sql(f"select {names} from read_parquet({found}, hive_partitioning = true) order by all")
        assert theirs.fetchall() == [tuple(row.values()) for row in ours.to_pylist()]
