"""Whatever lies there: a small regular file is read, anything else is nothing, and nobody waits."""

import gc
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from fde.untrusted import read_bytes, visible


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 2**40)


def opened() -> list[str]:
    gc.collect()  # what tests before left open is closed now, and not in between
    return sorted(handle.name for handle in Path("/proc/self/fd").iterdir())


#: what lies there -> how it is made
HOSTILE: dict[str, Callable[[Path], object]] = {
    "nothing": lambda path: None,
    "a link to a small file": lambda path: (path.with_name("small").touch(), path.symlink_to("small")),
    "a link to itself": lambda path: path.symlink_to(path),
    "a pipe that nobody writes to": os.mkfifo,
    "a folder": Path.mkdir,
    "a socket": listen,
    "a file that is too large": lambda path: path.write_bytes(bytes(101)),
    "a terabyte": sparse,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_small_file_is_nothing_and_takes_no_time(what: str, tmp_path: Path) -> None:
    HOSTILE[what](tmp_path / "it")
    before = opened()
    assert read_bytes(tmp_path / "it", 100) is None
    assert opened() == before, "nothing stays open"


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "it/it"])
def test_what_is_no_name_of_a_file_is_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / "it").touch()
    assert read_bytes(tmp_path / name, 100) is None


def test_a_small_file_is_read_whole(tmp_path: Path) -> None:
    for size in (0, 1, 100):
        (tmp_path / "it").write_bytes(os.urandom(size))
        assert read_bytes(tmp_path / "it", 100) == (tmp_path / "it").read_bytes()


def test_a_visible_text_steers_nothing() -> None:
    assert visible("\x1b[31mred\x1b[0m\x07 \u202eright to left\u202c \ud800half") == "[31mred[0m right to left half"
    assert visible("one\r\n\ttwo\u00a0three\u2028four") == "one \n\ttwo three four"
    assert visible("Größe, 売上, naïve, 🙂 <b>") == "Größe, 売上, naïve, 🙂 <b>"
