"""The board in the running room: who gets in, who may act, and in whose name."""

import re
import time
from typing import Any

import httpx
import pytest

from tests.people import AIRFLOW, BOARD, PLAIN, Person, arrived, environment_of
from tests.room import wait_until
from workshop import plan

pytestmark = pytest.mark.embedded

COOKIES = ("board", "board-sign-in")


def key(room: Any, name: str, attendee: str = "") -> str:
    """A key of a clock."""
    file = room.home / "clocks" / (f"clock-{attendee}" if attendee else "clock") / name
    return str(file.read_text().strip()) if file.exists() else ""


def test_who_is_signed_in_is_signed_in(room: Any, blue: Person, instructor: Person) -> None:
    page = blue.open_board()
    assert page.status_code == 200 and "Where you are, blue" in page.text
    assert "green" not in page.text and "<form" not in page.text
    assert all(step.headers["location"].startswith("/") for step in page.history)
    wait_until(lambda: re.findall('id="of-', instructor.open_board().text) == ['id="of-'] * 2, 180, "two rows")
    assert instructor.open_board("attendee/green").status_code == 200
    assert blue.open_board("attendee/green").status_code == 404


def test_a_page_deep_inside_opens_after_the_sign_in(room: Any) -> None:
    person = Person(room.url)
    assert person.sign_in("blue", room.access["attendees"]["blue"]).status_code == 302
    assert person.open_board("attendee/blue?at=v1").url.path == f"{BOARD}attendee/blue"


def test_cookies_of_the_board_stay_with_it(room: Any) -> None:
    person = arrived(room, "blue")
    chain = person.open_board().history
    lines = [line.lower() for step in chain for line in step.headers.get_list("set-cookie")]
    ours = [line for line in lines if line.startswith(tuple(f"{name}=" for name in COOKIES))]
    assert len(ours) == 2
    for line in ours:
        assert {"httponly", "samesite=lax", f"path={BOARD}"} <= {part.strip() for part in line.split(";")}


def test_signing_out_of_the_hub_ends_the_board(room: Any) -> None:
    person = arrived(room, "blue")
    assert person.open_board().status_code == 200
    person.hub("GET", "/hub/logout")
    assert person.hub("GET", BOARD).status_code == 302
    person.sign_in("green", room.access["attendees"]["green"])
    assert "Where you are, green" in person.open_board().text


def test_a_state_is_good_only_in_its_own_browser(room: Any, blue: Person) -> None:
    blue.cookies.delete("board", path=BOARD)
    authorize = blue.hub("GET", BOARD).headers["location"]
    back = blue.hub("GET", authorize).headers["location"]
    assert back.startswith(f"{BOARD}oauth_callback?code=")
    assert arrived(room, "green").hub("GET", back).status_code == 403
    assert blue.hub("GET", back).status_code == 302
    assert blue.hub("GET", back).status_code == 403


def test_a_notebooks_token_opens_nothing_and_does_nothing(room: Any, blue: Person) -> None:
    own = wait_until(lambda: environment_of(room, blue, "blue"), 180, "the start of blue's JupyterLab")
    lab = own["JUPYTERHUB_API_TOKEN"]
    own = blue.hub_token("blue", ["access:services!service=board", "access:services!service=airflow"])
    for token in (lab, own):
        for port in (room.url, plan.read(room.home).board_url):
            notebook = httpx.Client(base_url=port, **PLAIN, headers={"Authorization": f"token {token}"})
            assert notebook.get(BOARD).headers["location"].startswith("/hub/api/oauth2/authorize")
            for path in ("events?since=0", "attendee", "metrics", "static/board.css"):
                assert notebook.get(BOARD + path).status_code == 401
            assert notebook.post(f"{BOARD}do/next-day", data={"form": "x"}).status_code == 401
    # The way of a browser, too: the hub gives no code for it, or one that ends in no session.
    notebook = httpx.Client(base_url=room.url, **PLAIN, headers={"Authorization": f"token {lab}"})
    assert "code=" not in notebook.get(notebook.get(BOARD).headers["location"]).headers.get("location", "")
    notebook.headers["Authorization"] = f"token {own}"
    back = notebook.get(notebook.get(BOARD).headers["location"]).headers.get("location", "")
    assert "code=" not in back or notebook.get(back).status_code == 403
    assert notebook.get(BOARD).status_code == 302


def test_at_its_own_port_nobody_is_anybody(room: Any, instructor: Person) -> None:
    own = httpx.Client(base_url=plan.read(room.home).board_url, **PLAIN)
    assert own.get("/health").status_code == 200
    numbers = own.get("/metrics").text
    assert "workshop_attendees 2.0" in numbers and "blue" not in numbers
    claims = [{}, {"X-Forwarded-User": "instructor"}, {"X-Forwarded-For": "127.0.0.1"}, {"Cookie": "board=instructor"}]
    for headers in claims:
        assert own.get(BOARD, headers=headers).status_code == 302
        for path in ("events?since=0", "static/board.js", "metrics", "docs"):
            assert own.get(BOARD + path, headers=headers).status_code == 401
        assert own.post(f"{BOARD}do/next-day", headers=headers).status_code == 401
    through = httpx.get(f"{room.url}{BOARD}metrics", **PLAIN)
    assert through.status_code == 401
    assert instructor.open_board().status_code == 200 and "workshop_flags" in instructor.open_board("metrics").text


def test_what_the_instructor_presses_is_done_written_down_and_taken_back(room: Any, instructor: Person) -> None:
    assert room.script("day-1").returncode == 0
    done = instructor.press("next-day")
    assert done.status_code == 303, done.text
    assert key(room, "day") == "2022-01-02"
    assert instructor.press("message", words="back at 11").status_code == 303
    page = instructor.open_board()
    assert "back at 11" in page.text
    entry = re.findall(r'name="entry" value="(\d+)"', page.text)
    assert instructor.press("undo", entry=entry[0]).status_code == 303
    assert instructor.press("undo", entry=entry[1]).status_code == 303
    assert (key(room, "day"), key(room, "message")) == ("2022-01-01", "")


def test_catch_up_is_done_in_airflow_by_the_instructor(room: Any, blue: Person, instructor: Person) -> None:
    path = f"{AIRFLOW}/api/v2/dags/catch_up.blue/dagRuns?order_by=-id"
    done = instructor.press("catch-up", step="2", whom="blue")
    assert done.status_code == 303, done.text
    newest = lambda: blue.hub("GET", path).json()["dag_runs"][0]  # noqa: E731
    assert newest()["triggering_user_name"] == "instructor" and newest()["conf"] == {"to": "2"}
    wait_until(lambda: newest()["state"] == "success", 180, "another desk for blue")


@pytest.mark.parametrize("action", ["next-day", "message", "hold", "catch-up", "undo"])
def test_an_attendee_does_nothing_there(room: Any, blue: Person, instructor: Person, action: str) -> None:
    before = key(room, "day"), key(room, "message"), key(room, "hold")
    found = re.search(r'name="form" value="([^"]+)"', instructor.open_board().text)
    blue.open_board()
    stolen = {"form": found[1] if found else "", "words": "x", "step": "1", "whom": "green", "entry": "1", "day": ""}
    assert blue.hub("POST", f"{BOARD}do/{action}", data=stolen).status_code == 403
    assert (key(room, "day"), key(room, "message"), key(room, "hold")) == before


def test_news_come_through_the_proxy(room: Any, instructor: Person) -> None:
    instructor.open_board()
    with instructor.stream("GET", f"{room.url}{BOARD}events?since=0") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert next(line for line in answer.iter_lines() if line and not line.startswith(":")).startswith("id: ")


def test_a_killed_board_comes_back_and_knows_people_without_asking_them(room: Any, instructor: Person) -> None:
    instructor.open_board()
    before = [process.pid for process in room.processes("board")]
    for process in room.processes("board"):
        process.kill()
    answers = lambda: instructor.open_board().status_code == 200 and room.processes("board")  # noqa: E731
    assert wait_until(answers, 120, "a new board")
    assert not {process.pid for process in room.processes("board")} & set(before)
    assert instructor.press("message", words=f"back at {time.time():.0f}").status_code == 303
