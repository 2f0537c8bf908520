"""What the instructor's forms do: plain POSTs, each with a key that only a page made for them carries."""

import asyncio
from collections.abc import Sequence
from urllib.parse import parse_qs, quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from workshop.board import as_instructor
from workshop.board.entry import Entry
from workshop.board.named import EVERYONE
from workshop.board.names import whose
from workshop.board.pace import Pace
from workshop.board.session import Sessions, Visitor, is_own_form
from workshop.board.watch import Watch
from workshop.board.words import at_step

MOST_BYTES, MOST_FIELDS = 10_000, 20

Form = dict[str, str]


class Actions:
    """The actions of a board. Each leads back to the page, which says what was done, and how to take it back."""

    def __init__(self, watch: Watch, pace: Pace, sessions: Sessions, names: Sequence[str]) -> None:
        self.watch, self.pace, self.sessions, self.names = watch, pace, sessions, names

    async def act(self, request: Request) -> Response:
        """Do what a form asks for. 403 to all but the instructor, and for a form that was not made for them."""
        visitor: Visitor = request.state.visitor
        if not visitor.instructor:
            raise HTTPException(403, "only the instructor sets the pace")
        form = await _read(request)
        if not is_own_form(visitor, form.get("form", "")):
            raise HTTPException(403, "this form was made for another sign-in; nothing was done")
        as_instructor.token.set(self.sessions.token(visitor))
        entry = await self._do(request.path_params["action"], visitor.name, form)
        hidden = "names=hidden&" if form.get("names") == "hidden" else ""
        return RedirectResponse(f"{self.sessions.sign_in.service.prefix}?{hidden}done={quote(str(entry.id))}", 303)

    async def _do(self, action: str, who: str, form: Form) -> Entry:
        """One action; 404 for none. What it is asked for is checked by whoever does it."""
        pace, thread = self.pace, asyncio.to_thread

        def said(field: str) -> str:
            return form.get(field, "")

        match action:
            case "next-day":
                return await thread(pace.next_day, who)
            case "day" if said("whom") == "room":
                return await thread(pace.set_room_day, who, said("day"))
            case "day":
                return await thread(pace.everyone_to, who, said("day"))
            case "hold":
                return await thread(pace.hold, who, said("day"))
            case "message":
                return await thread(pace.message, who, said("words"))
            case "inject":
                return await thread(pace.inject, who, said("day"), said("name"), [self._whom(said("whom"))])
            case "remove":
                return await thread(pace.remove_incident, who, said("day"), said("name"), self._whom(said("whom")))
            case "catch-up":
                step = int(said("step")) if said("step") in "123456789" else 0
                return await pace.catch_up(who, self._behind(step, said("whom")), step)
            case "undo" if said("entry").isdecimal() and len(said("entry")) < 10:
                return await pace.undo(who, int(said("entry")))
        raise HTTPException(404, "there is no such action")

    def _whom(self, key: str) -> str:
        """The attendee of a key, or everyone."""
        if key == EVERYONE:
            return key
        if (name := whose(self.names, key)) is None:
            raise HTTPException(404, "there is no such attendee")
        return name

    def _behind(self, step: int, key: str) -> list[str]:
        """The attendee of a key; for `behind` all who have not come to that step."""
        if key != "behind":
            return [self._whom(key)]
        return [row.attendee for row in self.watch.rows if (at_step(row) or step) < step]


async def _read(request: Request) -> Form:
    """The fields of a form, the last of each name. 400 for what no form of ours is."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/x-www-form-urlencoded":
        raise HTTPException(400, "this is no form")
    body = b""
    async for piece in request.stream():
        if len(body := body + piece) > MOST_BYTES:
            raise HTTPException(413, "this is too much for a form")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise HTTPException(400, "this is no form") from None
    return {name: values[-1] for name, values in fields.items()}
