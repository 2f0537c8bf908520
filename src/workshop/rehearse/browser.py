"""An attendee's browser: signs in at the hub, starts JupyterLab, opens Airflow. By HTTP, with cookies and xsrf."""

import asyncio
import json
import re
from typing import Any

import httpx

from fde.refused import Refused

AIRFLOW = "/services/airflow"
PATIENCE_SECONDS = 120
ASSETS = re.compile(r'(?:src|href)="([^"]+\.(?:js|css)[^"]*)"')
CONFIG = re.compile(r'id="jupyter-config-data"[^>]*>(.*?)</script>', re.S)
# What JupyterLab asks its server when its page opens, beside the files that the page names.
ASKED_AT_START = ("api/kernelspecs", "api/kernels", "api/sessions", "api/terminals", "lab/api/settings", "api/contents")


class Browser:
    """The browser of one attendee at a room's address. What is not answered as it should be is a Refused."""

    def __init__(self, url: str, name: str) -> None:
        self.name, self.lab, self.page = name, f"/user/{name}/", ""
        self.http = httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS, trust_env=False, verify=False)

    async def ask(self, method: str, path: str, *expected: int, **more: Any) -> httpx.Response:
        """Ask any path of the room, as a page of it does. expected: the good answers, by default all of 2xx."""
        headers = {"X-XSRFToken": self._xsrf(path), **more.pop("headers", {})}
        answer = await self.http.request(method, path, headers=headers, **more)
        if answer.status_code in expected or (answer.is_success and not expected):
            return answer
        said = " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())[:200]
        raise Refused(f"{method} {path} was answered with {answer.status_code}: {said}")

    async def sign_in(self, password: str) -> None:
        """Fill in the hub's form."""
        await self.ask("GET", "/hub/login")
        form = {"username": self.name, "password": password, "_xsrf": self._xsrf("/hub/login")}
        await self.ask("POST", "/hub/login", 302, data=form)

    async def start_server(self) -> None:
        """Start the JupyterLab server and follow the hub's progress, as its page does, until it is there."""
        await self.ask("POST", f"/hub/api/users/{self.name}/server", 201, 202)
        async with self.http.stream("GET", f"/hub/api/users/{self.name}/server/progress") as told:
            async for line in told.aiter_lines():
                event = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if event.get("failed"):
                    raise Refused(f"JupyterLab did not start: {event.get('message')}")
                if event.get("ready"):
                    break
        # Its page, by way of the server's own sign-in at the hub.
        self.page = (await self.ask("GET", self.lab, follow_redirects=True)).text

    async def open_lab(self) -> None:
        """Fetch the scripts and styles that JupyterLab's page names, and what it asks its server at its start."""
        config = json.loads(found[1]) if (found := CONFIG.search(self.page)) else {}
        base = config.get("fullLabextensionsUrl", "")
        loaded = [f"{base}/{one['name']}/{one['load']}" for one in config.get("federated_extensions", [])]
        for path in dict.fromkeys([*ASSETS.findall(self.page), *loaded]):
            await self.ask("GET", path)
        for path in ASKED_AT_START:
            await self.ask("GET", self.lab + path)

    async def stop_server(self) -> None:
        """Stop the JupyterLab server, with its kernels, and wait until it is gone."""
        await self.ask("DELETE", f"/hub/api/users/{self.name}/server", 202, 204)
        while (await self.ask("GET", f"/hub/api/users/{self.name}")).json()["servers"]:
            await asyncio.sleep(0.2)

    async def open_airflow(self) -> None:
        """Follow Airflow's way to the hub and back."""
        path, asked = f"{AIRFLOW}/api/v2/auth/login", {"next": f"{AIRFLOW}/"}
        await self.ask("GET", path, params=asked, follow_redirects=True)

    def cookies(self, path: str) -> str:
        """The header with the cookies that this browser sends to a path."""
        return str(self.http.build_request("GET", path).headers.get("Cookie", ""))

    async def close(self) -> None:
        """Close its connections."""
        await self.http.aclose()

    def _xsrf(self, path: str) -> str:
        """The token that a form or script at a path repeats: that of the nearest cookie."""
        near = [one for one in self.http.cookies.jar if one.name == "_xsrf" and path.startswith(one.path)]
        return max(near, key=lambda one: len(one.path)).value or "" if near else ""
