"""One file of a source as it came: its header checked, its cells as text. What is wrong with all of it is refused."""

import csv
import io
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from fde.refused import Refused
from fde.schemas import SOURCES

BREAK = r"[\r\n]"


@dataclass(frozen=True)
class SourceFile:
    """`cells`: a table of text; `lines`: the line that each of its rows stands on, from 1.

    ragged: what does not have as many values as the header: number of values -> lines.
    """

    text: bytes
    cells: pa.Table
    lines: pa.Array
    ragged: dict[int, list[int]]

    def rows(self, lines: list[int]) -> list[str]:
        """Rows as they stand in the file."""
        return [self._rows[line - 1].decode() for line in lines]

    @cached_property
    def _rows(self) -> list[bytes]:
        return self.text.splitlines()


def read(data: bytes, file: Path, source: str) -> SourceFile:
    """Read a CSV file of a source.

    Arguments: data, what is in it; file, its name for people; source, a key of `schemas.SOURCES`.
    Raises: Refused with the file and, where there is one, the line.
    """
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Refused(
            f"{file}, line {line}: not UTF-8 (byte {data[error.start]:#04x}). Save the file as UTF-8."
        ) from None
    data = data.removeprefix(b"\xef\xbb\xbf").rstrip() + b"\n"
    first = re.split(BREAK.encode(), data, maxsplit=1)[0].decode()
    header = [name.strip() for name in next(csv.reader([first]))] or [""]
    _check_header(header, file, source)
    if (cells := _read_plain(data, header)) is not None:
        return SourceFile(data, cells, pa.array(np.arange(2, len(cells) + 2)), {})
    ragged: list[pyarrow.csv.InvalidRow] = []

    def skip(row: pyarrow.csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    try:
        cells = pyarrow.csv.read_csv(
            io.BytesIO(data),
            pyarrow.csv.ReadOptions(column_names=header, skip_rows=1, use_threads=False, block_size=len(data) + 1),
            pyarrow.csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=skip),
            _as_text(header),
        )
    except pa.ArrowInvalid as error:
        raise Refused(f"{file}: not a CSV file that can be read: {error}") from None
    lines = np.delete(np.arange(2, len(cells) + len(ragged) + 2), [row.number - 2 for row in ragged])
    if b'"' in data:
        broken = [row.number for row in ragged if re.search(BREAK, row.text)]
        for column in cells.columns:
            broken += lines[pc.indices_nonzero(pc.match_substring_regex(column, BREAK))[:1]].tolist()
        if broken:  # where its row ends is anybody's guess, and so is where the next one begins
            raise Refused(
                f"{file}, line {min(broken)}: a value goes over more than one line. Is a quote missing that ends it? "
                "Nothing of this file was imported."
            )
    counts = dict.fromkeys(row.actual_columns for row in ragged)
    return SourceFile(
        data, cells, pa.array(lines), {n: [row.number for row in ragged if row.actual_columns == n] for n in counts}
    )


def _read_plain(data: bytes, header: list[str]) -> pa.Table | None:
    """The cells of a file without quotes, all rows as long as the header: by all processors. None for another one."""
    if b'"' in data:
        return None
    try:
        return pyarrow.csv.read_csv(
            pa.BufferReader(data),
            pyarrow.csv.ReadOptions(column_names=header, skip_rows=1),
            pyarrow.csv.ParseOptions(ignore_empty_lines=False),
            _as_text(header),
        )
    except pa.ArrowInvalid:
        return None


def _as_text(header: list[str]) -> pyarrow.csv.ConvertOptions:
    return pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False)


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
