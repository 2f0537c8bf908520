"""What people see: the whole room for the instructor, their own row for an attendee, one world as it was."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from fde.clock import Clock, settle
from fde.refused import Refused
from workshop.board import words
from workshop.board.audit import Audit
from workshop.board.names import Names, whose
from workshop.board.row import Row
from workshop.board.session import Visitor
from workshop.board.watch import Watch
from workshop.settings import HubService

HERE = Path(__file__).parent
BEAT_SECONDS, STREAM_SECONDS = 15, 300
LOG = 50  # entries that the page shows


class Pages:
    """The pages of a board.

    room: reads the keys of the room's clock; names: the roster; incidents: what may go wrong, name -> in words.
    """

    def __init__(
        self,
        watch: Watch,
        audit: Audit,
        room: Callable[[], Mapping[str, str]],
        names: Sequence[str],
        incidents: Mapping[str, str],
        service: HubService,
    ) -> None:
        self.watch, self.audit, self.room, self.names, self.incidents = watch, audit, room, names, incidents
        # What attendees wrote is shown here: everything is escaped, and what is not there is an error.
        loader = FileSystemLoader(HERE / "templates")
        self.templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self.templates.globals |= {"prefix": service.prefix, "base": service.base, "words": words}

    async def board(self, request: Request) -> Response:
        """The room; for an attendee, their own row of it."""
        visitor: Visitor = request.state.visitor
        still = "still" in request.query_params
        if not visitor.instructor:
            row = self.row_of(visitor.name)
            return self.draw("own.html", request, room=self.watch.room, row=row, still=still)
        keys = await asyncio.to_thread(self.room)
        room, broken = room_of(keys)
        names = Names(self.names, hidden=request.query_params.get("names") == "hidden")
        log = names.shown(self.audit.entries())
        shown: dict[str, Any] = {
            "room": replace(room, message=names.shown(room.message)),
            "troubles": [names.shown(line) for line in {broken, self.watch.trouble, self.watch.airflow} if line],
            "rows": [(names.key(row.attendee), names.shown(row)) for row in self.watch.rows],
            "counts": words.counts(self.watch.rows),
            "log": log[:LOG],
            "done": next((entry for entry in log if str(entry.id) == request.query_params.get("done")), None),
            "people": [(names.key(name), names.shown(name)) for name in names.roster],
            "kinds": self.incidents,
            "incidents": [(day, name, *names.called(whom)) for day, name, whom in incidents(keys)],
        }
        return self.draw("board.html", request, names=names, still=still, **shown)

    async def attendee(self, request: Request) -> Response:
        """One world at a word: what its dashboards showed, and the code behind it."""
        visitor: Visitor = request.state.visitor
        key, word = request.path_params["name"], request.query_params.get("at", "")
        name = whose(self.names, key)
        if name is None or not (visitor.instructor or name == visitor.name == key):
            raise HTTPException(404, "there is no such attendee")
        names = Names(self.names, hidden=name != key)
        try:
            look, refused = await self.watch.look(name, word), ""
        except Refused as error:
            look, refused = None, str(error)
        shown = {"look": look, "refused": refused, "row": self.row_of(name), "who": name}
        status = 200 if look else 404
        return self.draw("attendee.html", request, status, names=names, key=key, at=word, **names.shown(shown))

    async def events(self, request: Request) -> Response:
        """Tells when there is something new to see; an attendee only when it is in their row."""
        visitor: Visitor = request.state.visitor
        since = request.headers.get("last-event-id") or request.query_params.get("since", "")
        if len(since) > 12 or not (since.isascii() and since.isdecimal()):
            raise HTTPException(404, "since which version?")

        async def told() -> AsyncIterator[str]:
            # A former board counted further: what it told is old.
            seen = min(int(since), self.watch.version)
            row, until = None, time.monotonic() + STREAM_SECONDS  # then the browser comes again, and is looked at again
            while time.monotonic() < until:
                try:
                    seen = await asyncio.wait_for(self.watch.changed(seen), BEAT_SECONDS)
                except TimeoutError:
                    yield ": nothing new\n\n"
                    continue
                before, row = row, (self.watch.room, self.row_of(visitor.name))
                if visitor.instructor or row != before:
                    yield f"id: {seen}\ndata: {seen}\n\n"

        return StreamingResponse(told(), media_type="text/event-stream")

    def draw(self, template: str, request: Request, status: int = 200, **shown: Any) -> Response:
        """A page, with what all of them need."""
        visitor: Visitor | None = getattr(request.state, "visitor", None)
        fixed = {"visitor": visitor, "version": self.watch.version, "steps": self.watch.steps, "now": time.time()}
        return HTMLResponse(self.templates.get_template(template).render(**fixed, **shown), status)

    def row_of(self, name: str) -> Row | None:
        """An attendee's row, None while there is none yet."""
        return next((row for row in self.watch.rows if row.attendee == name), None)


def room_of(keys: Mapping[str, str]) -> tuple[Clock, str]:
    """The room's clock, and what is wrong with it: then all but its days is left out, and can be set anew."""
    try:
        return settle(keys, {}), ""
    except Refused as refused:
        return settle({"days": keys.get("days", "")}, {}), str(refused)


def incidents(keys: Mapping[str, str]) -> list[list[str]]:
    """The incidents of the room: lists of day, name and whom."""
    lines = [line.split() for line in keys.get("incidents", "").splitlines()]
    return [line for line in lines if len(line) == 3]
