"""A private copy of what the board reads of a world, made without trusting anything that lies there.

Attendees' code can put there what it likes, and change it meanwhile: links to other worlds or to the board's own files,
pipes that never answer, files of a terabyte. So only plain files of known names are read, and only so many of them.
"""

import os
import re
import shutil
from pathlib import Path

from fde.refused import Refused
from workshop.board.plain_files import Gone, Stamp, Tree, plain_file, stamp, walk

#: what the board reads of one world, at most
FILES, FILE_BYTES, BYTES = 3000, 20_000_000, 60_000_000
TRIES = 3  # to copy a world that changes meanwhile
SOURCES = ("users", "orders", "tax_rates")  # fde.schemas says so, too, but would load pyarrow
TABLES = (*SOURCES, "sales", *(f"refused_{source}" for source in SOURCES))
#: A few looks at these tell whether anything has changed: each import adds a file to the log.
MARKS = ["desk", "desk/pipeline.py", "desk/files/sales.csv", ".help.json", ".verdict"]
MARKS += [f"desk/lake/{table}/_delta_log" for table in TABLES]
TABLE, DAY = re.compile("|".join(TABLES)), re.compile(r"import_date=\d{4}-\d{2}-\d{2}", re.ASCII)
ROWS = re.compile(r"\w[\w.-]*\.parquet", re.ASCII)
SHA256 = r"[0-9a-f]{64}"
#: What is copied. Rows are there before the log names them, so the log is copied before the rows. No checkpoints of
#: Delta: the log is whole without them, and what it says can be looked through line by line.
IN_TABLE: Tree = {"_delta_log": {re.compile(r"\d{20}\.json", re.ASCII): None}, DAY: {ROWS: None}}
IN_LAKE: Tree = {TABLE: IN_TABLE, "code": {re.compile(rf"{SHA256}\.py"): None}}
WANTED: Tree = {
    "desk": {"pipeline.py": None, "files": {"sales.csv": None}, "lake": IN_LAKE},
    ".verdict": {re.compile(rf"{SHA256}\.json|green\.py"): None},
    ".help.json": None,
}


class Changing(Refused):
    """The world changed while it was copied: look again in a moment."""


def mark(world: Path) -> tuple[Stamp | None, ...]:
    """What is another as soon as something in a world has changed that the board reads. Opens and reads nothing."""
    return tuple(_stamp_of(f"{world}/{name}") for name in MARKS)


class Snapshot:
    """The copy of a world, in a folder of the board's own. What lies there from a former time is thrown away."""

    def __init__(self, world: Path, copy: Path) -> None:
        self.world, self.copy = world, copy
        self._copied: dict[str, Stamp] = {}  # path in the world -> the file it was
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir(parents=True, mode=0o700)

    def bring_up_to_date(self) -> bool:
        """Copy what is new or has changed, remove what is gone. Returns whether there was anything to do.

        Raises: Refused with a line for the row: what the board does not read, or is more than it reads; Changing when
        the world never stood still. Then the copy is not to be read.
        """
        before = dict(self._copied)
        for _ in range(TRIES):
            try:
                there = self._bring_all()
                break
            except Gone:  # a desk was swapped, or a file replaced: look once more
                continue
            except OSError as error:
                raise Refused(f"the board could not copy this world: {error.strerror}.") from None
        else:
            raise Changing("in the middle of an import, or without a desk. The board looks again in a moment.")
        for path in self._copied.keys() - there:
            self._remove(path)
        return before != self._copied

    def _bring_all(self) -> set[str]:
        there, size = set[str](), 0
        for path, folder, name in walk(self.world, WANTED):
            try:
                about = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                continue
            size += about.st_size
            if about.st_size > FILE_BYTES:
                told = f"{about.st_size / 1e6:,.0f} MB of {FILE_BYTES / 1e6:.0f}"
                raise Refused(f"{path} is too large for the board: {told} that it reads of a file.")
            if len(there) >= FILES or size > BYTES:
                told = f"{FILES:,} files, {BYTES / 1e6:.0f} MB"
                raise Refused(f"the lake is too large for the board: it reads {told} in all.")
            if self._copied.get(path) != stamp(about):
                self._bring(path, folder, name)
            there.add(path)
        return there

    def _bring(self, path: str, folder: int, name: str) -> None:
        target = self.copy / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with plain_file(path, folder, name) as (source, about), target.open("wb") as out:
            self._copied[path] = (0, 0, 0)  # of an unknown content until it is whole
            left = min(about.st_size, FILE_BYTES)  # it may have grown since
            while left and (piece := source.read(min(left, 1 << 20))):
                left -= out.write(piece)
            if stamp(os.fstat(source.fileno())) != stamp(about):
                raise Gone(path)
        os.utime(target, ns=(about.st_mtime_ns, about.st_mtime_ns))  # when help was asked for
        self._copied[path] = stamp(about)

    def _remove(self, path: str) -> None:
        del self._copied[path]
        file = self.copy / path
        file.unlink(missing_ok=True)
        for folder in file.relative_to(self.copy).parents[:-1]:
            if any((self.copy / folder).iterdir()):
                break
            (self.copy / folder).rmdir()


def _stamp_of(path: str) -> Stamp | None:
    try:
        return stamp(os.stat(path, follow_symlinks=False))  # noqa: PTH116 - ten a world, every two seconds
    except OSError:
        return None
