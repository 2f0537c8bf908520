"""Another engine reads the tables: their log by the words of Delta's protocol, their rows by DuckDB."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pytest

from fde import lake
from tests.faults.conftest import Terminal


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


@pytest.fixture
def much(terminal: Terminal) -> Terminal:
    """All days of the story, and day 3 in many versions: so many that there are checkpoints."""
    one = terminal.attendee
    one.run(3, 4, 5)
    for today in (3, 4, 3, 4, 3, 4, 3):
        one.own["day"] = one.pack.days[today - 1]
        one.again(3)
    return terminal


def agree(terminal: Terminal, table: str, version: int, *, from_checkpoint: bool) -> None:
    path = terminal.attendee.world.lake
    ours = lake.read(path, table, version)
    found = files(path / table, version, from_checkpoint=from_checkpoint)
    names = ", ".join(ours.column_names)
    theirs = duckdb.sql(f"select {names} from read_parquet({found}, hive_partitioning = true)").fetchall()
    assert sorted(theirs, key=str) == sorted((tuple(row.values()) for row in ours.to_pylist()), key=str)


@pytest.mark.parametrize("table", ["users", "orders", "sales"])
def test_duckdb_reads_every_version_as_we_do(table: str, much: Terminal) -> None:
    newest = lake.newest(much.attendee.world.lake, table)
    assert newest >= 5
    for version in range(1, newest + 1):
        agree(much, table, version, from_checkpoint=False)


@pytest.mark.parametrize("table", ["orders", "sales"])
def test_duckdb_reads_on_from_a_checkpoint(table: str, much: Terminal) -> None:
    newest = lake.newest(much.attendee.world.lake, table)
    assert newest > 10, "there is no checkpoint"
    for version in range(11, newest + 1):
        agree(much, table, version, from_checkpoint=True)


def test_a_file_that_duckdb_wrote_over_is_read_as_it_was(much: Terminal) -> None:
    path = much.attendee.world.lake
    newest = lake.newest(path, "sales")
    before = lake.read(path, "sales", newest)
    file = files(path / "sales", newest, from_checkpoint=False)[0]
    narrow = "select orders::integer as orders, * exclude (orders)"  # other types than beside it, in another order
    duckdb.sql(f"{narrow} from read_parquet('{file}', hive_partitioning = false)").write_parquet(f"{file}.new")
    Path(f"{file}.new").rename(file)
    assert lake.read(path, "sales", newest).equals(before)
