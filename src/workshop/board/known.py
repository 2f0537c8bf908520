"""What the board knows about one world. It is copied and read only when something has changed."""

import asyncio
import logging
import time
from dataclasses import replace
from pathlib import Path

from fde.clock import Clock
from fde.refused import Refused
from workshop.board.facts import Facts, Look
from workshop.board.reader import Broken, Reader
from workshop.board.snapshot import Changing, Snapshot, mark

BROKEN_SECONDS = 60.0  # until a world that broke the reader, or kept it too long, is read again
WHOLE_SECONDS = 60.0  # from one look at every file of a world to the next: a mark tells what imports and people do
log = logging.getLogger(__name__)


class Known:
    """One world. facts: what was found out; a line when the world cannot be read, None before the first look."""

    def __init__(self, world: Path, copy: Path, reader: Reader) -> None:
        self.facts: Facts | str | None = None
        self._snapshot, self._reader = Snapshot(world, copy), reader
        self._mark: object = None
        self._clock: Clock | None = None
        self._not_before = self._looked = 0.0  # by time.monotonic()
        self._lock = asyncio.Lock()

    def is_stale(self, clock: Clock) -> bool:
        """Whether to look again: something in the world has changed, or the clock has and counts; or to be sure."""
        now = time.monotonic()
        if now < self._not_before:
            return False
        return now - self._looked > WHOLE_SECONDS or mark(self._snapshot.world) != self._mark or self._ran_on(clock)

    async def look(self, clock: Clock) -> None:
        """Bring the copy up to date, and read it."""
        async with self._lock:
            now = mark(self._snapshot.world)  # before the copy: what changes meanwhile is seen the next time
            self._looked = time.monotonic()
            try:
                changed = await asyncio.to_thread(self._snapshot.bring_up_to_date)
                if not changed and isinstance(self.facts, Facts) and not self._ran_on(clock):
                    self._mark = now
                    return
                self.facts = await self._reader.facts(self._snapshot.copy, _of_rows(clock))
            except Changing as changing:
                if not isinstance(self.facts, Facts):
                    self.facts = str(changing)
                return
            except Broken as broken:
                self._put_off(str(broken))
                return
            except Refused as refused:
                self.facts = str(refused)
            except Exception as error:  # whatever it is, it is this world's row that it costs
                log.exception("a look at %s", self._snapshot.world)
                self._put_off(f"the board's own mistake: {type(error).__name__}. Its log says more.")
                return
            self._mark, self._clock = now, _of_rows(clock)

    def _put_off(self, why: str) -> None:
        self.facts, self._not_before = why, time.monotonic() + BROKEN_SECONDS

    def _ran_on(self, clock: Clock) -> bool:
        """Whether the facts are of another clock, and would be others by this one."""
        now, then = _of_rows(clock), self._clock
        if then is None or not isinstance(self.facts, Facts) or self.facts.by_clock:
            return now != then
        return now.incidents != then.incidents

    async def at(self, clock: Clock, word: str) -> Look:
        """The world at a receipt, from the copy. Raises Refused."""
        async with self._lock:
            await asyncio.to_thread(self._snapshot.bring_up_to_date)
            return await self._reader.look(self._snapshot.copy, clock, word)


def _of_rows(clock: Clock) -> Clock:
    """The clock without what changes no row's facts."""
    return replace(clock, hold="", message="")
