"""What a power cut may leave of a table's log, and how it heals.

Delta flushes nothing, and an import is reported once we did. So what is cut off was never reported: the newest file of
the log; or a checkpoint, which only repeats what the log says.
"""

import json
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fde.commits import log_file
from fde.disk import flush

KEPT_AS = ".cut-off"  # a name that Delta does not look at


def set_cut_off_aside(lake: Path, table: str, number: int) -> int:
    """Take the newest file of a log out of it when it ends too early. Returns the newest version that is whole."""
    while number > 0 and _ends_too_early(log_file(lake, table, number)):
        file = log_file(lake, table, number)
        with suppress(OSError):  # who may only read does without it
            file.rename(file.with_suffix(KEPT_AS))
            flush(file.parent)
        number -= 1
    return number


def remove_cut_off_checkpoints(path: Path) -> bool:
    """Remove the checkpoints of a table that cannot be read. Returns whether there was one."""
    log = path / "_delta_log"
    cut_off = [file for file in log.glob("*.checkpoint.parquet") if not _is_parquet(file)]
    pointer = log / "_last_checkpoint"
    if cut_off or (pointer.exists() and not _is_json(pointer.read_bytes())):
        cut_off.append(pointer)
    for file in cut_off:
        file.unlink(missing_ok=True)
    return bool(cut_off)


def _ends_too_early(file: Path) -> bool:
    """Whether an import's file of the log is empty, ends within a line or in zeros, or without its last line, `txn`."""
    *whole, last = lines = file.read_bytes().rstrip(b"\0\n").split(b"\n")
    if _is_json(lines[0]) and b'"fde"' not in lines[0]:
        return False  # no import wrote it
    return all(_is_json(line) for line in whole) and not (_is_json(last) and last.startswith(b'{"txn"'))


def _is_json(text: bytes) -> bool:
    with suppress(ValueError):
        return isinstance(json.loads(text), dict)
    return False


def _is_parquet(file: Path) -> bool:
    with suppress(OSError, pa.ArrowException):
        pq.read_table(file, partitioning=None)
        return True
    return False
