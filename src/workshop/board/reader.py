"""Reads copies of worlds in one process of its own, which holds pandas and the lake.

A world that breaks it, or keeps it too long, costs only its own row: the process is replaced.
"""

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fde.clock import Clock
from fde.refused import Refused
from workshop import settings
from workshop.board.facts import Facts, Look, facts

SECONDS, START_SECONDS = 10.0, 60.0  # for one world; until the process has loaded its libraries
MOST = 20_000_000  # bytes of an answer


class Broken(Refused):
    """A world that the reader could not read, or not in time. It is not tried again soon."""


class Reader:
    """Asks one process, one world after the other. seconds: what one world may take."""

    def __init__(self, pack: Path, seconds: float = SECONDS) -> None:
        self.pack, self.seconds = pack, seconds
        self.steps: list[tuple[int, str]] = []  # of the lesson: (number, title), once the process has begun
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()

    async def facts(self, copy: Path, clock: Clock) -> Facts:
        """What a row needs of a world. Raises Refused with what is wrong there; Broken when it broke the process."""
        return facts(await self._ask({"what": "facts", "world": str(copy), "clock": asdict(clock)}))

    async def look(self, copy: Path, clock: Clock, word: str) -> Look:
        """A world at the receipt that a word means. Raises as `facts`, and for a word that means none."""
        answer = await self._ask({"what": "look", "world": str(copy), "clock": asdict(clock), "word": word})
        return Look(**answer)

    async def begin(self) -> None:
        """Start the process, unless it runs."""
        async with self._lock:
            await self._running()

    async def close(self) -> None:
        """End the process."""
        async with self._lock:
            await self._end()

    async def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        async with self._lock:
            fresh = self._process is None
            while True:
                try:
                    answer = await self._answered(asked)
                    break
                except TimeoutError:
                    await self._end()
                    raise Broken(f"the board could not read this lake within {self.seconds:g} s.") from None
                except (OSError, ValueError):
                    await self._end()
                    if fresh:
                        raise Broken(
                            "the board could not read this lake: it takes too much memory, or is damaged."
                        ) from None
                    fresh = True  # others were read in this process before: it may be their doing
        if refused := answer.get("refused"):
            raise Refused(refused)
        return answer

    async def _answered(self, asked: dict[str, Any]) -> dict[str, Any]:
        process = await self._running()
        assert process.stdin and process.stdout
        async with asyncio.timeout(self.seconds):
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            await process.stdin.drain()
            answer: dict[str, Any] = json.loads(await process.stdout.readline())
        return answer

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            # Without the board's own environment: it holds a token.
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "workshop.board.worker", str(self.pack), str(2 * self.seconds)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=MOST,
                env={"LANG": "C.UTF-8", "ARROW_DEFAULT_MEMORY_POOL": "system", **settings.of_the_image()},
            )
            assert self._process.stdout
            async with asyncio.timeout(START_SECONDS):
                self.steps = json.loads(await self._process.stdout.readline())["steps"]
        return self._process

    async def _end(self) -> None:
        if process := self._process:
            self._process = None
            if process.returncode is None:
                process.kill()
            await process.wait()
