"""The way in and out: to JupyterHub and back, and the counter where a notebook's hub token buys an Airflow token."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlencode, urlsplit

from airflow.configuration import conf
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

from workshop import settings
from workshop.hub import Hub
from workshop.sign_in import HubUser
from workshop.sign_in_guard import AIRFLOW_COOKIE, SESSION_COOKIE, same

if TYPE_CHECKING:
    from workshop.sign_in import HubAuthManager

BROWSER_COOKIE = "airflow-sign-in"
STATE_SECONDS = 600
NOTEBOOK_TOKEN_SECONDS = 900


def routes(manager: HubAuthManager) -> FastAPI:
    """The app that Airflow mounts at `<prefix>auth`."""
    service = settings.hub_service()
    hub = Hub(service)
    states = URLSafeTimedSerializer(service.secret, salt="airflow-sign-in")
    callback_path = f"{service.prefix}auth/oauth_callback"
    app = FastAPI(openapi_url=None)

    def keep(response: Response, request: Request, name: str, value: str) -> None:
        # What people type counts: behind a proxy that ends TLS, this request came without.
        secure = urlsplit(conf.get("api", "base_url")).scheme == "https"
        response.set_cookie(name, value, path=service.prefix, httponly=True, samesite="lax", secure=secure)

    @app.get("/login")
    def login(request: Request, next: str = "") -> Response:
        # A secret of this browser: a state is good in no other. It stays, so that several tabs may sign in at once.
        browser = request.cookies.get(BROWSER_COOKIE) or secrets.token_urlsafe(32)
        state = states.dumps([browser, path_inside(service.prefix, next)])
        asked = {"client_id": service.client_id, "redirect_uri": callback_path, "response_type": "code", "state": state}
        # Paths without a host: who came by localhost goes on by localhost.
        response = RedirectResponse(f"{service.base}hub/api/oauth2/authorize?{urlencode(asked)}", 302)
        keep(response, request, BROWSER_COOKIE, browser)
        return response

    @app.get("/oauth_callback")
    async def callback(request: Request, state: str = "", code: str = "") -> Response:
        try:
            browser, path = states.loads(state, max_age=STATE_SECONDS)
        except BadSignature:
            browser, path = "", service.prefix
        again = f"Open {service.prefix}"
        if not browser or not same(browser, request.cookies.get(BROWSER_COOKIE, "")):
            return PlainTextResponse(f"This sign-in began in another browser, or too long ago. {again}", 403)
        if not code:
            return PlainTextResponse(f"JupyterHub did not let you in. {again}", 403)
        user = await hub.person_of(await hub.token_for(code, callback_path))
        if not user.session or not same(user.session, request.cookies.get(SESSION_COOKIE, "")):
            return PlainTextResponse(f"You signed out of JupyterHub meanwhile. {again}", 403)
        response = RedirectResponse(path, 302)
        keep(response, request, AIRFLOW_COOKIE, manager.generate_jwt(user))
        return response

    @app.post("/token")
    async def token(request: Request) -> dict[str, Any]:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("token", "bearer") or not shown:
            raise HTTPException(401, "show a token of JupyterHub: Authorization: token ...")
        user = await hub.person_of(shown)
        # Bound to no session: a notebook has none.
        user = HubUser(user.name, user.admin)
        bought = manager.generate_jwt(user, expiration_time_in_seconds=NOTEBOOK_TOKEN_SECONDS)
        return {"access_token": bought, "token_type": "bearer", "expires_in": NOTEBOOK_TOKEN_SECONDS}

    @app.get("/logout")
    def logout() -> Response:
        response = RedirectResponse(f"{service.base}hub/logout", 302)
        response.delete_cookie(AIRFLOW_COOKIE, path=service.prefix)
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
