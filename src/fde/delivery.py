"""What a source delivers for a day: judged column by column. Bad rows refuse the file, or are set aside."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from fde.refused import Refused
from fde.rows import goes_up
from fde.schemas import DATE, KEYS, KINDS, MONEY, PERCENT, REFUSED, SOURCES, TEXT, WHOLE, Column, is_date
from fde.source_file import read

LINE = "line"  # beside the columns of a source: where each row stands


class Delivery:
    """A file of a source, judged.

    Arguments: data, what is in the file; file, its name for people; source, a key of `schemas.SOURCES`;
    quarantine: whether bad rows are set aside, each with the first reason found; else the first one refuses the file.
    Raises: Refused with file, line, column, value and reason.
    """

    def __init__(self, data: bytes, file: Path, source: str, quarantine: bool) -> None:
        self.file, self._quarantine = file, quarantine
        self._sent = read(data, file, source)
        self._columns = [column for column in SOURCES[source] if column.name in self._sent.cells.column_names]
        self._rows = self._sent.cells.append_column(LINE, self._sent.lines)
        self._refused: list[pa.Table] = []
        for values, lines in self._sent.ragged.items():
            what = f"{values} values where {len(self._sent.cells.columns)} belong"
            self._refuse(lines, self._sent.rows(lines), "", f"{what}; look for a missing or extra comma or quote")
        for column in self._columns:
            self._judge(column)
        for key in KEYS[source]:
            if key in self._rows.column_names:
                self._judge_key(key)

    @property
    def rows(self) -> pa.Table:
        """The good rows, with the frame names of the columns; whole numbers and cents as int64, dates as ISO text."""
        return pa.table({column.frame_name: self._rows[column.name] for column in self._columns})

    @property
    def refused(self) -> pa.Table:
        """The rows that were set aside, as of `schemas.REFUSED`."""
        return pa.concat_tables([REFUSED.empty_table(), *self._refused])

    def judge_users(self, users: "Delivery") -> None:
        """An order of a user who is not in that day's dump is bad. So is one of a user whose own row is."""
        known = pc.is_in(self._rows["user_id"], value_set=users._rows["user_id"])
        self._take_out(known, "user_id", f"no such user in {users.file.name}")

    def _judge(self, column: Column) -> None:
        pattern, expected, _ = KINDS[column.kind]
        cells = self._rows[column.name]
        if column.kind == WHOLE and _are_digits(cells):
            self._set(column, pc.cast(cells, pa.int64()))
            return
        cells = pc.utf8_trim_whitespace(cells)
        if column.blank:
            cells = pc.if_else(pc.equal(cells, ""), None, cells)
        self._set(column, cells)
        matches = pc.not_equal(cells, "") if column.kind == TEXT else pc.match_substring_regex(cells, pattern)
        fits = pc.fill_null(matches, column.blank)
        self._take_out(fits, column.name, f"expected {expected}")
        cells = self._rows[column.name]
        if column.kind == DATE:
            no_dates = [text for text in pc.unique(cells).to_pylist() if not is_date(text)]
            fits = pc.invert(pc.is_in(cells, pa.array(no_dates, pa.string())))
            self._take_out(fits, column.name, "no such date")
        if column.kind in (WHOLE, PERCENT):
            self._set(column, pc.cast(cells, pa.int64()))
        if column.kind == MONEY:
            cents = pc.multiply(pc.cast(cells, pa.decimal128(15, 2)), pa.scalar(100))
            self._set(column, pc.cast(cents, pa.int64()))

    def _judge_key(self, key: str) -> None:
        values = self._rows[key]
        if goes_up(values) or len(pc.unique(values)) == len(values):
            return
        first: dict[object, int] = {}
        for row, value in enumerate(values.to_pylist()):
            first.setdefault(value, row)
        fits = [first[value] == row for row, value in enumerate(values.to_pylist())]
        self._take_out(pa.chunked_array([fits]), key, "it stands twice")

    def _set(self, column: Column, cells: pa.ChunkedArray) -> None:
        self._rows = self._rows.set_column(self._rows.column_names.index(column.name), column.name, cells)

    def _take_out(self, fits: pa.ChunkedArray, column: str, reason: str) -> None:
        bad = pc.indices_nonzero(pc.invert(fits))
        if not len(bad):
            return
        rows = self._rows.take(bad)
        values = ["" if value is None else str(value) for value in rows[column].to_pylist()]
        self._refuse(rows[LINE].to_pylist(), values, column, reason)
        self._rows = self._rows.filter(fits)

    def _refuse(self, lines: list[int], values: list[str], column: str, reason: str) -> None:
        """Set rows aside; or refuse the file at the first of them, naming how many more there are."""
        if not self._quarantine:
            where = f"{self.file}, line {lines[0]}" + (f", column {column}" if column else "")
            more = f" ({len(lines) - 1} more like it)" if len(lines) > 1 else ""
            raise Refused(f"{where}: {values[0][:60]!r}: {reason}{more}. Nothing of this file was imported.")
        same = {"file": self.file.name, "column": column, "reason": reason}
        each = {"line": lines, "value": values, "row": self._sent.rows(lines)}
        repeated = {name: [text] * len(lines) for name, text in same.items()}
        self._refused.append(pa.table({**each, **repeated}, schema=REFUSED))


def _are_digits(cells: pa.ChunkedArray) -> bool:
    """Whether all cells are whole numbers without blanks around them: a tenth of the time that a pattern takes."""
    longest = pc.max(pc.binary_length(cells)).as_py() or 0
    return longest <= 15 and bool(pc.all(pc.ascii_is_decimal(cells), min_count=0).as_py())
