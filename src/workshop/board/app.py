"""The board as a web application. Tests hand in rows; `__main__` the real parts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from fde.refused import Refused
from workshop.board.actions import Actions
from workshop.board.audit import Audit
from workshop.board.door import Door
from workshop.board.metrics import metrics
from workshop.board.pace import Pace
from workshop.board.pages import HERE, Pages
from workshop.board.session import Sessions
from workshop.board.watch import Watch
from workshop.oauth import SignIn, came_through_proxy


def app(
    watch: Watch,
    pace: Pace,
    audit: Audit,
    room: Callable[[], Mapping[str, str]],
    names: Sequence[str],
    incidents: Mapping[str, str],
    sign_in: SignIn,
) -> Door:
    """The board: all but `/health` needs a sign-in.

    room: reads the keys of the room's clock; names: the roster; incidents: what may go wrong, name -> in words.
    """
    sessions = Sessions(sign_in)
    pages = Pages(watch, audit, room, names, incidents, sign_in.service)
    actions = Actions(watch, pace, sessions, names)
    prefix = sign_in.service.prefix

    async def health(request: Request) -> Response:
        return PlainTextResponse("the board is up")

    async def numbers(request: Request) -> Response:
        if came_through_proxy(request) and not request.state.visitor.instructor:
            raise HTTPException(403, "these numbers are for the instructor")
        return Response(metrics(watch), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def callback(request: Request) -> Response:
        person, token, path = await sign_in.end(request)
        response = RedirectResponse(path, 302)
        sessions.begin(response, person, token)
        return response

    async def say(request: Request, error: Any) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 409
        said = error.detail if isinstance(error, HTTPException) else str(error)
        return pages.draw("said.html", request, status, said=said)

    routes = [
        Route("/health", health),
        Route("/metrics", numbers),
        Route(f"{prefix}health", health),
        Route(f"{prefix}metrics", numbers),
        Route(sign_in.callback_path, callback),
        Route(prefix, pages.board),
        Route(f"{prefix}attendee/{{name}}", pages.attendee),
        Route(f"{prefix}events", pages.events),
        Route(f"{prefix}do/{{action}}", actions.act, methods=["POST"]),
        Mount(f"{prefix}static", StaticFiles(directory=HERE / "static")),
    ]
    inside = Starlette(routes=routes, exception_handlers={HTTPException: say, Refused: say})
    inside.router.redirect_slashes = False  # to whatever host a request names
    return Door(inside, sessions)
