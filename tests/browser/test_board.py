"""The board in a real browser: for eyes and ears, by keyboard, on a phone, without JavaScript; and kept up to date."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe

from tests.conftest import ROOT
from tests.pages import DAYS, PREFIX, Board, board_of, look, row
from tests.room import free_port, wait_until
from workshop import clock
from workshop.board.row import Flag, Incident, Row

WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}

RED = "the law `a run again changes nothing` fails: sales of 2022-01-02 differ"
ROWS = [
    row(
        "blue",
        4,
        RED,
        red=True,
        day=3,
        flag=Flag("why does it count twice?", 1.0, DAYS[2], "failed", {"sales": 3}, ("rerun",), "-a\n+b\n c"),
        incidents=(Incident(DAYS[2], "fake-order", 1.0), Incident(DAYS[1], "late-file", 1.0, 61.0, 12)),
    ),
    row("green", 2, "dashboards do not show day 2", running="load_orders of 2022-01-02"),
    row("learner", 7, day=3),
]
SALES = [
    {"sales_date": day, "status": status, "orders": 3, "quantity": 4, "revenue_cents": cents}
    for day in DAYS[:2]
    for status, cents in (("gold", 59_950), ("silver", 101_520))
]
LAWS = [
    {"name": "rerun", "promise": "A run again changes nothing", "status": "fails", "why": "they differ", "hint": ""},
    {"name": "late", "promise": "A late order joins its day", "status": "holds", "why": "", "hint": ""},
]
LOOK = look(
    "blue",
    receipt="2022-01-02@v3",
    rows=SALES,
    code=(ROOT / "solutions" / "functional.py").read_text(),
    diff="--- when no law failed\n+++ here\n@@ -1 +1 @@\n-old\n+new\n same",
    verdict=LAWS,
    versions=[(3, DAYS[1], 12, "users v3, orders v3", "0a1b2c3d")],
)


class Served:
    """A board that answers at a port of this machine."""

    def __init__(self, board: Board) -> None:
        self.board, self.port = board, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            board.door, port=self.port, log_level="warning", lifespan="off", timeout_graceful_shutdown=1
        )
        self.server, self.loop = uvicorn.Server(config), asyncio.new_event_loop()

    @contextmanager
    def serving(self) -> Iterator[None]:
        thread = threading.Thread(target=lambda: self.loop.run_until_complete(self.server.serve()))
        thread.start()
        wait_until(lambda: self.server.started, 30, "a board that listens")
        yield
        self.server.should_exit = True
        thread.join()

    def tell(self, rows: list[Row]) -> None:
        """Let the board have news."""
        watch = self.board.watch
        asyncio.run_coroutine_threadsafe(watch.tell(rows, watch.room, ""), self.loop).result()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("FDE_HOME", str(tmp_path))
    monkeypatch.delenv("FDE_WORLD", raising=False)
    board = board_of(tmp_path, ROWS)
    board.watch.looks = {("blue", ""): LOOK, ("blue", "v3"): LOOK, ("learner", ""): look("learner")}
    for key, value in {"day": DAYS[2], "hold": DAYS[3], "message": "coffee at 10:30"}.items():
        clock.put(None, key, value)
    clock.put(None, "incidents", f"{DAYS[2]} fake-order blue\n{DAYS[1]} late-file *")
    board.watch.room = clock.read("blue")
    board.audit.add("instructor", "Everyone is at day 3.", before={"": {"day": None}}, after={"": {"day": DAYS[2]}})
    one = Served(board)
    with one.serving():
        yield one


@pytest.fixture
def opened(served: Served, chromium: Any) -> Iterator[Any]:
    """Opens a page of the board as somebody. What a page complains about, or asks others for, fails the test."""
    contexts, wrong = [], []

    def opens(name: str, path: str = "", **more: Any) -> Any:
        context = chromium.new_context(**{"viewport": WIDE, **more})
        contexts.append(context)
        cookies = served.board.cookies(name).items()
        context.add_cookies([{"name": key, "value": value, "url": served.url} for key, value in cookies])
        context.on("request", lambda asked: None if asked.url.startswith(served.url) else wrong.append(asked.url))
        page = context.new_page()
        page.on("console", lambda line: wrong.append(line.text) if line.type in ("error", "warning") else None)
        page.goto(f"{served.url}{PREFIX}{path}")
        return page

    opens.wrong = wrong  # type: ignore[attr-defined]
    yield opens
    for context in contexts:
        context.close()
    assert not wrong


LOOKS = [("instructor", ""), ("instructor", "?names=hidden&done=1"), ("instructor", "attendee/blue?at=v3")]
LOOKS += [("blue", ""), ("green", ""), ("learner", "attendee/learner"), ("instructor", "attendee/learner")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_page_is_for_everybody(opened: Any, scheme: str, viewport: dict[str, int]) -> None:
    for name, path in LOOKS:
        page = opened(name, path, viewport=viewport, color_scheme=scheme)
        found = Axe().run(page)
        assert found.violations_count == 0, f"{name} {path}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], (name, path)
        assert page.locator("[data-live] .state").count() or path


def test_a_law_of_axe_that_is_broken_is_found(opened: Any) -> None:
    """Else the test above would look for nothing."""
    page = opened("instructor")
    page.evaluate("document.querySelector('label').remove()")
    assert Axe().run(page).violations_count


def test_what_is_new_comes_by_itself_and_disturbs_nobody(served: Served, opened: Any) -> None:
    page = opened("instructor")
    page.fill("#words", "half a sentence")
    page.locator("#of-green").focus()
    served.tell([row("green", 3, "orders of 2022-01-02: quantity is no number", red=True), *ROWS[::-2]])
    page.get_by_text("quantity is no number").wait_for()
    assert page.get_by_role("row").nth(1).get_by_role("rowheader").inner_text() == "green"
    assert page.evaluate("document.activeElement.id") == "of-green"
    assert page.input_value("#words") == "half a sentence"
    assert "2 red" in page.get_by_role("status").inner_text()


def test_an_attendee_hears_of_their_own_row(served: Served, opened: Any) -> None:
    page = opened("green")
    served.tell([*ROWS[:1], row("green", 3, "another reason"), *ROWS[2:]])
    page.get_by_text("another reason").wait_for()
    assert "blue" not in page.content()


def test_when_the_sign_in_has_ended_the_page_asks_the_hub_again(served: Served, opened: Any) -> None:
    page = opened("instructor")
    served.board.door.sessions.tokens.clear()
    served.tell(ROWS[::-1])
    page.wait_for_url(re.compile("/hub/api/oauth2/authorize"))
    page.close()
    opened.wrong.clear()  # no hub is there


def test_a_board_that_was_away_is_found_again(served: Served, opened: Any) -> None:
    page = opened("blue")
    page.route("**/events?*", lambda route: route.fulfill(status=204))  # ends it for good, as a 502 does
    page.reload()
    with page.expect_navigation():
        pass


def test_the_keyboard_is_enough(opened: Any) -> None:
    page = opened("instructor")

    def tab_to(text: str) -> None:
        page.wait_for_load_state()  # before its style sheet is there, nothing shows what is chosen
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.textContent.trim()") == text:
                outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline == "solid", f"nobody sees that {text} is chosen"
                return
        raise AssertionError(f"{text} is not reached by Tab")

    tab_to("blue")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="What the dashboard shows").wait_for()
    tab_to("v3")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="blue at v3").wait_for()
    tab_to("All attendees")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Where everybody is").wait_for()
    tab_to("Next day, for everyone")
    page.keyboard.press("Enter")
    page.locator("#done").wait_for()
    assert clock.keys()["day"].strip() == DAYS[3]
    tab_to("Undo")
    page.keyboard.press("Space")
    page.get_by_text("Taken back").first.wait_for()
    assert clock.keys()["day"].strip() == DAYS[2]


def test_without_javascript_all_is_read_and_done(opened: Any) -> None:
    page = opened("instructor", java_script_enabled=False)
    assert page.locator("meta[http-equiv=refresh]").get_attribute("content") == "10"
    assert page.get_by_role("rowheader").all_inner_texts() == ["blue", "green", "learner"]
    page.get_by_role("link", name="Hold it still").click()
    page.locator("meta[http-equiv=refresh]").wait_for(state="detached")
    page.fill("#words", "lunch")
    page.get_by_role("button", name="Say").click()
    page.get_by_text("Message to the room: lunch").first.wait_for()
    page.locator("#done").get_by_role("button").click()
    page.get_by_text("Taken back").first.wait_for()
    assert clock.keys()["message"] == "coffee at 10:30"


def test_a_listener_hears_headers_states_and_reasons(opened: Any) -> None:
    page = opened("instructor")
    table = page.get_by_role("table", name="Attendees and steps")
    assert table.get_by_role("columnheader").count() == 9
    blue = table.get_by_role("row", name="blue")
    assert [cell.split()[-1] for cell in blue.get_by_role("cell").all_inner_texts()[:4]] == ["done"] * 3 + ["red"]
    assert RED in blue.inner_text() and "asks for help" in blue.inner_text()
    phone = opened("instructor", viewport=PHONE)
    cell = phone.get_by_role("row", name="blue").get_by_role("cell", name="red")
    assert cell.count() == 1  # only eyes lose the word there
