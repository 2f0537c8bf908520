"""Starts the board: `python -m workshop.board`."""

import asyncio
import sys

import uvicorn

from fde.refused import Refused
from workshop import clock, settings
from workshop.board import as_instructor
from workshop.board.app import app
from workshop.board.audit import Audit
from workshop.board.pace import Pace
from workshop.board.watch import Watch
from workshop.oauth import SignIn


async def serve() -> None:
    """Watch the room and answer people, until told to stop."""
    names, service = settings.roster(), settings.hub_service()
    audit = Audit(settings.home() / "board")
    watch = Watch()
    pace = Pace(audit, names, clock.keys()["days"].split(), as_instructor.trigger)
    sign_in = SignIn(service, f"{service.prefix}oauth_callback", settings.url())
    host, port = settings.board_address()
    board = app(watch, pace, audit, clock.keys, names, sign_in)
    # Pages that listen for news would keep it from ending.
    config = uvicorn.Config(board, host, port, timeout_graceful_shutdown=1, log_level="warning", server_header=False)
    watching = asyncio.create_task(watch.run())
    await uvicorn.Server(config).serve()
    watching.cancel()


def main() -> int:
    """Run the board. Returns the exit code."""
    try:
        asyncio.run(serve())
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
