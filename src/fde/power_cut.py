"""What a power cut may leave of a table's log, and how it heals.

Delta flushes nothing. An import flushes the file of the log before its own, and its own before it is reported. So what
is cut off was never reported: the newest file of the log; or a checkpoint, which only repeats what the log says.
"""

import fcntl
import io
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from fde.commits import log_file
from fde.disk import flush

KEPT_AS = ".cut-off"  # a name that Delta does not look at
WRITING_SECONDS = 1.0  # by then whoever is writing a file of the log has written it: they are small


def set_cut_off_aside(lake: Path, table: str, number: int) -> int:
    """Take the newest file of a log out of it when it ends too early. Returns the newest version that is whole."""
    while number > 0 and _ends_too_early(file := log_file(lake, table, number)):
        with suppress(OSError), (file.parent / ".healing").open("w") as lock:  # who may only read does without it
            fcntl.flock(lock, fcntl.LOCK_EX)
            time.sleep(WRITING_SECONDS)
            if _ends_too_early(file):  # still: nobody else has healed it, and imported again
                file.rename(file.with_suffix(KEPT_AS))
                flush(file.with_suffix(KEPT_AS))
        if file.exists() and not _ends_too_early(file):
            break
        number -= 1
    return number


def remove_cut_off_checkpoints(path: Path) -> bool:
    """Remove what speaks of checkpoints from a table that cannot be read. Returns whether there was something."""
    log = path / "_delta_log"
    pointer = log / "_last_checkpoint"
    found = pointer.exists()
    pointer.unlink(missing_ok=True)  # first: it must not name what is gone. Without it Delta looks for itself
    for file in log.glob("*.checkpoint.parquet"):
        if _is_cut_off(file):
            file.unlink(missing_ok=True)
            found = True
    return found


def _ends_too_early(file: Path) -> bool:
    """Whether an import's file of the log is empty, ends within a line, holds zeros, or has no last line, `txn`."""
    try:
        text = file.read_bytes()
    except OSError:
        return False  # it was set aside meanwhile, or is no file: who reads it is told
    if b"\0" in text:
        return True
    *whole, last = lines = text.rstrip(b"\n").split(b"\n")
    first = _object(lines[0])
    info = first.get("commitInfo")
    if first and not (isinstance(info, dict) and info.get("fde")):
        return False  # no import wrote it
    return all(map(_object, whole)) and "txn" not in _object(last)


def _object(text: bytes) -> dict[str, Any]:
    """The JSON object of a line; an empty one when it is none."""
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        return found if isinstance(found, dict) else {}
    return {}


def _is_cut_off(file: Path) -> bool:
    """Whether a parquet file is damaged; one that cannot be looked at now is not known to be."""
    with suppress(OSError):
        content = file.read_bytes()
        try:
            pq.read_table(io.BytesIO(content), partitioning=None)
        except MemoryError:
            return False
        except (pa.ArrowException, OSError):
            return True
    return False
