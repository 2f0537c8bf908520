"""Finds plain files of known names in a folder that nobody may trust: opens folder by folder, follows no link."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fde.refused import Refused

Step = str | re.Pattern[str]
Stamp = tuple[int, int, int]
MOST = 3000  # things in one folder that are looked at
ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def stamp(about: os.stat_result) -> Stamp:
    """What tells a file from another one, and from itself with another content: inode, size, time of change."""
    return about.st_ino, about.st_size, about.st_mtime_ns


def walk(top: Path, wanted: Sequence[Sequence[Step]]) -> Iterator[tuple[str, int, str]]:
    """The files that match: each as its path below `top`, the open folder that it lies in, and its name there.

    Arguments: wanted, in order, each the names from `top` on: a name, or a pattern that the whole name matches.
    Raises: Refused for a folder that is a link or none, or has too many things in it.
    """
    with _opened(str(top), None, top.name) as folder:
        for steps in wanted:
            yield from _below(folder, "", steps)


@contextmanager
def plain_file(path: str, folder: int, name: str) -> Iterator[tuple[BinaryIO, os.stat_result]]:
    """A file, open for reading, and what is known about it. Raises Refused when it is a link, a pipe or the like."""
    try:
        handle = os.open(name, ONLY | os.O_NONBLOCK, dir_fd=folder)  # whoever opens a pipe would wait for its writer
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Refused(f"{path} is a link, or cannot be read ({error.strerror}). Put a plain file there.") from None
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            raise Refused(f"{path} is no plain file. Put one there.")
        yield file, about


def _below(folder: int, path: str, steps: Sequence[Step]) -> Iterator[tuple[str, int, str]]:
    step, *rest = steps
    for name in [step] if isinstance(step, str) else _names(folder, path, step):
        try:
            if not rest:
                os.stat(name, dir_fd=folder, follow_symlinks=False)
                yield path + name, folder, name
                continue
            with _opened(name, folder, path + name) as inner:
                yield from _below(inner, f"{path}{name}/", rest)
        except FileNotFoundError:
            if not isinstance(step, str):  # it was there a moment ago
                raise


def _names(folder: int, path: str, pattern: re.Pattern[str]) -> list[str]:
    names: list[str] = []
    with os.scandir(folder) as things:
        for number, thing in enumerate(things):
            if number >= MOST:
                raise Refused(f"{path.rstrip('/')} holds too much for the board: more than {MOST:,} things.")
            if pattern.fullmatch(thing.name):
                names.append(thing.name)
    return sorted(names)


@contextmanager
def _opened(name: str, folder: int | None, path: str) -> Iterator[int]:
    try:
        handle = os.open(name, ONLY | os.O_DIRECTORY, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Refused(f"{path} is a link or no folder ({error.strerror}). Put a plain folder there.") from None
    try:
        yield handle
    finally:
        os.close(handle)
