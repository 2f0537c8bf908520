"""One file of a source: read whole, checked column by column, or refused with the place of the first bad cell."""

import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from fde.refused import Refused
from fde.schemas import DATE, KEYS, KINDS, MONEY, PERCENT, SOURCES, WHOLE, Column, is_date


def read_rows(file: Path, source: str) -> pa.Table:
    """Read a CSV file of a source.

    Arguments: file; source, a key of `schemas.SOURCES`.
    Returns: a table with the frame names of the columns; whole numbers and cents as int64, dates as ISO text.
    Raises: Refused with file, line, column, value and reason.
    """
    cells = _read_cells(file, source)
    columns = [column for column in SOURCES[source] if column.name in cells.column_names]
    table = pa.table({column.frame_name: _checked(cells[column.name], column, file) for column in columns})
    for key in KEYS[source]:
        if key in table.column_names:
            _refuse_twice(table[key], key, file)
    return table


def check_known_users(orders: pa.Table, users: pa.Table, orders_file: Path, users_file: Path) -> None:
    """Refuse an order of a user who is not in that day's dump."""
    known = pc.is_in(orders["user_id"], value_set=users["user_id"])
    _refuse_first(known, orders["user_id"], "user_id", orders_file, f"no such user in {users_file.name}")


def _read_cells(file: Path, source: str) -> pa.Table:
    """All cells as text, blanks around them gone."""
    try:
        data = file.read_bytes()
        data.decode("utf-8")
    except OSError as error:
        raise Refused(f"{file}: cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Refused(
            f"{file}, line {line}: not UTF-8 (byte {data[error.start]:#04x}). Save the file as UTF-8."
        ) from None
    data = data.removeprefix(b"\xef\xbb\xbf").rstrip() + b"\n"
    header = [name.strip() for name in next(csv.reader([data.split(b"\n", 1)[0].decode()]))] or [""]
    _check_header(header, file, source)
    ragged: list[pyarrow.csv.InvalidRow] = []

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    try:
        table = pyarrow.csv.read_csv(
            io.BytesIO(data),
            pyarrow.csv.ReadOptions(column_names=header, skip_rows=1, use_threads=False, block_size=len(data) + 1),
            pyarrow.csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=skip),
            pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        raise Refused(f"{file}: not a CSV file that can be read: {error}") from None
    if ragged:
        row = ragged[0]
        raise Refused(
            f"{file}, line {row.number}: {row.actual_columns} values where {row.expected_columns} belong: "
            f"{row.text[:60]!r}. Look for a missing or extra comma or quote. Nothing of this file was imported."
        )
    return table


def _check_header(header: list[str], file: Path, source: str) -> None:
    columns = SOURCES[source]
    expected = ",".join(column.name for column in columns if not column.optional)
    first = f"{file}, line 1"
    if header == [""]:
        raise Refused(f"{file}: the file is empty. Its first line should be {expected}.")
    if len(header) == 1 and ";" in header[0]:
        raise Refused(f"{first}: values are separated by semicolons. Save the file with commas: {expected}.")
    for name in header:
        if name not in {column.name for column in columns}:
            hint = " Names are in small letters." if name.lower() in expected else ""
            what = f"column {name!r} is unknown" if name else "a column has no name; is there a comma too many?"
            raise Refused(f"{first}: {what}. Expected {expected}.{hint}")
        if header.count(name) > 1:
            raise Refused(f"{first}: column {name!r} stands twice.")
    for column in columns:
        if column.name not in header and not column.optional:
            raise Refused(f"{first}: column {column.name!r} is missing. Expected {expected}.")


def _checked(cells: pa.ChunkedArray, column: Column, file: Path) -> pa.ChunkedArray:
    pattern, expected, _ = KINDS[column.kind]
    cells = pc.utf8_trim_whitespace(cells)
    if column.blank:
        cells = pc.if_else(pc.equal(cells, ""), None, cells)
    fits = pc.fill_null(pc.match_substring_regex(cells, pattern), column.blank)
    _refuse_first(fits, cells, column.name, file, f"expected {expected}")
    if column.kind == DATE:
        no_dates = [text for text in pc.unique(cells).to_pylist() if not is_date(text)]
        _refuse_first(
            pc.invert(pc.is_in(cells, pa.array(no_dates, pa.string()))), cells, column.name, file, "no such date"
        )
    if column.kind in (WHOLE, PERCENT):
        return pc.cast(cells, pa.int64())
    if column.kind == MONEY:
        return pc.cast(pc.multiply(pc.cast(cells, pa.decimal128(15, 2)), pa.scalar(100)), pa.int64())
    return cells


def _refuse_twice(cells: pa.ChunkedArray, column: str, file: Path) -> None:
    if len(pc.unique(cells)) == len(cells):
        return
    first: dict[object, int] = {}
    for row, value in enumerate(cells.to_pylist()):
        first.setdefault(value, row)
    fits = [first[value] == row for row, value in enumerate(cells.to_pylist())]
    _refuse_first(pa.chunked_array([fits]), cells, column, file, "it stands twice")


def _refuse_first(fits: pa.ChunkedArray, cells: pa.ChunkedArray, column: str, file: Path, reason: str) -> None:
    """Refuse the file at its first cell that does not fit, naming how many more there are."""
    bad = pc.indices_nonzero(pc.invert(fits))
    if not len(bad):
        return
    row = bad[0].as_py()
    more = f" ({len(bad) - 1} more like it)" if len(bad) > 1 else ""
    value = "" if cells[row].as_py() is None else cells[row].as_py()
    raise Refused(
        f"{file}, line {row + 2}, column {column}: {str(value)!r}: {reason}{more}. Nothing of this file was imported."
    )
