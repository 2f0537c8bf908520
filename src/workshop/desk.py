"""Gives a notebook, a terminal or a task its world and clock; makes worlds."""

import json
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import fde.__main__
import fde.desk
from fde.pack import Pack
from fde.refused import Refused
from fde.world import World
from workshop import clock, settings

KERNEL = {  # what the kernel will say of itself: a notebook that says less counts as changed as soon as it is opened
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": platform.python_version(),
    },
}


def open(attendee: str | None = None) -> World:  # noqa: A001 - desk.open reads as what it does
    """The world of an attendee; without a name, of whoever's notebook or terminal this is."""
    path = settings.world(attendee)
    if not (path / "desk").is_dir():
        raise Refused(
            f"{path}: no desk here. Is {path.name} in room.yaml? scripts/up makes the worlds of all attendees."
        )
    _tell_refusals_plainly()
    return World(path, Pack(settings.pack()), lambda: clock.read(path.name))


def make(attendee: str) -> Path:
    """Make an attendee's world and own clock when they are missing; what exists is left as it is. Returns its path."""
    path = settings.world(attendee)
    clock.folder(attendee).mkdir(parents=True, exist_ok=True)
    if not (path / "desk").is_dir():
        fde.desk.make(path, _texts())
    return path


@contextmanager
def plainly() -> Iterator[None]:
    """In a notebook: `with desk.plainly():` tells a refusal as an answer, in one line, and the notebook goes on."""
    try:
        yield
    except Refused as answer:
        print(answer)


def fde_command() -> int:
    """The command `fde`: works on the world of this terminal. Returns the exit code."""
    from workshop.openings import opening

    return fde.__main__.main(sys.argv[1:], open, opening)


def _texts() -> dict[str, bytes]:
    import jupytext  # a third of a second that only the maker of a desk pays, not every task and terminal

    root = settings.root()
    texts = {"pipeline.py": (root / "solutions" / "mutable.py").read_bytes()}
    for source in sorted((root / "notebooks").glob("*.py")):
        notebook = jupytext.read(source)
        notebook.metadata |= KERNEL
        for number, cell in enumerate(notebook.cells):
            cell["id"] = f"{source.stem}-{number}"
        texts[f"{source.stem}.ipynb"] = json.dumps(notebook, indent=1, ensure_ascii=False).encode()
    return texts


def _tell_refusals_plainly() -> None:
    """In a notebook a refusal is a message, not a stack trace."""
    if "IPython" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    def tell(shell: Any, kind: type, error: Exception, trace: TracebackType, tb_offset: int | None = None) -> None:
        shell._showtraceback(kind, "", [f"{error}"])

    if shell := get_ipython():
        shell.set_custom_exc((Refused,), tell)  # type: ignore[no-untyped-call]
