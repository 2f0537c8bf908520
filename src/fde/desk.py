"""A desk as a folder: made whole or not at all, set aside but never thrown away."""

import ctypes
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fde import lake
from fde.refused import Refused

RENAME_EXCHANGE = 2  # of renameat2(2) in Linux; RENAME_SWAP of renamex_np(2) in macOS has the same value
AT_FDCWD = -100


def make(world: Path, texts: Mapping[str, bytes]) -> None:
    """Make a world with a new desk: the files given by name, empty `files/`, and a lake without rows.

    A desk that exists is left as it is. Killed at any point, the next call makes it whole.
    """
    for folder in (world, world / "kept"):
        folder.mkdir(parents=True, exist_ok=True)
    if not (world / "desk").exists():
        _build(world, texts).rename(world / "desk")


def start_over(world: Path) -> Path:
    """Begin with an empty lake and empty `files/`; pipeline and notebooks stay as they are.

    The former desk is kept whole; its new place is returned. Raises Refused while a run is going on.
    """
    desk = world / "desk"
    with _nobody_runs(world):
        texts = {file.name: file.read_bytes() for file in desk.iterdir() if file.is_file()}
        fresh = _build(world, texts)
        for name in texts:
            shutil.copystat(desk / name, fresh / name)
        kept = fresh.rename(_next_place(world / "kept"))
        exchange(kept, desk)
    return kept


def exchange(one: Path, other: Path) -> None:
    """Let two folders swap names in one step: no moment without a desk."""
    libc = ctypes.CDLL(None, use_errno=True)
    names = (os.fsencode(one), os.fsencode(other))
    if hasattr(libc, "renameat2"):
        failed = libc.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE)
    else:
        failed = libc.renamex_np(*names, RENAME_EXCHANGE)
    if failed:
        raise OSError(ctypes.get_errno(), f"{one} and {other} could not swap names")


def _build(world: Path, texts: Mapping[str, bytes]) -> Path:
    """A complete desk under a temporary name; what a killed build left is removed."""
    for left in world.glob(".building-*"):
        shutil.rmtree(left)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=world))
    building.chmod(0o755)
    (building / "files").mkdir()
    lake.create(building / "lake")
    for name, text in texts.items():
        (building / name).write_bytes(text)
    return building


def _next_place(kept: Path) -> Path:
    taken = [int(place.name) for place in kept.iterdir() if place.name.isdigit()]
    return kept / str(max(taken, default=0) + 1)


@contextmanager
def _nobody_runs(world: Path) -> Iterator[None]:
    with (world / ".running").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("a run is going on at this desk. Try again when it has ended; nothing was changed.") from None
        yield
