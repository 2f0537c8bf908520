"""Somebody at a browser: signs in to the hub, opens Airflow, keeps cookies. By HTTP, against the running workshop."""

import re
from typing import Any

import httpx
import psutil

AIRFLOW = "/services/airflow"
BOARD = "/services/board/"
PLAIN: dict[str, Any] = {"trust_env": False, "timeout": 60}  # how whoever is no browser asks


class Person(httpx.Client):
    """A browser of somebody. `get("/api/v2/dags")` and its like ask Airflow; `hub` asks any path of the room."""

    def __init__(self, url: str) -> None:
        # The proxy (traefik 3.7) cuts off one in some 3,000 short zipped answers to a request with a body.
        plain = {"Accept-Encoding": "identity"}
        super().__init__(base_url=url + AIRFLOW, headers=plain, **PLAIN)
        self.room_url = url

    def hub(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.request(method, self.room_url + path, **more)

    def sign_in(self, name: str, password: str) -> httpx.Response:
        """Fills in the hub's form; returns its answer: 302 is in."""
        page = self.hub("GET", "/hub/login").text
        found = re.search(r'name="_xsrf" value="([^"]+)"', page)
        form = {"username": name, "password": password, "_xsrf": found[1] if found else ""}
        return self.hub("POST", "/hub/login", data=form)

    def open_airflow(self, path: str = "/") -> httpx.Response:
        """What a browser does when Airflow says 401: its sign-in page, and where that leads."""
        asked = {"next": AIRFLOW + path}
        return self.get("/api/v2/auth/login", params=asked, follow_redirects=True)

    def open_board(self, path: str = "") -> httpx.Response:
        """A page of the board; the first time by way of the hub."""
        return self.hub("GET", BOARD + path, follow_redirects=True)

    def press(self, action: str, **fields: str) -> httpx.Response:
        """A button of the board's page, as its form sends it."""
        found = re.search(r'name="form" value="([^"]+)"', self.open_board().text)
        return self.hub("POST", f"{BOARD}do/{action}", data={"form": found[1] if found else "", **fields})

    def hub_token(self, name: str, scopes: list[str]) -> str:
        """A token of the hub with these scopes, as its page `/hub/token` makes them."""
        xsrf = {"X-XSRFToken": next(c.value or "" for c in self.cookies.jar if c.name == "_xsrf")}
        made = self.hub("POST", f"/hub/api/users/{name}/tokens", headers=xsrf, json={"scopes": scopes})
        assert made.status_code == 201, made.text
        return str(made.json()["token"])

    def cookie(self, name: str) -> str:
        return next(c.value or "" for c in self.cookies.jar if c.name == name)


def arrived(room: Any, name: str) -> Person:
    """This attendee, or the instructor, signed in to the hub and to Airflow."""
    person = Person(room.url)
    password = {**room.access["attendees"], **room.access["instructor"]}[name]
    assert person.sign_in(name, password).status_code == 302
    assert person.open_airflow().status_code == 200
    return person


def environment_of(room: Any, person: Person, name: str) -> dict[str, str]:
    """What the hub gave to somebody's JupyterLab, which is started; empty while it does not run yet."""
    started = person.hub("POST", f"/hub/api/users/{name}/server", headers={"X-XSRFToken": person.cookie("_xsrf")})
    assert started.status_code in (201, 202, 400), started.text  # 400: it runs already
    for process in psutil.process_iter():
        try:
            lab, env = "jupyterhub.singleuser" in process.cmdline(), process.environ()
        except (psutil.Error, OSError):
            continue
        if lab and env.get("JUPYTERHUB_USER") == name and env.get("FDE_HOME") == str(room.home):
            return env
    return {}
