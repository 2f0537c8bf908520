"""What people see: the whole room for the instructor, their own row for an attendee, one world as it was."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from fde.clock import Clock, settle
from fde.incidents import INCIDENTS
from fde.refused import Refused
from fde.steps import STEPS
from workshop.board.audit import Audit
from workshop.board.metrics import is_red
from workshop.board.names import Names, whose
from workshop.board.row import DONE, Row
from workshop.board.session import Visitor
from workshop.board.watch import Watch
from workshop.settings import HubService

HERE = Path(__file__).parent
LONGEST_WORD = 100  # of what is asked for in an address
BEAT_SECONDS, STREAM_SECONDS = 15, 300


class Pages:
    """The pages of a board. room: reads the keys of the room's clock; names: the roster; base, prefix: paths."""

    def __init__(
        self,
        watch: Watch,
        audit: Audit,
        room: Callable[[], Mapping[str, str]],
        names: Sequence[str],
        service: HubService,
    ) -> None:
        self.watch, self.audit, self.room, self.names = watch, audit, room, names
        # What attendees wrote is shown here: everything is escaped, and what is not there is an error.
        loader = FileSystemLoader(HERE / "templates")
        self.templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self.templates.globals |= {
            "STEPS": STEPS,
            "INCIDENTS": INCIDENTS,
            "prefix": service.prefix,
            "base": service.base,
        }
        self.templates.globals |= {"ago": ago, "is_red": is_red, "at_step": at_step}

    async def board(self, request: Request) -> Response:
        """The room; for an attendee, their own row of it."""
        visitor: Visitor = request.state.visitor
        keys = await asyncio.to_thread(self.room)
        room, broken = room_of(keys)
        still = "still" in request.query_params
        if not visitor.instructor:
            return self.draw("own.html", request, room=room, row=self.row_of(visitor.name), still=still)
        names = Names(self.names, hidden=request.query_params.get("names") == "hidden")
        log = names.shown(self.audit.entries())
        shown: dict[str, Any] = {
            "room": replace(room, message=names.shown(room.message)),
            "broken": names.shown(broken),
            "rows": [(names.key(row.attendee), names.shown(row)) for row in self.watch.rows],
            "counts": counts(self.watch.rows),
            "log": log,
            "done": next((entry for entry in log if str(entry.id) == request.query_params.get("done")), None),
            "people": [(names.key(name), names.shown(name)) for name in names.roster],
            "incidents": [(*what, *names.called(whom)) for *what, whom in incidents(keys)],
        }
        return self.draw("board.html", request, names=names, still=still, **shown)

    async def attendee(self, request: Request) -> Response:
        """One world at a word: what its dashboards showed, and the code behind it."""
        visitor: Visitor = request.state.visitor
        key, word = request.path_params["name"], request.query_params.get("at", "")
        name = whose(self.names, key)
        if name is None or not (visitor.instructor or name == visitor.name == key):
            raise HTTPException(404, "there is no such attendee")
        if len(word) > LONGEST_WORD or not word.isprintable():
            raise HTTPException(404, "there is no such version")
        look = await self.watch.look(name, word)
        names = Names(self.names, hidden=name != key)
        shown = {"key": key, "at": word, "look": names.shown(look), "row": names.shown(self.row_of(name))}
        return self.draw("attendee.html", request, names=names, who=names.shown(name), **shown)

    async def events(self, request: Request) -> Response:
        """Tells when there is something new to see; an attendee only when it is in their row."""
        visitor: Visitor = request.state.visitor
        since = request.headers.get("last-event-id") or request.query_params.get("since", "")
        if len(since) > 12 or not since.isdecimal():
            raise HTTPException(404, "since which version?")

        async def told() -> AsyncIterator[str]:
            seen, row = int(since), self.row_of(visitor.name)
            until = time.monotonic() + STREAM_SECONDS  # then the browser comes again, and is looked at again
            while time.monotonic() < until:
                try:
                    seen = await asyncio.wait_for(self.watch.changed(seen), BEAT_SECONDS)
                except TimeoutError:
                    yield ": nothing new\n\n"
                    continue
                before, row = row, self.row_of(visitor.name)
                if visitor.instructor or row != before:
                    yield f"id: {seen}\ndata: {seen}\n\n"

        return StreamingResponse(told(), media_type="text/event-stream")

    def draw(self, template: str, request: Request, status: int = 200, **shown: Any) -> Response:
        """A page, with what all of them need."""
        visitor: Visitor | None = getattr(request.state, "visitor", None)
        fixed = {"visitor": visitor, "version": self.watch.version, "now": time.time()}
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


def at_step(row: Row) -> int | None:
    """The number of the step they are at; None: all are done, or nothing is known."""
    return next((cell.step for cell in row.cells if cell.state != DONE), None)


def counts(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """What is said above the table: pairs (kind, words)."""
    red, flags = sum(map(is_red, rows)), sum(row.flag is not None for row in rows)
    said = [("red", f"{red} red")] if red else []
    said += [("flag", f"{flags} {'flag' if flags == 1 else 'flags'}")] if flags else []
    steps = Counter(step for row in rows if (step := at_step(row)))
    said += [("", f"{steps[number]} at step {number}") for number in sorted(steps)]
    finished = sum(bool(row.cells) and at_step(row) is None for row in rows)
    return said + ([("done", f"{finished} done")] if finished else [])


def ago(seconds: float) -> str:
    """A time that has passed, in words."""
    minutes = int(seconds // 60)
    if minutes < 2:
        return f"{max(0, int(seconds))} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
