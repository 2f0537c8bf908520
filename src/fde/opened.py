"""The tables of a lake, made once and opened. A version never changes: an opened one is kept for whoever asks next."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError

from fde.commits import commit, log_file
from fde.power_cut import remove_cut_off_checkpoints, set_cut_off_aside
from fde.refused import Refused
from fde.schemas import SCHEMAS, TABLES

DAY = pa.field("import_date", pa.date32(), nullable=False)
#: Nothing is ever forgotten. A value Delta cannot parse would mean 30 days, silently: hence asserted when opened.
RETENTION = {
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
    "delta.enableExpiredLogCleanup": "false",
    "delta.checkpointInterval": "10",
}
COLORS = re.compile(r"\x1b\[\d+m|↳")
Mark = tuple[tuple[int, int, int], ...]

_newest: dict[Path, int] = {}  # the newest version of a table that was seen; it only grows, unless a desk was swapped


def create(lake: Path, tables: Iterable[str] = TABLES) -> None:
    """Create tables. Once, in one place, before anyone imports: creating is not exclusive in Delta."""
    for name in tables:
        DeltaTable.create(str(lake / name), schema(name), partition_by=[DAY.name], configuration=dict(RETENTION))


def schema(table: str) -> pa.Schema:
    """The columns of a table, its partition first."""
    return pa.schema([DAY, *SCHEMAS[table]])


def newest(lake: Path, table: str) -> int:
    """The newest version of a table; 0 means that nothing was imported yet."""
    path = lake / table
    seen = number = _newest.get(path, -1)
    if number < 0 or not log_file(lake, table, number).exists():
        number = max((int(file.stem) for file in (path / "_delta_log").glob("[0-9]" * 20 + ".json")), default=-1)
    if number < 0:
        _checked(path, None)  # says what is wrong
    while log_file(lake, table, number + 1).exists():
        number += 1
    if number != seen:
        number = set_cut_off_aside(lake, table, number)
    _newest[path] = number
    return number


def newest_day(lake: Path, table: str, delta: DeltaTable) -> str:
    """The latest day in a table, "" when it is empty: as the last import has it, or by looking at all that is there."""
    try:
        return commit(lake, table, delta.version()).newest
    except Refused:  # nothing was imported yet, or somebody else was here
        return max((part[DAY.name] for part in delta.partitions()), default="")


def opened(lake: Path, table: str, version: int | None = None, *, fresh: bool = False) -> DeltaTable:
    """A table as of a version (default: the newest), to be read. fresh: for one who writes, the newest and their own.

    Raises Refused when it cannot be read, or is not as this version of the workshop makes it.
    """
    number = newest(lake, table) if version is None else version
    return _checked(lake / table, None) if fresh else _kept(lake / table, number, _mark(lake, table, number))


@lru_cache(maxsize=8)
def _kept(path: Path, version: int, mark: Mark) -> DeltaTable:
    is_newest = version == _newest.get(path) and not log_file(path.parent, path.name, version + 1).exists()
    delta = _checked(path, None if is_newest else version)
    return delta if delta.version() == version else _checked(path, version)  # somebody has imported meanwhile


def _mark(lake: Path, table: str, version: int) -> Mark:
    """Other numbers when another table is there now, or a file of its log was written over."""
    try:
        found = [log_file(lake, table, number).stat() for number in (0, version)]
    except OSError:
        return ()
    return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in found)


def _checked(path: Path, version: int | None) -> DeltaTable:
    with _in_words(path, "is not a readable table of the lake", "Put it back if you moved it, or: fde start-over."):
        try:
            delta = DeltaTable(str(path), version=version)
        except (DeltaError, OSError, ValueError):
            if not remove_cut_off_checkpoints(path):
                raise
            delta = DeltaTable(str(path), version=version)
        delta.transaction_version("")  # reads what is read only when it is asked for
        columns, settings = pa.schema(delta.schema().to_arrow()), delta.metadata().configuration
    plain = delta.protocol().min_reader_version == 1  # above, rows may be taken out by more than their file
    if not plain or columns.names != schema(path.name).names or not RETENTION.items() <= settings.items():
        raise Refused(f"{path} is a Delta table, but not as this version makes it. Set it aside: fde start-over.")
    return delta


@contextmanager
def committing(lake: Path, table: str, version: int, file: Path | None) -> Iterator[None]:
    """Around a commit: what stops it is told in a line, and a file that nobody will ever look for goes with it.

    Raises CommitFailedError when somebody else was first, Refused for anything else.
    """
    done = False
    try:
        with _in_words(lake / table, "could not be written", "Mend that and run the day again."):
            yield
        done = True
    finally:
        if file and not done and not _names(log_file(lake, table, version), file.name):
            file.unlink(missing_ok=True)


@contextmanager
def _in_words(path: Path, words: str, advice: str) -> Iterator[None]:
    """What Delta says in many lines is told in one; so is a panic of Rust, which has no handle left, or no thread."""
    try:
        yield
    except CommitFailedError:
        raise
    except BaseException as error:
        if not isinstance(error, DeltaError | OSError | ValueError) and type(error).__name__ != "PanicException":
            raise
        lines = str(error).strip().splitlines() or [type(error).__name__]
        why = next((line for line in lines if "os error" in line), lines[0])
        raise Refused(f"{path} {words} ({COLORS.sub('', why).strip()}). {advice}") from None


def _names(log: Path, name: str) -> bool:
    return log.exists() and name.encode() in log.read_bytes()
