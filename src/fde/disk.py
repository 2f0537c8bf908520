"""Files that stay: once one of these returns, a power cut takes nothing of it away."""

import ctypes
import os
from pathlib import Path
from uuid import uuid4


def swap_in(file: Path, content: bytes) -> None:
    """Put a file in its place, whole or not at all; its folder is made. On disk before this returns."""
    if not file.parent.exists():
        file.parent.mkdir(exist_ok=True)
        _sync(file.parent.parent)
    part = file.with_name(f".{file.name}.{uuid4().hex}")  # no number of a process: two pods have the same
    try:
        part.write_bytes(content)
        _sync(part)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    _sync(file.parent)


def flush(file: Path) -> None:
    """Wait until a file and its name are on disk: Delta itself never does."""
    _sync(file)
    _sync(file.parent)


def _sync(path: Path) -> None:
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
