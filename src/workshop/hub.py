"""What a service of JupyterHub asks it: whose code, whose token, and was it meant for us?"""

from dataclasses import dataclass
from typing import Any

import httpx
from starlette.exceptions import HTTPException

from workshop import settings


@dataclass(frozen=True)
class Person:
    """Somebody whom JupyterHub knows. session: the hub's session their browser signed in with, "" for none."""

    name: str
    admin: bool
    session: str = ""


class Hub:
    """JupyterHub, as seen by one of its services. Every method raises HTTPException with a line for the person."""

    def __init__(self, service: settings.HubService) -> None:
        self.service = service
        # Made once: a client costs 30 ms. It keeps no connection, for the hub may be started again meanwhile.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.client = httpx.AsyncClient(base_url=service.api, timeout=10, trust_env=False, limits=limits)

    async def token_for(self, code: str, callback_path: str) -> str:
        """Trades the code of a callback for a token of the hub. 403 when it is none, or was used before."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback_path}
        form |= {"client_id": self.service.client_id, "client_secret": self.service.secret}
        answer = await self._ask("POST", "/oauth2/token", data=form)
        if answer.status_code != 200:
            raise HTTPException(403, f"JupyterHub knows no such sign-in: each is good once. Open {self.service.prefix}")
        return str(answer.json()["access_token"])

    async def person_of(self, token: str, services: tuple[str, ...] = ()) -> Person:
        """Whose token this is: 401 for none, 403 when it was given for something else than this service.

        The scope is what counts. A token that somebody gave to another service tells who they are, too.
        services: services of the hub that may come with a token of their own. Theirs is a name that no person has.
        """
        answer = await self._ask("GET", "/user", headers={"Authorization": f"token {token}"})
        if answer.status_code != 200:
            raise HTTPException(401, "JupyterHub does not know this token")
        model = answer.json()
        service = model.get("kind") == "service" and model["name"] in services
        if model.get("kind") != "user" and not service:
            raise HTTPException(403, "this is no person's token")
        if not {"access:services", f"access:services!service={self.service.name}"} & set(model["scopes"]):
            raise HTTPException(403, f"this token was not given for {self.service.name}")
        if service:
            return Person(name_of(model["name"]), admin=False)
        return Person(model["name"], model.get("admin") is True, model.get("session_id") or "")

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return await self.client.request(method, path, **more)
        except (httpx.HTTPError, UnicodeEncodeError):
            raise HTTPException(503, "JupyterHub does not answer. Try again in a minute") from None


def name_of(service: str) -> str:
    """What a service is called among people: no attendee's name has a colon."""
    return f"service:{service}"
