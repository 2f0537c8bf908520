"""Looks at each request before any page does: who is it, and is it one of our own pages that asks?"""

from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from workshop.board.session import Sessions, Visitor
from workshop.oauth import came_through_proxy, from_another_site

HEADERS = {
    # All is made here: nothing of another host, no code inside of a page, no page inside of another.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: with that, browsers send our own forms with an origin of null, like those of a stranger.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Door:
    """ASGI middleware around the whole board. Behind it a request has a visitor, but for what is open to all."""

    def __init__(self, app: Any, sessions: Sessions) -> None:
        self.app, self.sessions = app, sessions
        self.prefix = sessions.sign_in.service.prefix
        self.open = ("/health", f"{self.prefix}health", sessions.sign_in.callback_path)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        scope.setdefault("state", {})["visitor"] = visitor = self.sessions.of(request)

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await (self._instead(request, visitor) or self.app)(scope, receive, with_headers)

    def _instead(self, request: Request, visitor: Visitor | None) -> Response | None:
        """What is answered instead of what was asked for; None: it may be had."""
        path, reads = request.url.path, request.method in ("GET", "HEAD")
        # Metrics are for who reaches the board's own port, where people do not come by.
        if path in self.open or (path == "/metrics" and not came_through_proxy(request)):
            return None
        if not reads and from_another_site(request):
            return PlainTextResponse("another site may not change anything here", 403)
        if visitor is not None:
            return None
        if not reads or not (path == self.prefix or path.startswith(f"{self.prefix}attendee/")):
            return PlainTextResponse(f"Nobody is signed in. Open {self.prefix}", 401)
        query = f"?{request.url.query}" if request.url.query else ""
        return self.sessions.sign_in.begin(request, path + query)
