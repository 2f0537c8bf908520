"""A board without pages: watches worlds in a temporary folder, turn by turn, while the test is clock and attendees."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import fde.check
from fde import verdicts
from fde.pack import Pack
from fde.world import World
from tests.conftest import SHOP
from workshop import clock
from workshop.board.facts import Look
from workshop.board.row import Row
from workshop.board.runs import Runs
from workshop.board.watch import Watch


class Board(AbstractContextManager["Board"]):
    """A watch in a loop of its own. FDE_HOME must be the test's."""

    def __init__(self, worlds: Path, names: Sequence[str], runs: Runs | None = None, audit: Any = None) -> None:
        self.place = worlds / "board"
        self._loop = asyncio.new_event_loop()
        clock.set_days(Pack(SHOP).days)
        self.watch = Watch(names, worlds, self.place, SHOP, runs, audit)
        self.watch._reader.seconds = 60  # a busy machine is no finding

    def turn(self) -> dict[str, Row]:
        """One turn; the rows by attendee."""
        self._loop.run_until_complete(self.watch.turn())
        return {row.attendee: row for row in self.watch.rows}

    def look(self, attendee: str, word: str = "") -> Look:
        return self._loop.run_until_complete(self.watch.look(attendee, word))

    def do(self, what: Any) -> Any:
        """Run something of the board to its end."""
        return self._loop.run_until_complete(what)

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self.watch._reader.close())
        self._loop.close()


def check(world: World) -> None:
    """What the DAG `check` does."""
    code = verdicts.pipeline(world.path)
    verdicts.keep(world.path, fde.check.check(world), code)


def cells(row: Row) -> list[str]:
    return [cell.state for cell in row.cells]
