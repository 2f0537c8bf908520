"""Rows: in one order, with one digest, and on disk so that they stay there."""

import ctypes
import hashlib
import io
import os
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq


def sort(rows: pa.Table) -> pa.Table:
    """The canonical order: by all columns, from left to right."""
    if not is_sorted(rows):
        rows = rows.sort_by([(name, "ascending") for name in rows.column_names])
    return rows.combine_chunks()


def is_sorted(rows: pa.Table) -> bool:
    """Whether rows are known to be in the canonical order. To look costs a hundredth of what sorting costs."""
    before, after = rows.slice(0, max(len(rows) - 1, 0)), rows.slice(1)
    same = pa.chunked_array([pa.repeat(True, len(after))])  # as far as the columns that were looked at
    for name in rows.column_names:
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
    """sha256 of sorted rows as CSV: the same in every engine and library version."""
    text = io.BytesIO()
    pyarrow.csv.write_csv(rows, text)
    return hashlib.sha256(text.getbuffer()).hexdigest()


def write(file: Path, rows: pa.Table) -> None:
    """Write rows as parquet. On disk before this returns."""
    file.parent.mkdir(exist_ok=True)
    pq.write_table(rows, file, compression="zstd")
    flush(file)
    flush(file.parent)


def statistics(rows: pa.Table) -> dict[str, Any]:
    """Counts and bounds of each column, as Delta keeps them."""
    found: dict[str, Any] = {"numRecords": len(rows), "nullCount": {n: rows[n].null_count for n in rows.column_names}}
    bounds = {name: pc.min_max(rows[name]).as_py() for name in rows.column_names}
    for end in ("min", "max"):
        values = {name: both[end] for name, both in bounds.items()}
        found[f"{end}Values"] = {n: v.isoformat() if isinstance(v, date) else v for n, v in values.items() if v is not None}
    return found


def keep_code(lake: Path, source: bytes) -> str:
    """Keep a pipeline's code under its sha256, which is returned. On disk before this returns."""
    sha256 = hashlib.sha256(source).hexdigest()
    file = lake / "code" / f"{sha256}.py"
    if not file.exists():
        swap_in(file, source)
    return sha256


def swap_in(file: Path, content: bytes) -> None:
    """Put a file in its place, whole or not at all; its folder is made. On disk before this returns."""
    file.parent.mkdir(exist_ok=True)
    part = file.with_name(f".{file.name}.{uuid4().hex}")  # no number of a process: two pods have the same
    try:
        part.write_bytes(content)
        flush(part)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    flush(file)


def flush(file: Path) -> None:
    """Wait until a file and its name are on disk: Delta itself never does."""
    for path in (file, file.parent):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def flush_all(folder: Path) -> None:
    """Wait until all that was written to the disk of a folder is there: one call, however many files there are."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "syncfs"):
        os.sync()
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        if libc.syncfs(handle):
            raise OSError(ctypes.get_errno(), f"{folder} could not be flushed")
    finally:
        os.close(handle)
