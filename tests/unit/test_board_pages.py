"""The board's pages and forms: who sees what, what is escaped, what is refused."""

import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from itsdangerous import URLSafeTimedSerializer

from tests.conftest import ROOT
from tests.pages import DAYS, PREFIX, SERVICE, Board, board_of, form_of, look, row, without_form_keys
from workshop import clock
from workshop.board.door import HEADERS
from workshop.board.names import Names
from workshop.board.row import Flag, Incident, Row
from workshop.board.session import COOKIE
from workshop.oauth import SESSION_COOKIE

EVIL = """</td><script>alert(1)</script><img src=x onerror=alert(2)>"'{{7777*7777}}{%raw%}&amp;‮"""
DISTINCT = "only-this-once"


def flag(words: str, **more: Any) -> Flag:
    told: dict[str, Any] = {"day": DAYS[0], "run": "", "versions": {}, "law": (), "diff": ""}
    return Flag(words, time.time() - 60, **{**told, **more})


def of(name: str, text: str, **more: Any) -> Row:
    """A row that says one text wherever it says any."""
    told = row(name, 3, text, red=True, running=text, trouble=text + "!", **more)
    evidence = {"run": text, "law": (text,), "diff": f"+{text}\n-{text}\n {text}", "versions": {text: 1}}
    return replace(told, flag=flag(text, **evidence), incidents=(Incident(DAYS[0], text, time.time()),))


def shown(name: str, text: str) -> Any:
    sale = {"sales_date": text, "status": text, "orders": text, "revenue_cents": 5, "quantity": 1}
    law = {"name": text, "promise": text, "status": text, "why": text, "hint": text}
    return look(
        name, receipt=text, rows=[sale], code=text, diff=text, verdict=[law], versions=[(3, text, 1, text, text)]
    )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FDE_HOME", str(tmp_path))
    monkeypatch.delenv("FDE_WORLD", raising=False)
    return tmp_path


@pytest.fixture
def board(home: Path) -> Board:
    one = board_of(home, [row("blue", 3, "not there: 2022-01-02", red=True), row("green", 2)])
    one.watch.looks = {("blue", ""): look("blue"), ("green", ""): look("green", code=DISTINCT)}
    return one


# --- who sees what


def test_the_instructor_sees_each_attendee_at_each_step_with_the_reason(board: Board) -> None:
    page = board.browser("instructor").get(PREFIX).text
    rows = {found[1]: found[0] for found in re.finditer(r'<tr role="row" class.*?id="of-(\w+)".*?</tr>', page, re.S)}
    words = {name: re.findall(r"<span>(done|red|not yet|here)<", text) for name, text in rows.items()}
    assert words["blue"] == ["done", "done", "red", "not yet", "not yet", "not yet"]
    assert words["green"] == ["done", "here", "not yet", "not yet", "not yet", "not yet"]
    assert "Step 3</b>: <bdi>not there: 2022-01-02" in rows["blue"]
    assert "1 red" in page and "1 at step 2" in page and "1 at step 3" in page


def test_rows_stand_as_who_watches_sorts_them(board: Board) -> None:
    board.watch.rows.reverse()
    page = board.browser("instructor").get(PREFIX).text
    assert re.findall(r'id="of-(\w+)"', page) == ["green", "blue"]


def test_an_attendee_sees_their_own_row_and_nobody_elses(board: Board) -> None:
    clock.put(None, "message", "coffee")
    board.watch.room = replace(board.watch.room or pytest.fail(), message="coffee")
    page = board.browser("green").get(PREFIX).text
    assert "green" in page and "coffee" in page and "here" in page
    assert "blue" not in page and "<form" not in page and "instructor" not in page


@pytest.mark.parametrize("name", ["blue", "~1", "~2", "nobody", "GREEN", "green ", "instructor"])
def test_an_attendee_opens_no_world_but_their_own(board: Board, name: str) -> None:
    assert board.browser("green").get(f"{PREFIX}attendee/green").status_code == 200
    answer = board.browser("green").get(f"{PREFIX}attendee/{name}")
    assert answer.status_code == 404 and "there is no such attendee" in answer.text


def test_an_attendee_whose_world_was_not_looked_at_yet_is_told_so(board: Board) -> None:
    board.watch.rows, board.watch.room = [], None
    for name in ("green", "instructor"):
        assert board.browser(name).get(PREFIX).status_code == 200


def test_a_clock_that_is_half_a_word_is_told_and_can_be_set_again(board: Board) -> None:
    clock.put(None, "hold", "tomorrow")
    person = board.browser("instructor")
    page = person.get(PREFIX)
    assert page.status_code == 200 and "no day of the story" in page.text
    done = person.post(f"{PREFIX}do/hold", data={"form": form_of(page.text), "day": ""})
    assert done.status_code == 303 and clock.keys().get("hold") is None


# --- sign-in


PAGES = [PREFIX, f"{PREFIX}attendee/blue"]
ASKED = [f"{PREFIX}{path}" for path in ("events?since=0", "static/board.css", "metrics", "do/next-day", "x")]


def test_without_a_session_nothing_but_the_way_to_the_hub(board: Board) -> None:
    nobody = board.browser()
    for path in PAGES:
        assert nobody.get(path).headers["location"].startswith("/hub/api/oauth2/authorize?")
    for path in [*ASKED, "/", "/docs"]:
        assert nobody.get(path).status_code == 401, path
        assert nobody.post(path).status_code == 401, path
    assert nobody.get("/health").status_code == nobody.get(f"{PREFIX}health").status_code == 200


def cookie(board: Board, secret: str = SERVICE.secret, salt: str = "board", **claims: Any) -> str:
    told = {"name": "instructor", "admin": True, "session": "of the hub", "key": "made-up", **claims}
    return str(URLSafeTimedSerializer(secret, salt=salt).dumps(list(told.values())))


def test_a_forged_cookie_is_nobodys(board: Board) -> None:
    mine = board.cookies("blue")[COOKIE]
    body, _, signature = mine.partition(".")
    other = board.cookies("instructor")[COOKIE]
    forged = ["", "x", mine[:-3], f"{other.partition('.')[0]}.{signature}", f"{body}.", other.swapcase()]
    forged += [cookie(board, "another secret"), cookie(board, salt="board-sign-in"), cookie(board)]
    for value in forged:
        person = board.browser()
        person.cookies.update({COOKIE: value, SESSION_COOKIE: "of the hub"})
        assert person.get(PREFIX).status_code == 302, value
    person.cookies.set(COOKIE, other)
    assert person.get(PREFIX).status_code == 200


@pytest.mark.parametrize("session", ["", "of another", "of the hub2"])
def test_a_cookie_ends_with_the_session_of_the_hub(board: Board, session: str) -> None:
    person = board.browser("instructor")
    person.cookies.set(SESSION_COOKIE, session)
    assert person.get(PREFIX).status_code == 302


def test_a_cookie_ends_after_an_hour(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    person, now = board.browser("blue"), time.time()
    for seconds, status in ((3500, 200), (3700, 302)):
        monkeypatch.setattr("itsdangerous.timed.time.time", lambda later=seconds: now + later)
        assert person.get(PREFIX).status_code == status


def test_a_new_board_knows_no_token_of_the_former_and_asks_the_hub_again(board: Board) -> None:
    instructor, blue = board.browser("instructor"), board.browser("blue")
    board.door.sessions.tokens.clear()
    assert instructor.get(PREFIX).status_code == 302
    assert blue.get(PREFIX).status_code == 200  # who may only look needs no token


def test_the_token_of_the_hub_never_leaves_the_board(board: Board) -> None:
    person = board.browser("instructor")
    for path in PAGES:
        answer = person.get(path)
        assert "token of instructor" not in f"{answer.text}{answer.headers}{dict(person.cookies)}"
    assert list(board.door.sessions.tokens.values()) == ["token of instructor"]
    board.cookies("blue")
    assert len(board.door.sessions.tokens) == 1


def test_no_authorization_header_opens_anything(board: Board) -> None:
    for shown_ in ("token of instructor", SERVICE.secret, board.cookies("instructor")[COOKIE]):
        for scheme in ("Bearer", "token"):
            assert board.browser().get(PREFIX, headers={"Authorization": f"{scheme} {shown_}"}).status_code == 302


# --- what people wrote


def test_whatever_attendees_write_is_text(home: Path) -> None:
    board = board_of(home, [of("blue", EVIL)])
    board.watch.looks = {("blue", ""): shown("blue", EVIL)}
    board.watch.trouble, board.watch.airflow = EVIL, EVIL
    board.audit.add(EVIL, EVIL)
    clock.put(None, "message", EVIL)
    clock.put(None, "incidents", f"{DAYS[0]} {EVIL.replace(' ', '')} *")
    for name, path in (("instructor", PREFIX), ("instructor", f"{PREFIX}attendee/blue"), ("blue", PREFIX)):
        page = board.browser(name).get(path).text
        assert page.count("<script") == (path == PREFIX) and "<img" not in page and "alert(1)&lt;/script&gt;" in page
        assert "60481729" not in page and "{{7777*7777}}" in page  # long enough to be in no random token


def test_what_is_asked_for_comes_back_as_text(board: Board) -> None:
    person = board.browser("instructor")
    for path in (f"{PREFIX}?done={EVIL}&names={EVIL}", f"{PREFIX}attendee/blue?at={EVIL}", f"{PREFIX}attendee/{EVIL}"):
        assert "<script>alert" not in person.get(path).text


TRICKS = ["..", "%2e%2e", "%2e%2e%2f", "../green", "..%2fgreen", "blue/..%2fgreen", "blue%00", "blue%0a", "bl%C3%BCe"]
TRICKS += ["ｂｌｕｅ", "BLUE", "blue.", "-", "~0", "~3", "~١", "~01", "~-1", "~1x", "a" * 5000, "blue%2f", "%7e1%2f.."]


@pytest.mark.parametrize("name", TRICKS)
def test_a_name_that_is_none_of_the_roster_is_none(board: Board, name: str) -> None:
    answer = board.browser("instructor").get(f"{PREFIX}attendee/{name}")
    assert answer.status_code in (401, 404) and DISTINCT not in answer.text


@pytest.mark.parametrize("at", ["v9", "../v3", "v3%00", "%E2%80%AE", "v" * 5000, "2022-01-02@v3/../..", "latest;"])
def test_a_version_that_is_none_is_a_line_and_never_another_world(board: Board, at: str) -> None:
    answer = board.browser("instructor").get(f"{PREFIX}attendee/blue?at={at}")
    assert answer.status_code == 404 and "has no version" in answer.text and DISTINCT not in answer.text
    assert len(answer.text) < 60_000


@pytest.mark.parametrize("path", ["%2e%2e/pages.py", "..%2fpages.py", "../templates/board.html", "%2fetc/passwd"])
def test_static_files_are_those_of_the_board(board: Board, path: str) -> None:
    answer = board.browser("instructor").get(f"{PREFIX}static/{path}")
    assert answer.status_code in (401, 404) and "import" not in answer.text


# --- names that are hidden


def test_hidden_names_stand_nowhere(home: Path) -> None:
    text = "worlds/blue/desk of user_data_dag.blue, not Green's, _blue_ and learner-2/x, blue"
    names = ("blue", "green", "learner", "learner-2")
    board = board_of(home, [of(name, text) for name in names])
    board.watch.looks = {("blue", ""): shown("blue", text), ("blue", "v3"): shown("blue", text)}
    board.watch.trouble = board.watch.airflow = text
    board.audit.add("blue", text, before={"blue": {"day": None}}, desks=("blue",))
    clock.put(None, "message", text)
    clock.put(None, "incidents", f"{DAYS[0]} fake-order blue\n{DAYS[1]} late-file learner-2\n{DAYS[1]} late-file *")
    person = board.browser("instructor")
    page = person.get(f"{PREFIX}?names=hidden&done=1").text
    pages = [page, *(person.get(link.partition("#")[0]).text for link in re.findall(r'href="([^"]*~1[^"]*)"', page))]
    pages += [person.get(f"{PREFIX}attendee/~1?at=v3").text, person.get(f"{PREFIX}attendee/~1?at=v9").text]
    assert len(pages) == 4 and all("attendee 1" in one for one in pages)
    for one in pages:
        assert not re.search("blue|green|learner", without_form_keys(one), re.IGNORECASE)


def test_hidden_names_are_numbers_of_the_roster_whatever_the_order(board: Board) -> None:
    for _ in range(2):
        board.watch.rows.reverse()
        page = board.browser("instructor").get(f"{PREFIX}?names=hidden").text
        assert re.findall(r'href="/services/board/attendee/~(\d)">attendee (\d)', page) in (
            [("1", "1"), ("2", "2")],
            [("2", "2"), ("1", "1")],
        )
        assert 'red">\n  <th scope="row" role="rowheader"><a id="of-~1"' in page


@pytest.mark.parametrize("text", ["ſam", "saam", "same", "Sam", "sam_", "sam-2", "sam.sam"])
def test_hiding_takes_whole_words_only_and_breaks_at_none(text: str) -> None:
    names = Names(["sam", "sam-2"], hidden=True)
    hides = {"Sam": "attendee 1", "sam_": "attendee 1_", "sam-2": "attendee 2", "sam.sam": "attendee 1.attendee 1"}
    assert names.shown(text) == hides.get(text, text)
    assert Names(["sam"], hidden=False).shown(text) == text


def test_from_a_hidden_page_one_comes_back_to_a_hidden_page(board: Board) -> None:
    person = board.browser("instructor")
    page = person.get(f"{PREFIX}?names=hidden").text
    form = {"form": form_of(page), "names": "hidden", "step": "2", "whom": "~1"}
    done = person.post(f"{PREFIX}do/catch-up", data=form)
    assert done.headers["location"] == f"{PREFIX}?names=hidden&done=1" and board.asked == [("blue", "2")]
    assert "blue" not in without_form_keys(person.get(done.headers["location"]).text)


# --- forms

FORMS: list[tuple[str, dict[str, str], dict[str, str]]] = [
    ("next-day", {}, {"day": DAYS[1]}),
    ("day", {"day": DAYS[2], "whom": "room"}, {"day": DAYS[2]}),
    ("day", {"day": DAYS[2], "whom": "everyone"}, {"day": DAYS[2]}),
    ("hold", {"day": DAYS[1]}, {"hold": DAYS[1]}),
    ("message", {"words": "coffee <b>"}, {"message": "coffee <b>"}),
    ("inject", {"day": DAYS[1], "name": "late-file", "whom": "blue"}, {"incidents": f"{DAYS[1]} late-file blue"}),
    ("inject", {"day": DAYS[1], "name": "late-file", "whom": "*"}, {"incidents": f"{DAYS[1]} late-file *"}),
]


def pressed(board: Board, action: str, form: dict[str, str], who: str = "instructor", **headers: str) -> Any:
    person = board.browser(who)
    key = form_of(person.get(PREFIX).text)
    return person.post(f"{PREFIX}do/{action}", data={"form": key, **form}, headers=headers)


@pytest.mark.parametrize(("action", "form", "keys"), FORMS)
def test_a_form_does_what_it_says_and_is_taken_back(
    board: Board, action: str, form: dict[str, str], keys: dict[str, str]
) -> None:
    before = clock.keys()
    done = pressed(board, action, form)
    assert done.status_code == 303, done.text
    assert {key: value.strip() for key, value in clock.keys().items() if key in keys} == keys
    page = board.browser("instructor").get(done.headers["location"]).text
    assert 'id="done"' in page and "instructor" in page
    assert pressed(board, "undo", {"entry": re.findall(r'name="entry" value="(\d+)"', page)[0]}).status_code == 303
    assert clock.keys() == before


def test_everyone_moves_with_the_room_and_the_room_moves_without_them(board: Board) -> None:
    clock.put("blue", "day", DAYS[0])
    pressed(board, "day", {"day": DAYS[2], "whom": "room"})
    assert clock.keys("blue") == {"day": DAYS[0]}
    pressed(board, "day", {"day": DAYS[3], "whom": "everyone"})
    assert clock.keys("blue") == {}


def test_an_incident_is_removed_by_its_own_button(board: Board) -> None:
    pressed(board, "inject", {"day": DAYS[1], "name": "late-file", "whom": "blue"})
    page = board.browser("instructor").get(PREFIX).text
    found = re.search(r'do/remove">.*?</form>', page, re.S)
    assert found
    fields = {key: value for key, value in re.findall(r'name="(\w+)" value="([^"]*)"', found[0]) if key != "form"}
    assert pressed(board, "remove", fields).status_code == 303
    assert clock.keys().get("incidents") is None


def test_catch_up_is_for_one_or_for_all_who_are_behind(board: Board) -> None:
    board.watch.rows = [row("blue", 3), row("green", 2)]
    pressed(board, "catch-up", {"step": "3", "whom": "behind"})
    assert board.asked == [("green", "3")]
    pressed(board, "catch-up", {"step": "5", "whom": "behind"})
    assert board.asked[1:] == [("blue", "5"), ("green", "5")]
    pressed(board, "catch-up", {"step": "1", "whom": "blue"})
    assert board.asked[3:] == [("blue", "1")]


REFUSED: list[tuple[str, dict[str, str], int]] = [
    ("day", {"day": "2022-01-09", "whom": "room"}, 409),
    ("day", {}, 409),
    ("hold", {"day": EVIL}, 409),
    ("message", {"words": "x" * 301}, 409),
    ("inject", {"day": DAYS[0], "name": "../x", "whom": "*"}, 409),
    ("inject", {"day": DAYS[0], "name": "late-file", "whom": "nobody"}, 404),
    ("remove", {"day": DAYS[0], "name": "late-file", "whom": "blue"}, 409),
    ("catch-up", {"step": "7", "whom": "blue"}, 409),
    ("catch-up", {"step": "٣", "whom": "blue"}, 409),
    ("catch-up", {"step": "1", "whom": "behind"}, 409),
    ("catch-up", {"step": "2", "whom": "../blue"}, 404),
    ("undo", {"entry": "99"}, 409),
    ("undo", {"entry": "1e9"}, 404),
    ("undo", {"entry": "٣"}, 409),
    ("undo", {}, 404),
    ("drop", {}, 404),
    ("..", {}, 404),
]


@pytest.mark.parametrize(("action", "form", "status"), REFUSED)
def test_what_cannot_be_is_a_line_and_changes_nothing(
    board: Board, action: str, form: dict[str, str], status: int
) -> None:
    before = clock.keys()
    answer = pressed(board, action, form)
    assert answer.status_code in (status, 405), answer.text
    assert "Traceback" not in answer.text and "<script>alert" not in answer.text
    assert clock.keys() == before and not board.audit.entries() and not board.asked


def test_what_airflow_refuses_is_said(home: Path) -> None:
    board = board_of(home, [row("blue")], refuses=lambda name: f"Airflow refuses catch_up of {name} <b>")
    answer = pressed(board, "catch-up", {"step": "1", "whom": "blue"})
    assert answer.status_code == 409 and "refuses catch_up of blue &lt;b&gt;" in answer.text


def test_a_form_without_its_key_or_with_anothers_does_nothing(board: Board) -> None:
    person, other = board.browser("instructor"), board.browser("instructor")
    keys = [form_of(other.get(PREFIX).text), "", "x", form_of(person.get(PREFIX).text)[:-1], "é"]
    for form in ({"x": "1"}, *({"form": key} for key in keys)):
        answer = person.post(f"{PREFIX}do/next-day", data=form)
        assert answer.status_code == 403 and "nothing was done" in answer.text
    assert clock.keys().get("day") is None


def test_an_attendee_does_nothing_whatever_key_they_show(board: Board) -> None:
    person, sessions = board.browser("blue"), board.door.sessions
    own = sessions.forms.get_signature(sessions.cookies.loads(person.cookies[COOKIE])[-1]).decode()
    for shown_ in (own, form_of(board.browser("instructor").get(PREFIX).text)):
        for action in ("next-day", "message", "catch-up", "inject", "remove", "hold", "day", "undo"):
            answer = person.post(f"{PREFIX}do/{action}", data={"form": shown_, "words": "x"})
            assert answer.status_code == 403 and "only the instructor" in answer.text
    assert not board.audit.entries()


OTHERS = [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://room:81"}]
OTHERS += [{"Sec-Fetch-Site": site, "Origin": "http://room"} for site in ("cross-site", "same-site")]


@pytest.mark.parametrize("headers", OTHERS)
def test_a_page_of_another_site_changes_nothing(board: Board, headers: dict[str, str]) -> None:
    assert pressed(board, "next-day", {}, **headers).status_code == 403
    assert clock.keys().get("day") is None
    own = {"Origin": "http://room", "Sec-Fetch-Site": "same-origin"}
    assert pressed(board, "next-day", {}, **own).status_code == 303


def test_what_is_no_form_of_ours_is_refused(board: Board) -> None:
    person = board.browser("instructor")
    key, path = form_of(person.get(PREFIX).text), f"{PREFIX}do/next-day"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert person.post(path, json={"form": key}).status_code == 400
    assert person.post(path, files={"form": key.encode()}).status_code == 400
    assert person.post(path, content=b"form=%ff", headers=kind).status_code == 400
    assert person.post(path, content=f"form={key}&x={'y' * 20_000}", headers=kind).status_code == 413
    assert person.post(path, content="&".join(f"a{n}=1" for n in range(50)), headers=kind).status_code == 400
    assert person.get(path).status_code == 405
    assert clock.keys().get("day") is None


# --- headers, numbers


def test_every_answer_keeps_other_sites_and_foreign_code_out(board: Board) -> None:
    for person in (board.browser("instructor"), board.browser("blue"), board.browser()):
        for path in [*PAGES, *ASKED, "/health", "/metrics", "/nothing"]:
            answer = person.get(path) if not path.endswith("since=0") else person.get(path.replace("0", "x"))
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy


def test_cookies_are_not_for_scripts_and_other_sites(board: Board) -> None:
    line = board.browser().get(PREFIX).headers["set-cookie"].lower()
    assert {"httponly", "samesite=lax", f"path={PREFIX}"} <= {part.strip() for part in line.split(";")}


def test_numbers_are_for_the_boards_own_port_and_the_instructor(board: Board) -> None:
    told = board.browser().get("/metrics")
    assert told.status_code == 200 and 'workshop_step_done{step="1"} 2.0' in told.text
    assert "workshop_attendees_in_trouble 1.0" in told.text
    assert "blue" not in told.text and "green" not in told.text
    proxied = {"X-Forwarded-For": "192.0.2.1"}
    for path in ("/metrics", f"{PREFIX}metrics"):
        assert board.browser().get(path, headers=proxied).status_code == 401
        assert board.browser("blue").get(path, headers=proxied).status_code == 403
        assert board.browser("instructor").get(path, headers=proxied).status_code == 200


def test_no_template_has_code_or_styles_inside(board: Board) -> None:
    """The policy would keep them from working."""
    for file in (ROOT / "src/workshop/board/templates").iterdir():
        assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:|//[a-z]+\.", file.read_text()), file


def test_the_board_starts_without_airflow_and_pandas() -> None:
    """Its start would take seconds, and its memory a world's."""
    code = "import sys, workshop.board.__main__; print({'airflow', 'pandas', 'deltalake'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
