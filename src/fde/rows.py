"""Rows: in one order, with one digest, and as files."""

import hashlib
import io
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from fde.disk import flush, swap_in

DAMAGED = (pa.ArrowException, ValueError, KeyError, OSError)  # what reading a damaged file may raise
FEW = 1000  # rows that take longer to unpack than to read: sales of a day, and a dashboard reads many days


def sort(rows: pa.Table) -> pa.Table:
    """The order of a file: by day, then by user, so that orders meet users as in a zip; then from left to right."""
    return _sorted(rows, sorted(rows.column_names, key=lambda name: {"import_date": 0, "user_id": 1}.get(name, 2)))


def _sorted(rows: pa.Table, names: list[str]) -> pa.Table:
    if not is_sorted(rows, names):
        rows = rows.sort_by([(name, "ascending") for name in names])
    return rows.combine_chunks()


def is_sorted(rows: pa.Table, names: list[str]) -> bool:
    """Whether rows are known to be sorted by all their columns. To look costs a hundredth of what sorting costs."""
    before, after = rows.slice(0, max(len(rows) - 1, 0)), rows.slice(1)
    same = pa.chunked_array([pa.repeat(True, len(after))])  # as far as the columns that were looked at
    for name in names:
        if not pc.any(same, min_count=0).as_py():
            return True
        if rows[name].null_count or pc.any(pc.and_(same, pc.greater(before[name], after[name])), min_count=0).as_py():
            return False
        same = pc.and_(same, pc.equal(before[name], after[name]))
    return True


def goes_up(values: pa.ChunkedArray) -> bool:
    """Whether each value is greater than the one before: then all are sorted, and no two are the same."""
    later = pc.less(values.slice(0, max(len(values) - 1, 0)), values.slice(1))
    return values.null_count == 0 and bool(pc.all(later, min_count=0).as_py())


def digest(rows: pa.Table) -> str:
    """sha256 of rows as CSV, sorted by all columns from left to right: the same in every engine and library version."""
    text = io.BytesIO()
    pyarrow.csv.write_csv(_sorted(rows, rows.column_names), text)
    return hashlib.sha256(text.getbuffer()).hexdigest()


def write_file(file: Path, rows: pa.Table) -> None:
    """Write rows as parquet. On disk before this returns."""
    file.parent.mkdir(exist_ok=True)
    steps = [name for name in rows.column_names if name == "user_id"]  # small and in order: read in a fifth of the time
    others = [name for name in rows.column_names if name not in steps]
    packed = dict.fromkeys(steps, "DELTA_BINARY_PACKED") or None
    squeeze = "zstd" if len(rows) > FEW else "none"
    try:
        pq.write_table(
            rows, file, compression=squeeze, use_dictionary=others, column_encoding=packed, write_page_checksum=True
        )
        flush(file)
    except OSError:
        file.unlink(missing_ok=True)  # half of it would stay on a full disk, and nobody would ever look for it
        raise
    flush(file.parent)


def read_file(file: Path, names: list[str]) -> pa.Table:
    """Some columns of a file, to be `checked`. Raises one of DAMAGED: all of it but names and bounds has checksums."""
    words = [name for name in names if name == "status"]  # each is decoded once: a tenth of the time
    with (
        pa.OSFile(str(file)) as source,  # a path would be looked at for its file system first: a tenth of the time
        pq.ParquetFile(source, read_dictionary=words, page_checksum_verification=True) as content,
    ):
        rows = content.read(names, use_threads=False).select(names)
        if len(rows) != content.metadata.num_rows:  # the file says it twice, and has no checksum for that
            raise ValueError(f"{len(rows)} rows of {content.metadata.num_rows}")
    return rows


def checked(parts: list[pa.Table], wanted: pa.Schema) -> pa.Table:
    """What was read from files as one table. Raises one of DAMAGED: foreign engines write no checksums."""
    rows = pa.concat_tables(parts or [wanted.empty_table()], promote_options="permissive")
    rows.validate(full=True)  # damaged pages may hold blanks, or text that is none
    return rows.cast(wanted)


def statistics(rows: pa.Table) -> dict[str, Any]:
    """Counts and bounds of each column, as Delta keeps them."""
    found: dict[str, Any] = {"numRecords": len(rows), "nullCount": {n: rows[n].null_count for n in rows.column_names}}
    bounds = {name: pc.min_max(rows[name]).as_py() for name in rows.column_names}
    for end in ("min", "max"):
        values = {name: both[end] for name, both in bounds.items()}
        found[f"{end}Values"] = {
            n: v.isoformat() if isinstance(v, date) else v for n, v in values.items() if v is not None
        }
    return found


def keep_code(lake: Path, source: bytes) -> str:
    """Keep a pipeline's code under its sha256, which is returned. On disk before this returns."""
    sha256 = hashlib.sha256(source).hexdigest()
    file = lake / "code" / f"{sha256}.py"
    if not file.exists():
        swap_in(file, source)
    return sha256
