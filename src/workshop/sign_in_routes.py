"""Airflow's way in and out, and the counter where a token of the hub buys one of Airflow: a notebook's, the board's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.configuration import conf
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from workshop import settings
from workshop.oauth import SignIn
from workshop.sign_in import BOARD, HubUser
from workshop.sign_in_guard import AIRFLOW_COOKIE

if TYPE_CHECKING:
    from workshop.sign_in import HubAuthManager

BOUGHT_TOKEN_SECONDS = 900


def routes(manager: HubAuthManager) -> FastAPI:
    """The app that Airflow mounts at `<prefix>auth`."""
    service = settings.hub_service()
    sign_in = SignIn(service, f"{service.prefix}auth/oauth_callback", conf.get("api", "base_url"))
    app = FastAPI(openapi_url=None)

    @app.get("/login")
    def login(request: Request, next: str = "") -> Response:
        return sign_in.begin(request, next)

    @app.get("/oauth_callback")
    async def callback(request: Request) -> Response:
        person, _, path = await sign_in.end(request)
        response = RedirectResponse(path, 302)
        user = HubUser(person.name, person.admin, person.session)
        sign_in.keep(response, AIRFLOW_COOKIE, manager.generate_jwt(user))
        return response

    @app.post("/token")
    async def token(request: Request) -> dict[str, Any]:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() not in ("token", "bearer") or not shown:
            raise HTTPException(401, "show a token of JupyterHub: Authorization: token ...")
        person = await sign_in.hub.person_of(shown, services=(BOARD,))
        # Bound to no session: a notebook has none.
        user = HubUser(person.name, person.admin)
        bought = manager.generate_jwt(user, expiration_time_in_seconds=BOUGHT_TOKEN_SECONDS)
        return {"access_token": bought, "token_type": "bearer", "expires_in": BOUGHT_TOKEN_SECONDS}

    @app.get("/logout")
    def logout() -> Response:
        response = RedirectResponse(f"{service.base}hub/logout", 302)
        response.delete_cookie(AIRFLOW_COOKIE, path=service.prefix)
        return response

    return app
