"""Starts the board: `python -m workshop.board`."""

import asyncio
import sys
from contextlib import suppress

import uvicorn

from fde.incidents import INCIDENTS
from fde.pack import Pack
from fde.refused import Refused
from workshop import clock, settings
from workshop.board import as_instructor
from workshop.board.airflow import Airflow
from workshop.board.app import app
from workshop.board.audit import Audit
from workshop.board.pace import Pace
from workshop.board.runs import Runs
from workshop.board.watch import Watch
from workshop.oauth import SignIn


async def serve() -> None:
    """Watch the room and answer people, until told to stop."""
    names, service, home = settings.roster(), settings.hub_service(), settings.home()
    place = home / "board"  # nobody else's
    audit, runs = Audit(place), Runs(Airflow(settings.airflow_url(), service.secret), names)
    watch = Watch(names, home / "worlds", place, settings.pack(), runs, audit)
    incidents = {name: kind.words for name, kind in INCIDENTS.items()}
    pace = Pace(audit, names, Pack(settings.pack()).days, as_instructor.trigger, incidents)
    sign_in = SignIn(service, f"{service.prefix}oauth_callback", settings.url())
    board = app(watch, pace, audit, clock.keys, names, incidents, sign_in)
    host, port = settings.board_address()
    # Pages that listen for news would keep it from ending. A proxy keeps connections, and must not meet their end.
    config = uvicorn.Config(
        board,
        host,
        port,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=120,
        log_level="warning",
        server_header=False,
        lifespan="off",
    )
    watching = asyncio.create_task(watch.run())
    await uvicorn.Server(config).serve()
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching


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
