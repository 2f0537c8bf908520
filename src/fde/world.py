"""The world: all that one attendee owns, and all that a pipeline may call."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from fde import lake, quarantine
from fde.clock import Clock
from fde.frames import sales_file, summed, to_frame, to_table
from fde.pack import Pack
from fde.receipt import Receipt, resolve
from fde.refused import Refused
from fde.rows import keep_code
from fde.schemas import REFUSED_OF, TABLES


class World:
    """One attendee's folder, with the source systems and the clock as they see them."""

    def __init__(self, path: Path, pack: Pack, clock: Callable[[], Clock]) -> None:
        self.path = path
        self.pack = pack
        self._clock = clock
        self._run: tuple[str, bytes] | None = None
        self._versions: dict[str, int] = {}
        self.told: list[str] = []  # what a run has to tell whoever started it

    @property
    def clock(self) -> Clock:
        """The clock, read anew each time."""
        return self._clock()

    @property
    def incidents(self) -> tuple[tuple[str, str], ...]:
        """What goes wrong in the shop, by the clock: pairs (day, name)."""
        return self.clock.incidents

    @property
    def desk(self) -> Path:
        """The folder with `pipeline.py`, the notebooks, `files/` and `lake/`."""
        return self.path / "desk"

    @property
    def files(self) -> Path:
        """The folder for CSV files of a pipeline's own."""
        return self.desk / "files"

    @property
    def lake(self) -> Path:
        """The folder of the Delta tables."""
        return self.desk / "lake"

    def source(self, name: str, day: str) -> pd.DataFrame:
        """The checked rows of `users`, `orders` or `tax_rates` for a day, as the source delivers them today.

        Columns: user_id, name, status; or sales_date (ISO text), quantity, revenue_cents, user_id and maybe order_id;
        or valid_from (ISO text), percent (of the revenue, whole). A pack may send no tax rates.
        A blank name or status is missing (NaN). Raises Refused for a bad row: file, line, column, value, reason;
        in a pack that quarantines bad rows they are left out, and a run keeps those of its own day in the lake.
        """
        clock = self.clock
        sent = self.pack.deliver(name, day, clock.day, clock.incidents)
        if self._run and day == self._run[0]:
            self._set_aside(name, day, sent.refused)
        return to_frame(sent.rows)

    def read(
        self, table: str, *, day: str | None = None, until: str | None = None, columns: list[str] | None = None
    ) -> pd.DataFrame:
        """Rows of the lake: of one day, or of all days until one (inclusive; these have an `import_date`).

        columns: a list of those that are read (default: all). Raises Refused when the day was not imported.
        """
        if table not in TABLES:
            raise Refused(f"the lake has no table {table!r}. Tables: {', '.join(TABLES)}.")
        if (day is None) == (until is None):
            raise Refused(f'read("{table}"): say either day="2022-01-31" or until="2022-01-31".')
        version = self._versions.setdefault(table, lake.newest(self.lake, table))
        if not self._run:
            self._versions.clear()  # only a run needs every read to see the same version
        if day and lake.commit_of_day(self.lake, table, day, version) is None:
            raise Refused(f"{table} of {day}: not in the lake yet. Load it first: fde run --day {day}")
        names = TABLES[table].names
        if columns is not None and not (isinstance(columns, list) and columns and {*map(str, columns)} <= {*names}):
            raise Refused(f'{table}: columns={columns!r}: expected a list, like ["{names[0]}"], of {", ".join(names)}.')
        rows = lake.read(self.lake, table, version, day=day, until=until, columns=columns)
        return to_frame(rows.drop_columns("import_date") if day else rows)

    def replace(self, table: str, day: str, frame: pd.DataFrame) -> None:
        """Replace one day of a table of the lake by the rows of a frame. The same rows again change nothing.

        The commit records which versions of other tables were read, and the code. Only a run may write.
        Raises Refused when the frame does not fit the table, or the day is not the run's.
        """
        if table not in TABLES:
            raise Refused(f"the lake has no table {table!r}. Tables: {', '.join(TABLES)}.")
        if self._run is None:
            raise Refused("only a run writes to the lake, so that its code is on record. Start one: fde run")
        run_day, code = self._run
        if day != run_day:
            raise Refused(f"{table} of {day}: this is the run of {run_day}. A run writes its own day and no other.")
        rows = to_table(frame, table, day)
        self._write(table, day, rows, code)
        self._versions.pop(table, None)

    def sales(self) -> tuple[pd.DataFrame, Receipt]:
        """What the dashboards show: rows (sales_date, status, orders, quantity, revenue_cents), and their receipt.

        Also tax_cents when a row has one; where it is not known it is <NA>, never 0.
        The lake's sales as deployed when there are any; else `files/sales.csv`, which has no history.
        Raises Refused when there is nothing to show, or `deployed` points at nothing.
        """
        receipt = resolve(self.lake, self.clock)
        if receipt is None:
            return sales_file(self.files / "sales.csv", self.clock.day), Receipt(self.clock.deployed)
        assert receipt.version is not None
        return self.sales_as_of(receipt.version, receipt.until or self.clock.day), receipt

    def sales_as_of(self, version: int, until: str) -> pd.DataFrame:
        """All sales of the days until one, as of a version, summed by sales_date and status; sorted by both.

        tax_cents is unknown when that of one of the summed rows is, and left out when none is known.
        """
        return summed(lake.read(self.lake, "sales", version, until=until))

    def of_run(self, day: str, code: bytes) -> "World":
        """This world as one run sees it: reads stay at one version, writes go to the run's day only."""
        world = World(self.path, self.pack, self._clock)
        world._run = (day, code)
        return world

    def _set_aside(self, source: str, day: str, refused: pa.Table) -> None:
        version = quarantine.keep(self.lake, source, day, refused, self.clock.day)
        if len(refused):
            self._versions[REFUSED_OF[source]] = version  # on record with all that this run imports from here on
            rows = "1 row" if len(refused) == 1 else f"{len(refused)} rows"
            self.told.append(f"{rows} of {source} of {day} refused. To see why: fde refused {day}")

    def _write(self, table: str, day: str, rows: pa.Table, code: bytes) -> None:
        read, kept = dict(self._versions), keep_code(self.lake, code)
        lake.replace(self.lake, table, day, rows, read=read, learned=self.clock.day, code=kept)
