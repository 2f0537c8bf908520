"""What the board has to tell, and who waits for it."""

import asyncio
from contextlib import suppress

from fde.clock import Clock
from workshop.board.row import Row

TURN_SECONDS, IDLE_SECONDS = 2.0, 10.0  # from turn to turn: while somebody looks or something runs, and otherwise


class News:
    """rows: who needs help first; version: grows whenever anything here changes; room: the room's own clock, None
    while nobody could read it.

    airflow, trouble: why Airflow does not answer, and why the room cannot be watched at all; "" when all is well. What
    cannot be known then stays as it was.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.room: Clock | None = None
        self.version, self.airflow, self.trouble = 0, "", ""
        self._news, self._looked, self._lookers = asyncio.Condition(), asyncio.Event(), 0

    async def changed(self, since: int) -> int:
        """Wait until `version` is greater than `since`; returns it. While somebody waits, turns come quickly."""
        self._lookers += 1
        self._looked.set()
        try:
            async with self._news:
                await self._news.wait_for(lambda: self.version > since)
            return self.version
        finally:
            self._lookers -= 1

    async def tell(self, rows: list[Row], room: Clock | None, airflow: str, trouble: str = "") -> None:
        """Make something known. Only when it is news, `version` grows."""
        if (rows, room, airflow, trouble) == (self.rows, self.room, self.airflow, self.trouble):
            return
        async with self._news:
            self.rows, self.room, self.airflow, self.trouble = rows, room, airflow, trouble
            self.version += 1
            self._news.notify_all()

    async def pause(self, busy: bool) -> None:
        """Wait for the next turn: not long while something runs, or somebody looks."""
        await asyncio.sleep(TURN_SECONDS)
        if self._lookers or busy:
            return
        self._looked.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_SECONDS - TURN_SECONDS):
                await self._looked.wait()
