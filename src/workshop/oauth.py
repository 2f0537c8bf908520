"""One sign-in for all services of the room: to JupyterHub and back. And which requests come from a page of ours."""

import secrets
from hmac import compare_digest
from urllib.parse import unquote, urlencode, urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from workshop.hub import Hub, Person
from workshop.settings import HubService

SESSION_COOKIE = "jupyterhub-session-id"
STATE_SECONDS = 600


class SignIn:
    """The way to the hub and back. Arguments: the service, the path of its callback, the address that people type."""

    def __init__(self, service: HubService, callback_path: str, url: str) -> None:
        self.service, self.callback_path, self.hub = service, callback_path, Hub(service)
        # What people type counts: behind a proxy that ends TLS, requests come without.
        self.secure = urlsplit(url).scheme == "https"
        self.cookie = f"{service.name}-sign-in"
        self.states = URLSafeTimedSerializer(service.secret, salt=self.cookie)

    def keep(self, response: Response, name: str, value: str) -> None:
        """Set a cookie of this service: not for scripts, not for other sites, not for other paths."""
        path = self.service.prefix
        response.set_cookie(name, value, path=path, httponly=True, samesite="lax", secure=self.secure)

    def begin(self, request: Request, path: str) -> Response:
        """Sends the browser to the hub, from where it comes back and goes on to `path`, when that is ours."""
        # A secret of this browser: a state is good in no other. It stays, so that several tabs may sign in at once.
        browser = request.cookies.get(self.cookie) or secrets.token_urlsafe(32)
        state = self.states.dumps([browser, path_inside(self.service.prefix, path)])
        asked = {"client_id": self.service.client_id, "redirect_uri": self.callback_path}
        asked |= {"response_type": "code", "state": state}
        # Paths without a host: who came by localhost goes on by localhost.
        response = RedirectResponse(f"{self.service.base}hub/api/oauth2/authorize?{urlencode(asked)}", 302)
        self.keep(response, self.cookie, browser)
        return response

    async def end(self, request: Request) -> tuple[Person, str, str]:
        """The callback: who came back, their token of the hub, the path they go on to. 403 when it is not theirs."""
        again = f"Open {self.service.prefix}"
        try:
            browser, path = self.states.loads(request.query_params.get("state", ""), max_age=STATE_SECONDS)
        except BadSignature:
            browser, path = "", ""
        if not browser or not same(browser, request.cookies.get(self.cookie, "")):
            raise HTTPException(403, f"This sign-in began in another browser, or too long ago. {again}")
        if not (code := request.query_params.get("code")):
            raise HTTPException(403, f"JupyterHub did not let you in. {again}")
        token = await self.hub.token_for(code, self.callback_path)
        person = await self.hub.person_of(token)
        if not person.session or not session_is(request, person.session):
            raise HTTPException(403, f"You signed out of JupyterHub meanwhile. {again}")
        return person, token, path


def path_inside(prefix: str, address: str) -> str:
    """The path and query of `address` when a browser would stay below `prefix`, else `prefix`. Never a host."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return prefix
    plain = unquote(unquote(parts.path))
    inside = parts.path.startswith(prefix) and plain.isprintable() and "\\" not in plain
    if not inside or any(step in ("", ".", "..") for step in plain[1:].rstrip("/").split("/")):
        return prefix
    return parts.path + (f"?{parts.query}" if parts.query else "")


def came_through_proxy(request: Request) -> bool:
    """Whether people sent this, at their port: the proxy adds from where."""
    return any(name.startswith("x-forwarded-") for name in request.headers)


def from_another_site(request: Request) -> bool:
    """Whether a page of another site sends this. SameSite=Lax keeps the cookie back already, but knows no ports."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def session_is(request: Request, session: str) -> bool:
    """Whether this browser is in that session of the hub."""
    return same(session, request.cookies.get(SESSION_COOKIE, ""))


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell how much of them is."""
    return compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))
