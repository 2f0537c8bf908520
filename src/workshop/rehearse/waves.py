"""Waves of attendees: all of one come within seconds, and the machine is looked at meanwhile."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import psutil

from fde.refused import Refused
from workshop.rehearse.attendee import Attendee, names_of
from workshop.rehearse.record import Sample, Wave
from workshop.rehearse.rooms import Room

ARRIVAL_SECONDS = 10


async def run(room: Room, people: int, light: bool, say: Callable[[str], None]) -> Wave:
    """Let so many attendees come within ARRIVAL_SECONDS, work through the lesson without a pause, and go."""
    wave, told = Wave(people), Counter[str]()

    def reached(step: str) -> None:
        told[step] += 1
        if told[step] + len(wave.failures) == people:
            say(f"{people} people: {step}, by {told[step]}")

    passwords = await asyncio.to_thread(room.passwords)
    attendees = [Attendee(room.url, names_of(people), number, wave, reached) for number in range(1, people + 1)]

    async def come(one: Attendee) -> None:
        await asyncio.sleep(ARRIVAL_SECONDS * (one.number - 1) / people)
        if failure := await one.take_part(passwords[one.name], light):
            wave.failures.append(failure)
            say(f"{failure.attendee} failed in {failure.step}, {failure.at}: {failure.why.splitlines()[0]}")

    async with watched(room, wave):
        await asyncio.gather(*map(come, attendees))
    await asyncio.gather(*(one.go() for one in attendees))
    return wave


@asynccontextmanager
async def watched(room: Room, wave: Wave) -> AsyncIterator[None]:
    """Meanwhile look at memory and processors, again and again."""

    async def look() -> None:
        memory, seconds = await asyncio.to_thread(room.use)
        taken = seconds + time.process_time()
        wave.samples.append(Sample(time.monotonic(), memory, psutil.cpu_percent(), taken))

    async def look_on() -> None:
        while True:
            await asyncio.sleep(room.pause)
            with suppress(Refused):  # a cluster may be too busy to tell
                await look()

    psutil.cpu_percent()  # from now on
    await look()
    looking = asyncio.create_task(look_on())
    try:
        yield
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
