"""One import of `sales` once more: the code that was kept, on the versions it read, writing nothing."""

import hashlib
import tempfile
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa

from fde import lake
from fde.clock import Clock
from fde.commits import Commit, libraries
from fde.refused import Refused
from fde.rows import digest, sort
from fde.run import call
from fde.world import World


@dataclass
class Day:
    """One import of `sales` and what came out this time; `why` says why the two differ, and is empty otherwise."""

    made: Commit
    shown: pa.Table | str  # the rows on the dashboard, or why they cannot be read
    again: pa.Table | None = None  # the rows computed again
    why: list[str] = field(default_factory=list)


class Again(World):
    """A world in which one import happens again: reads as it recorded them, writes caught, everything else empty."""

    def __init__(self, world: World, made: Commit, code: bytes, folder: Path) -> None:
        super().__init__(folder, world.pack, lambda: Clock(world.clock.days, made.learned or made.day))
        self.desk.mkdir(parents=True)
        (self.desk / "pipeline.py").write_bytes(code)
        self._versions, self._real = dict(made.read), world.lake
        self.rows: list[pa.Table] = []  # of sales, as they were written
        self.damaged: list[str] = []
        self.unrecorded: list[str] = []

    @property
    def lake(self) -> Path:
        """The lake of the world itself: it is only read."""
        return self._real

    def of_run(self, day: str, code: bytes) -> World:
        """This world itself."""
        self._run = (day, code)
        return self

    def source(self, name: str, day: str) -> pd.DataFrame:
        """As of any world; the clock says the day of the import."""
        self.unrecorded.append(f"it asked the source for {name}")
        return super().source(name, day)

    def read(
        self, table: str, *, day: str | None = None, until: str | None = None, columns: list[str] | None = None
    ) -> pd.DataFrame:
        """As of any world, once the rows are known to be those that were imported."""
        version = self._versions.get(table)
        if version is None:
            self.unrecorded.append(f"it read {table}, which its import did not record")
        else:
            for made in lake.commits_of_days(self.lake, table, self._days(day, until), version):
                if found := _damage(table, made, _rows(self.lake, table, made)):
                    self.damaged.append(found)
                    raise Refused(found)
        return super().read(table, day=day, until=until, columns=columns)

    def _days(self, day: str | None, until: str | None) -> list[str]:
        return [day] if day else [one for one in self.clock.days if until and one <= until]

    def _set_aside(self, source: str, day: str, refused: pa.Table) -> None:
        """What is refused now was not on record then, and nothing is written."""

    def _write(self, table: str, day: str, rows: pa.Table, code: bytes) -> None:
        if table == "sales":
            self.rows.append(sort(rows))


def import_again(world: World, made: Commit) -> Day:
    """Let the code of an import run again on what it read. The lake and the desk are only read."""
    day = Day(made, _rows(world.lake, "sales", made))
    if found := _damage("sales", made, day.shown):
        day.why.append(found)
    file = world.lake / "code" / f"{made.code}.py"
    code = file.read_bytes() if file.is_file() else None
    if code is None or hashlib.sha256(code).hexdigest() != made.code:
        day.why.append(f"code: {file} {'is gone' if code is None else 'is not what it was: its sha256 is another'}.")
        return day
    with tempfile.TemporaryDirectory(prefix="fde-replay-") as folder:
        again, stopped = Again(world, made, code, Path(folder)), ""
        try:
            with chdir(again.desk):  # what it writes beside itself, or where it stands, goes with the folder
                call(again, "process_users_orders", made.day)
        except Refused as error:
            stopped = str(error).replace(f"{again.desk / 'pipeline.py'}", f"{file}").replace("\n", ": ")
    same = [rows for rows in again.rows if digest(rows) == made.sha256]
    day.again = (same or again.rows or [None])[-1]
    if again.damaged:
        day.why += again.damaged[:1]
    elif stopped or not same:
        day.why.append(_cause(made, [*again.unrecorded, *([f"it stopped: {stopped}"] if stopped else [])]))
    return day


def _cause(made: Commit, hints: list[str]) -> str:
    """Why versions and code on record do not give the rows on record."""
    if other := other_libraries(made.libraries):
        return "; ".join([f"library: made with {other}; versions and code are as they were", *hints]) + "."
    hint = "; ".join(dict.fromkeys(hints)) or "a file of its own, the time, or chance"
    return f"not on record: versions, code and libraries are as they were; the pipeline used something else: {hint}."


def other_libraries(used: dict[str, str]) -> str:
    """Which of the libraries that made something are of another version here, in words; else nothing."""
    now = libraries()
    return ", ".join(f"{name} {one} (here {now.get(name)})" for name, one in used.items() if now.get(name) != one)


def _rows(path: Path, table: str, made: Commit) -> pa.Table | str:
    """The rows of an import as the lake has them now; or, when they cannot be read, why."""
    try:
        return lake.read(path, table, made.version, day=made.day).drop_columns("import_date")
    except Refused as error:
        return str(error).partition(" Run its day again")[0]


def _damage(table: str, made: Commit, rows: pa.Table | str) -> str:
    """What is wrong with the rows of an import, in one line; nothing when they are those that it recorded."""
    if isinstance(rows, str):
        return f"data: {rows}"
    if digest(rows) == made.sha256:
        return ""
    return f"data: {table} of {made.day} are not the rows that v{made.version} imported: their sha256 is another."
