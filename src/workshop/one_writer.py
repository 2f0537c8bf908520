"""Lets requests that change something into Airflow's api-server one at a time, where its database is SQLite.

SQLite has one writer. Airflow waits for it inside its event loop, where the request that holds it would have to end:
both stand still until SQLite gives up after 5 s, and one fails. Seen with five people who trigger at once.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

PATIENCE_SECONDS = 10  # somebody who sends a request byte by byte must not keep the others out


class OneWriter:
    """ASGI middleware."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.turn = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        mine = False
        with suppress(TimeoutError):
            mine = await asyncio.wait_for(self.turn.acquire(), PATIENCE_SECONDS)
        try:
            await self.app(scope, receive, send)
        finally:
            if mine:
                self.turn.release()
