"""The way in and out: to JupyterHub and back, and the counter where a notebook's hub token buys an Airflow token."""

from __future__ import annotations

import secrets
from hmac import compare_digest
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode, urlsplit

import httpx
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from workshop import settings
from workshop.sign_in import HubUser
from workshop.sign_in_guard import AIRFLOW_COOKIE, SESSION_COOKIE

if TYPE_CHECKING:
    from workshop.sign_in import HubAuthManager

BROWSER_COOKIE = "airflow-sign-in"
STATE_SECONDS = 600
NOTEBOOK_TOKEN_SECONDS = 900


def routes(manager: HubAuthManager) -> FastAPI:
    """The app that Airflow mounts at `<prefix>auth`."""
    hub = settings.hub_service()
    states = URLSafeTimedSerializer(hub.secret, salt="airflow-sign-in")
    callback_path = f"{hub.prefix}auth/oauth_callback"
    app = FastAPI(openapi_url=None)

    def keep(response: Response, request: Request, name: str, value: str) -> None:
        secure = request.url.scheme == "https"
        response.set_cookie(name, value, path=hub.prefix, httponly=True, samesite="lax", secure=secure)

    @app.get("/login")
    def login(request: Request, next: str = "") -> Response:
        # One secret a browser, in a cookie; a state is good only in that browser. Several tabs may sign in at once.
        browser = request.cookies.get(BROWSER_COOKIE) or secrets.token_urlsafe(32)
        state = states.dumps([browser, path_inside(hub.prefix, next)])
        asked = {"client_id": hub.client_id, "redirect_uri": callback_path, "response_type": "code", "state": state}
        # Paths, no host: whoever came by localhost goes on by localhost.
        response = RedirectResponse(f"{hub.base}hub/api/oauth2/authorize?{urlencode(asked)}", 302)
        keep(response, request, BROWSER_COOKIE, browser)
        return response

    @app.get("/oauth_callback")
    async def callback(request: Request, state: str = "", code: str = "", error: str = "") -> Response:
        try:
            browser, path = states.loads(state, max_age=STATE_SECONDS)
        except BadSignature:
            browser, path = "", hub.prefix
        if not browser or not compare_digest(browser.encode(), request.cookies.get(BROWSER_COOKIE, "").encode()):
            return PlainTextResponse(f"This sign-in began in another browser or too long ago. Open {hub.prefix}", 400)
        if error or not code:
            return PlainTextResponse(f"JupyterHub did not let you in. Sign in at {hub.base} and open {hub.prefix}", 403)
        user = await identity(hub, await hub_token(hub, code, callback_path))
        if not user.session or not compare_digest(user.session, request.cookies.get(SESSION_COOKIE, "")):
            return PlainTextResponse(f"You signed out of JupyterHub meanwhile. Open {hub.prefix}", 403)
        response = RedirectResponse(path, 302)
        keep(response, request, AIRFLOW_COOKIE, manager.generate_jwt(user))
        return response

    @app.post("/token")
    async def token(request: Request) -> dict[str, Any]:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("token", "bearer") or not shown:
            raise HTTPException(401, "show a token of JupyterHub: Authorization: token ...")
        user = await identity(hub, shown)
        # Not bound to a browser's session: a notebook has none.
        bought = manager.generate_jwt(HubUser(user.name, user.admin), expiration_time_in_seconds=NOTEBOOK_TOKEN_SECONDS)
        return {"access_token": bought, "token_type": "bearer", "expires_in": NOTEBOOK_TOKEN_SECONDS}

    @app.get("/logout")
    def logout() -> Response:
        response = RedirectResponse(f"{hub.base}hub/logout", 302)
        response.delete_cookie(AIRFLOW_COOKIE, path=hub.prefix)
        return response

    return app


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


async def hub_token(hub: settings.HubService, code: str, callback_path: str) -> str:
    """Trades the code of a callback for a token of the hub."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback_path}
    form |= {"client_id": hub.client_id, "client_secret": hub.secret}
    answer = await ask(hub, "POST", "/oauth2/token", data=form)
    if answer.status_code != 200:
        raise HTTPException(403, f"JupyterHub knows no such sign-in (each is good once). Open {hub.prefix}")
    return str(answer.json()["access_token"])


async def identity(hub: settings.HubService, token: str) -> HubUser:
    """Whose token this is, when it was given for this service: a token meant for another one proves nothing here."""
    answer = await ask(hub, "GET", "/user", headers={"Authorization": f"token {token}"})
    if answer.status_code != 200:
        raise HTTPException(401, "JupyterHub does not know this token")
    model = answer.json()
    if model.get("kind") != "user":
        raise HTTPException(403, "this is no person's token")
    if not {"access:services", f"access:services!service={hub.name}"} & set(model["scopes"]):
        raise HTTPException(403, "this token was not given for Airflow")
    return HubUser(model["name"], model.get("admin") is True, model.get("session_id") or "")


async def ask(hub: settings.HubService, method: str, path: str, **more: Any) -> httpx.Response:
    """Asks the hub. Raises 503 when it does not answer."""
    try:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            return await client.request(method, hub.api + path, **more)
    except httpx.HTTPError:
        raise HTTPException(503, "JupyterHub does not answer. Try again in a minute") from None
