"""Finds plain files of known names in a folder that nobody may trust: opens folder by folder, follows no link."""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fde.refused import Refused

#: names, or patterns that a whole name matches -> what is wanted in that folder; None for a file
Tree = Mapping[str | re.Pattern[str], "Tree | None"]
Stamp = tuple[int, int, int]
MOST = 3000  # things in one folder that are looked at
ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class Gone(Exception):  # noqa: N818 - reads as what it means
    """Something is not there any more that was there a moment ago."""


def stamp(about: os.stat_result) -> Stamp:
    """What tells a file from another one, and from itself with another content: inode, size, time of change."""
    return about.st_ino, about.st_size, about.st_mtime_ns


def walk(top: Path, wanted: Tree) -> Iterator[tuple[str, int, str]]:
    """The files that match, in the order of `wanted`: path below `top`, the open folder it lies in, its name there.

    Each folder is opened once: a desk that is swapped meanwhile is read to its end, wherever it is by then. A file that
    is wanted by its name may not be there.
    Raises: Refused for a folder that is a link or none, or has too many things in it; Gone.
    """
    folder = _open(str(top), None, top.name)
    try:
        yield from _below(folder, "", wanted)
    finally:
        os.close(folder)


@contextmanager
def plain_file(path: str, folder: int, name: str) -> Iterator[tuple[BinaryIO, os.stat_result]]:
    """A file, open for reading, and what is known about it.

    Raises: Refused when it is a link, a pipe or the like; Gone.
    """
    try:
        handle = os.open(name, ONLY | os.O_NONBLOCK, dir_fd=folder)  # whoever opens a pipe would wait for its writer
    except FileNotFoundError:
        raise Gone(path) from None
    except OSError as error:
        raise Refused(f"{path} is a link, or cannot be read ({error.strerror}). Put a plain file there.") from None
    about = os.fstat(handle)
    if not stat.S_ISREG(about.st_mode):
        os.close(handle)
        raise Refused(f"{path} is no plain file. Put one there.")
    with os.fdopen(handle, "rb") as file:
        yield file, about


def _below(folder: int, path: str, wanted: Tree) -> Iterator[tuple[str, int, str]]:
    for step, inside in wanted.items():
        for name in [step] if isinstance(step, str) else _names(folder, path, step):
            if inside is None:
                yield path + name, folder, name
                continue
            try:
                handle = _open(name, folder, path + name)
            except Gone:
                if isinstance(step, str):
                    continue
                raise  # it was there a moment ago
            try:
                yield from _below(handle, f"{path}{name}/", inside)
            finally:
                os.close(handle)


def _names(folder: int, path: str, pattern: re.Pattern[str]) -> list[str]:
    names: list[str] = []
    with os.scandir(folder) as things:
        for number, thing in enumerate(things):
            if number >= MOST:
                raise Refused(f"{path.rstrip('/')} holds too much for the board: more than {MOST:,} things.")
            if pattern.fullmatch(thing.name):
                names.append(thing.name)
    return sorted(names)


def _open(name: str, folder: int | None, path: str) -> int:
    try:
        return os.open(name, ONLY | os.O_DIRECTORY, dir_fd=folder)
    except FileNotFoundError:
        raise Gone(path) from None
    except OSError as error:
        raise Refused(f"{path} is a link or no folder ({error.strerror}). Put a plain folder there.") from None
