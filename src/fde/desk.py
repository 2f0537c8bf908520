"""A desk as a folder: made whole or not at all, set aside but never thrown away."""

import ctypes
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fde import lake
from fde.disk import flush, flush_all
from fde.refused import Refused

RENAME_EXCHANGE = 2  # of renameat2(2) in Linux; RENAME_SWAP of renamex_np(2) in macOS has the same value
AT_FDCWD = -100
FORMER = ".former"  # on a desk that was swapped in: where in kept/ the one before it is


def make(world: Path, texts: Mapping[str, bytes]) -> None:
    """Make a world with a new desk: the files given by name, empty `files/`, and a lake without rows.

    A desk that exists is left as it is. Killed at any point, the next call makes it whole.
    """
    for folder in (world, world / "kept"):
        folder.mkdir(parents=True, exist_ok=True)
    if not (world / "desk").exists():
        building = _build(world, texts)
        flush_all(world)
        building.rename(world / "desk")
        flush(world)


def start_over(world: Path) -> Path:
    """Begin with an empty lake and empty `files/`; all else on the desk stays as it is.

    The former desk is kept whole; its new place is returned. Raises Refused while a function runs.
    """
    return _swap(world, lambda: _build(world, {}))


def catch_up(world: Path, opening: Path) -> Path:
    """Begin with what another desk, an opening, has: its pipeline, lake and `files/`; all else stays as it is.

    The former desk is kept whole; its new place is returned. Raises Refused while a function runs.
    """
    return _swap(world, lambda: _copy(world, opening))


def undo(world: Path) -> Path:
    """Bring back the desk that the last swap set aside. The one it leaves is kept whole; its new place is returned.

    Raises Refused when nothing was swapped, or while a function runs.
    """
    desk = world / "desk"
    with nobody_runs(world):
        mark = (desk / FORMER).read_text("utf-8", "replace") if (desk / FORMER).is_file() else ""
        former = world / "kept" / mark
        if not mark.isdigit() or not former.is_dir():
            raise Refused("there is nothing to undo: no former desk belongs to this one. kept/ holds all that were.")
        flush_all(world)
        exchange(former, desk)
    return former


def _swap(world: Path, make_fresh: Callable[[], Path]) -> Path:
    """Put a fresh desk in the place of the present one, in one step. What the fresh one does not bring comes along."""
    desk = world / "desk"
    with nobody_runs(world):
        (world / "kept").mkdir(exist_ok=True)
        fresh = make_fresh()
        for thing in (thing for thing in desk.iterdir() if thing.name != FORMER):
            if (fresh / thing.name).exists():
                continue
            if thing.is_dir() and not thing.is_symlink():
                shutil.copytree(thing, fresh / thing.name, symlinks=True)
            else:
                shutil.copy2(thing, fresh / thing.name, follow_symlinks=False)
        place = _next_place(world / "kept")
        (fresh / FORMER).write_text(place.name, "utf-8")
        flush_all(world)
        kept = fresh.rename(place)
        exchange(kept, desk)
    return kept


def exchange(one: Path, other: Path) -> None:
    """Let two folders swap names in one step: no moment without a desk. On disk before this returns."""
    libc = ctypes.CDLL(None, use_errno=True)
    names = (os.fsencode(one), os.fsencode(other))
    if hasattr(libc, "renameat2"):
        failed = libc.renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE)
    else:
        failed = libc.renamex_np(*names, RENAME_EXCHANGE)
    if failed:
        raise OSError(ctypes.get_errno(), f"{one} and {other} could not swap names")
    flush(one)
    flush(other)


def _build(world: Path, texts: Mapping[str, bytes]) -> Path:
    """A complete desk under a temporary name."""
    building = _place(world)
    (building / "files").mkdir()
    lake.create(building / "lake")
    for name, text in texts.items():
        (building / name).write_bytes(text)
    return building


def _copy(world: Path, opening: Path) -> Path:
    """A copy of an opening under a temporary name."""
    return Path(shutil.copytree(opening, _place(world), dirs_exist_ok=True, copy_function=shutil.copyfile))


def _place(world: Path) -> Path:
    """A new folder under a temporary name; what a killed build left is removed."""
    for left in world.glob(".building-*"):
        shutil.rmtree(left)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=world))
    building.chmod(0o755)
    return building


def _next_place(kept: Path) -> Path:
    taken = [int(place.name) for place in kept.iterdir() if place.name.isdigit()]
    return kept / str(max(taken, default=0) + 1)


@contextmanager
def nobody_runs(world: Path) -> Iterator[None]:
    """Held while a desk is swapped or copied. Raises Refused when a run is going on."""
    with (world / ".running").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused("a run is going on at this desk. Try again when it has ended; nothing was changed.") from None
        yield
