"""A board on its own: the pages, forms and log that people get, with rows and looks that a test hands in."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.testclient import TestClient

from fde.clock import Clock, settle
from fde.incidents import INCIDENTS
from fde.refused import Refused
from fde.steps import STEPS
from workshop import clock
from workshop.board.app import app
from workshop.board.audit import Audit
from workshop.board.door import Door
from workshop.board.facts import Look
from workshop.board.news import News
from workshop.board.pace import Pace
from workshop.board.row import DONE, NOT_YET, RED, Cell, Row
from workshop.hub import Person
from workshop.oauth import SESSION_COOKIE, SignIn
from workshop.settings import HubService

DAYS = tuple(f"2022-01-0{number}" for number in range(1, 6))
PREFIX = "/services/board/"
SERVICE = HubService("board", "http://127.0.0.1:9/hub/api", "/", PREFIX, "service-board", "secret of the board")
WORDS = {name: kind.words for name, kind in INCIDENTS.items()}


class Given(News):
    """What the board knows, in the hand of a test."""

    runs, seconds = None, 0.01
    steps = [(step.number, step.title) for step in STEPS]

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__()
        self.rows, self.version, self.looks = list(rows), 1, dict[tuple[str, str], Look]()
        self.room = settle(clock.keys(), {})

    async def look(self, attendee: str, word: str) -> Look:
        if (attendee, word) not in self.looks:
            raise Refused(f"{attendee} has no version {word!r}.")
        return self.looks[attendee, word]


@dataclass
class Board:
    """The board's application, with what stands behind it. asked: whose catch_up was started, and for what."""

    watch: Given
    audit: Audit
    asked: list[tuple[str, str]]
    door: Door

    def cookies(self, name: str, session: str = "of the hub") -> dict[str, str]:
        """What a browser has after a sign-in."""
        answer = Response()
        self.door.sessions.begin(answer, Person(name, name == "instructor", session), f"token of {name}")
        key, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
        return {key: value, SESSION_COOKIE: session}

    def browser(self, name: str | None = None) -> TestClient:
        """A browser of somebody, who is signed in; without a name, of nobody."""
        cookies = self.cookies(name) if name else {}
        return TestClient(self.door, "http://room", cookies=cookies, follow_redirects=False)


def board_of(home: Path, rows: Sequence[Row], refuses: Callable[[str], str] = lambda name: "") -> Board:
    """A board of these rows, whose roster they are. FDE_HOME must be `home`: its clocks are a folder there."""
    names, asked = [row.attendee for row in rows], list[tuple[str, str]]()
    for name in (None, *names):
        clock.folder(name).mkdir(parents=True)
    clock.set_days(DAYS)

    async def trigger(attendee: str, to: str) -> None:
        if why := refuses(attendee):
            raise Refused(why)
        asked.append((attendee, to))

    audit, watch = Audit(home / "board"), Given(rows)
    pace = Pace(audit, names, DAYS, trigger, WORDS)
    sign_in = SignIn(SERVICE, f"{PREFIX}oauth_callback", "http://room")
    door = app(watch, pace, audit, clock.keys, names, WORDS, sign_in)  # type: ignore[arg-type]
    return Board(watch, audit, asked, door)


def form_of(page: str) -> str:
    """The key that the forms of a page carry."""
    found = re.search(r'name="form" value="([^"]+)"', page)
    assert found
    return found[1]


def without_form_keys(page: str) -> str:
    """A page without the keys that its forms carry, which by chance may hold any short word."""
    return re.sub(r'name="form" value="[^"]+"', "", page)


def row(name: str, step: int = 1, why: str = "", red: bool = False, day: int = 1, **more: Any) -> Row:
    """A row of somebody who is at a step."""
    cells = [Cell(one.number, DONE if one.number < step else NOT_YET) for one in STEPS]
    if step <= len(STEPS):
        cells[step - 1] = Cell(step, RED if red else NOT_YET, why)
    return Row(name, tuple(cells), Clock(DAYS, DAYS[day - 1]), **more)


def look(name: str, **more: Any) -> Look:
    """A world that keeps no history and has no verdict, but for what is said."""
    told: dict[str, Any] = {"receipt": "none", "rows": [], "code": "", "diff": "", "verdict": [], "versions": []}
    return Look(name, **{**told, **more})
