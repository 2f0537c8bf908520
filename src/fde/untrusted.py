"""What somebody else may have put there: files that are read without trust, and texts made fit to be shown."""

import os
import stat
from pathlib import Path


def read_bytes(path: Path, most: int) -> bytes | None:
    """The content of a regular file of at most so many bytes. None for anything else; it never waits.

    No link is followed in the last part of the path: who owns the folders before it can lead them anywhere.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):  # of what is open: the name may mean something else by now
            return None
        with open(handle, "rb", closefd=False) as file:
            content = file.read(most + 1)
    except OSError:
        return None
    finally:
        os.close(handle)
    return content if len(content) <= most else None


def visible(text: str) -> str:
    """A text without what steers a terminal or turns its letters round; line ends and tabs stay, other blanks are one.

    What is left is no HTML yet: a page has to escape it.
    """
    return "".join(c if c.isprintable() or c in "\n\t" else " " if c.isspace() else "" for c in text)


def in_one_line(text: str) -> str:
    """A text with one blank between its words, and nothing that cannot be seen."""
    return " ".join(visible(text).split())
