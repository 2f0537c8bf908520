"""Watches the room: turn by turn it looks at clocks, runs and worlds, and has a row for each attendee."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from fde.clock import Clock, settle
from fde.refused import Refused
from workshop import clock
from workshop.board.airflow import CHECKS
from workshop.board.facts import Facts, Look
from workshop.board.judged import by_need, judged, unchecked
from workshop.board.known import Known
from workshop.board.news import News
from workshop.board.observed import Observed
from workshop.board.reader import Reader
from workshop.board.row import Incident, Row
from workshop.board.runs import Runs

LONGEST_WORD = 40

Clocks = Mapping[str | None, Mapping[str, str]]
log = logging.getLogger(__name__)


class SeesClocks(Protocol):
    """Who writes down what others changed."""

    def seen(self, clocks: Clocks) -> None: ...


class Watch(News):
    """The news of the room, and what makes them. seconds: the last turn took.

    Arguments: names, the attendees; worlds, the folder of all worlds, which is only read; place, a folder of the
    board's own; pack, the folder of the story; runs; audit, hears the clocks of each turn.
    """

    def __init__(
        self,
        names: Sequence[str],
        worlds: Path,
        place: Path,
        pack: Path,
        runs: Runs | None = None,
        audit: SeesClocks | None = None,
    ) -> None:
        super().__init__()
        self.seconds = 0.0
        self.runs, self._audit, self._reader = runs, audit, Reader(pack)
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._known = {name: Known(worlds / name, place / "copies" / name, self._reader) for name in names}
        self._observed = Observed(place / "incidents.json")

    @property
    def steps(self) -> list[tuple[int, str]]:
        """The steps of the lesson: number and title. Empty before the first turn."""
        return self._reader.steps

    async def run(self) -> None:
        """Turn after turn, until cancelled."""
        try:
            while True:
                try:
                    await self.turn()
                except Exception as error:  # one turn that goes wrong is told, and the next one may go well
                    log.exception("a turn of the board")
                    await self.tell(
                        self.rows, self.room, self.airflow, f"the board's own mistake: {type(error).__name__}: {error}"
                    )
                await self.pause(busy=bool(self.runs and self.runs.busy))
        finally:
            await self._reader.close()

    async def turn(self) -> None:
        """Look at everything once."""
        began = time.monotonic()
        try:
            clocks = await asyncio.to_thread(clock.all_keys)
            room = settle(clocks.get(None, {}), {})
        except Refused as refused:
            await self.tell(self.rows, self.room, self.airflow, str(refused))
            return
        if self._audit:
            await asyncio.to_thread(self._audit.seen, clocks)
        await self._reader.begin()
        if self.runs:  # before the worlds: when a check has ended, its verdict is there
            await asyncio.to_thread(self.runs.refresh)
        own = {name: _clock_of(name, clocks) for name in self._known}
        told = time.monotonic()
        for name, known in self._known.items():
            theirs = own[name]
            if isinstance(theirs, Clock) and known.is_stale(theirs):
                await known.look(theirs)
                if time.monotonic() - told > 1:
                    await self.tell(self._judged(own), room, self.runs.trouble if self.runs else "")
                    told = time.monotonic()
        await self.tell(self._judged(own), room, self.runs.trouble if self.runs else "")
        self._observed.keep()
        if self.runs:
            await asyncio.to_thread(self.runs.check, {row.attendee: row.code for row in self.rows if unchecked(row)})
        self.seconds = time.monotonic() - began

    async def look(self, attendee: str, word: str) -> Look:
        """A world as it is in the board's copy; never the live files.

        Arguments: attendee, one of the roster; word: "" for what is deployed, or the name of a receipt
        (`2022-01-03@v5`), a version (`v3`), a day. Raises Refused for any other name or word.
        """
        if attendee not in self._known:
            raise Refused("nobody of that name takes part. Who does stands on the board.")
        if len(word) > LONGEST_WORD or not word.isascii():
            raise Refused("this is no receipt. Its name stands under the dashboard, like 2022-01-03@v5.")
        clocks = await asyncio.to_thread(clock.all_keys)
        theirs = _clock_of(attendee, clocks)
        if isinstance(theirs, str):
            raise Refused(theirs)
        return await self._known[attendee].at(theirs, word)

    def _judged(self, own: Mapping[str, Clock | str]) -> list[Row]:
        rows, now, steps = [], time.time(), [number for number, _ in self.steps]
        for name, known in self._known.items():
            theirs, facts = own[name], known.facts
            incidents: tuple[Incident, ...] = ()
            if isinstance(theirs, Clock) and isinstance(facts, Facts):
                incidents = self._observed.see(name, theirs, facts.imports, now)
            told = self.runs
            runs = (told.imported(name), told.ended(name, CHECKS), told.running(name)) if told else ()
            rows.append(judged(name, steps, theirs, facts, incidents, *runs))
        return sorted(rows, key=by_need)


def _clock_of(name: str, clocks: Clocks) -> Clock | str:
    """An attendee's clock, or why it cannot be read."""
    try:
        return settle(clocks.get(None, {}), clocks.get(name, {}), name)
    except Refused as refused:
        return f"{clock.name_of(name)}: {refused}"
