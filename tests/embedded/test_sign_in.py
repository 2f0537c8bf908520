"""One sign-in: JupyterHub says who somebody is, and Airflow opens for them and for nobody else."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from tests.people import AIRFLOW, PLAIN, Person, arrived, environment_of
from tests.room import wait_until
from workshop import plan

pytestmark = pytest.mark.embedded

BLUE, GREEN = "user_data_dag.blue", "user_data_dag.green"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def who(room: Any, headers: dict[str, str] | None = None, cookies: dict[str, str] | None = None) -> int:
    """The status with which Airflow answers "who am I?" to somebody who brings only this."""
    return httpx.get(f"{room.url}{AIRFLOW}/ui/auth/me", headers=headers, cookies=cookies, **PLAIN).status_code


@pytest.fixture(scope="module")
def server_token(room: Any, blue: Person) -> str:
    """The token that the hub gave to blue's JupyterLab."""
    own = wait_until(lambda: environment_of(room, blue, "blue"), 180, "the start of blue's JupyterLab")
    return str(own["JUPYTERHUB_API_TOKEN"])


# --- the way in


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_airflow_opens_signed_in_and_where_it_was_asked(room: Any, host: str) -> None:
    person = Person(f"http://{host}:{urlsplit(room.url).port}")
    assert person.sign_in("blue", room.access["attendees"]["blue"]).status_code == 302
    page = person.open_airflow(f"/dags/{BLUE}?tab=code")
    assert (page.status_code, str(page.url)) == (200, f"{person.room_url}{AIRFLOW}/dags/{BLUE}?tab=code")
    assert person.get("/ui/auth/me").json()["username"] == "blue"
    assert all(step.headers["location"].startswith("/") for step in page.history)


def test_a_full_address_as_next_leads_to_its_path(room: Any, blue: Person) -> None:
    page = blue.get("/api/v2/auth/login", params={"next": f"{room.url}{AIRFLOW}/dags/{BLUE}"}, follow_redirects=True)
    assert page.url.path == f"{AIRFLOW}/dags/{BLUE}"


def test_cookies_stay_with_airflow_and_away_from_scripts_and_other_sites(blue: Person) -> None:
    chain = blue.open_airflow().history
    cookies = [line.lower() for step in chain for line in step.headers.get_list("set-cookie")]
    ours = [line for line in cookies if line.startswith(("_token=", "airflow-sign-in="))]
    assert len(ours) == 2
    for line in ours:
        assert {"httponly", "samesite=lax", f"path={AIRFLOW}/"} <= {part.strip() for part in line.split(";")}


def test_an_attendee_has_their_own_dags_the_instructor_all(blue: Person, instructor: Person) -> None:
    mine = {dag["dag_id"]: dag["owners"] for dag in blue.get("/api/v2/dags").json()["dags"]}
    assert mine[BLUE] == ["blue"] and all(dag_id.endswith(".blue") for dag_id in mine)
    assert {BLUE, GREEN} <= {dag["dag_id"] for dag in instructor.get("/api/v2/dags").json()["dags"]}
    assert "start_import" in blue.get(f"/api/v2/dagSources/{BLUE}").json()["content"]


def test_an_attendee_backfills_pauses_and_clears_their_own_dag(blue: Person) -> None:
    dates = {"from_date": "2022-01-01T00:00:00Z", "to_date": "2022-01-02T00:00:00Z"}
    assert blue.post("/api/v2/backfills/dry_run", json={"dag_id": BLUE, **dates}).status_code == 200
    for paused in (True, False):
        assert blue.patch(f"/api/v2/dags/{BLUE}", json={"is_paused": paused}).json()["is_paused"] is paused
    assert blue.post(f"/api/v2/dags/{BLUE}/clearTaskInstances", json={"dry_run": True}).status_code == 200
    assert blue.delete(f"/api/v2/dags/{BLUE}").status_code == 403


def test_the_menu_has_no_page_that_is_refused(blue: Person, instructor: Person) -> None:
    assert blue.get("/ui/auth/menus").json()["authorized_menu_items"] == ["Dags", "XComs"]
    assert len(instructor.get("/ui/auth/menus").json()["authorized_menu_items"]) > 10


# --- passwords


@pytest.mark.parametrize("name", ["blue", "green", "instructor", "nobody", "BLUE", "Blue", "blue.", "blue/", "../blue"])
def test_a_name_with_somebody_elses_password_stays_out(room: Any, name: str) -> None:
    own = {**room.access["attendees"], **room.access["instructor"]}
    others = ["", "x", *(password for whose, password in own.items() if whose != name)]
    for password in others:
        person = Person(room.url)
        assert person.sign_in(name, password).status_code == 403
        assert person.get("/ui/auth/me").status_code == 401


@pytest.mark.parametrize("name", ["BLUE", "blue.", "ｂｌｕｅ", "blue\u200b", "blüe", "blue,green", "", "blue@x"])
def test_a_name_that_only_looks_like_an_attendees_stays_out(room: Any, name: str) -> None:
    assert Person(room.url).sign_in(name, room.access["attendees"]["blue"]).status_code in (400, 403)


@pytest.mark.parametrize("name", [" blue", "blue ", "blue\x00"])
def test_blanks_around_a_name_change_nobody(room: Any, name: str) -> None:
    person = Person(room.url)
    person.sign_in(name, room.access["attendees"]["blue"])
    assert person.open_airflow().status_code == 200
    assert person.get("/ui/auth/me").json()["username"] == "blue"


# --- open redirects, forged states, replayed codes

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example",
    "/user/green/",
    "javascript:alert(1)",
    "%2F%2Fevil",
]
ELSEWHERE += [
    f"{AIRFLOW}{end}" for end in ("/../../user/green/", "/%2e%2e/%2e%2e/user/green", "//evil.example", "-evil/x")
]
ELSEWHERE += [
    f"{AIRFLOW}/%252e%252e/x",
    f"{AIRFLOW}/\\..\\x",
    f"https://evil.example@x{AIRFLOW}-/",
    "http://[",
    "/services",
]


@pytest.mark.parametrize("next_", ELSEWHERE)
def test_signing_in_never_leads_out_of_airflow(blue: Person, next_: str) -> None:
    page = blue.get("/auth/login", params={"next": next_}, follow_redirects=True)
    assert page.history[-1].headers["location"] == f"{AIRFLOW}/"


def test_a_host_in_next_is_dropped(blue: Person) -> None:
    page = blue.get("/auth/login", params={"next": f"https://evil.example{AIRFLOW}/dags"}, follow_redirects=True)
    assert page.history[-1].headers["location"] == f"{AIRFLOW}/dags"


def callback_of(person: Person) -> httpx.URL:
    """The address with which the hub sends this browser back, not yet opened."""
    authorize = person.get("/auth/login").headers["location"]
    back = person.hub("GET", authorize).headers["location"]
    assert back.startswith(f"{AIRFLOW}/auth/oauth_callback?code=")
    return httpx.URL(person.room_url + back)


def test_a_state_is_good_only_in_its_own_browser(room: Any, blue: Person) -> None:
    """Else an attacker's callback address would sign a victim in as the attacker."""
    address, victim = callback_of(blue), arrived(room, "green")
    for other in (victim, Person(room.url)):
        answer = other.get(address)
        assert answer.status_code == 403 and "another browser" in answer.text
    assert victim.get("/ui/auth/me").json()["username"] == "green"


@pytest.mark.parametrize(
    "forge", [lambda s: "", lambda s: "x", lambda s: s[:-9] + s[-9:].swapcase(), lambda s: "W10." + s.split(".", 1)[1]]
)
def test_a_forged_state_is_refused(blue: Person, forge: Any) -> None:
    address = callback_of(blue)
    state = parse_qs(address.query.decode())["state"][0]
    assert blue.get(address.copy_set_param("state", forge(state))).status_code == 403


def test_a_code_is_good_once(blue: Person) -> None:
    address = callback_of(blue)
    assert blue.get(address).status_code == 302
    again = blue.get(address)
    assert again.status_code == 403 and "_token" not in again.headers.get("set-cookie", "")


@pytest.mark.parametrize("code", ["", "x", "' or 1=1"])
def test_a_made_up_code_is_refused(blue: Person, code: str) -> None:
    assert blue.get(callback_of(blue).copy_set_param("code", code)).status_code == 403


# --- tokens


def test_a_token_signed_by_nobody_or_somebody_else_is_refused(room: Any, blue: Person) -> None:
    claims = jwt.decode(blue.cookie("_token"), options={"verify_signature": False})
    claims |= {"sub": "green", "admin": True}
    header, _, signature = blue.cookie("_token").split(".")
    body = jwt.utils.base64url_encode(json.dumps(claims).encode()).decode()
    forged = [jwt.encode(claims, None, algorithm="none"), jwt.encode(claims, "k" * 96, algorithm="HS512")]
    forged += [f"{header}.{body}.{signature}", f"{header}.{body}.", blue.cookie("_token") + "x", "x"]
    cookies = {"jupyterhub-session-id": blue.cookie("jupyterhub-session-id")}
    for token in forged:
        assert who(room, cookies={**cookies, "_token": token}) in (401, 403)
        assert who(room, headers=bearer(token), cookies=cookies) in (401, 403)


def test_a_token_of_a_task_is_no_sign_in(room: Any) -> None:
    key = json.loads((room.home / "secrets.json").read_text())["jwt"]
    times = {"iat": time.time(), "nbf": time.time(), "exp": time.time() + 60}
    good = {"sub": "blue", "admin": False, "session": "", "aud": "apache-airflow", **times}
    assert who(room, headers=bearer(jwt.encode(good, key, algorithm="HS512"))) == 200
    wrong = [{"aud": "urn:airflow.apache.org:task"}, {"exp": time.time() - 60}]
    for changed in wrong:
        assert who(room, headers=bearer(jwt.encode(good | changed, key, algorithm="HS512"))) in (401, 403)
    for missing in ("sub", "admin", "session", "aud", "exp"):
        claims = {name: value for name, value in good.items() if name != missing}
        assert who(room, headers=bearer(jwt.encode(claims, key, algorithm="HS512"))) in (401, 403)


def test_signing_out_of_the_hub_ends_airflow(room: Any) -> None:
    person = arrived(room, "blue")
    token, session = person.cookie("_token"), person.cookie("jupyterhub-session-id")
    assert who(room, cookies={"_token": token, "jupyterhub-session-id": session}) == 200
    person.hub("GET", "/hub/logout")
    assert person.get("/ui/auth/me").status_code == 401
    assert who(room, headers=bearer(token)) == 403
    person.sign_in("green", room.access["attendees"]["green"])
    person.cookies.set("_token", token, domain=urlsplit(room.url).hostname or "", path=f"{AIRFLOW}/")
    assert person.get("/ui/auth/me").status_code == 401  # the former one's cookie, in the next one's session


def test_signing_out_of_airflow_ends_the_hub(room: Any) -> None:
    person = arrived(room, "blue")
    token, session = person.cookie("_token"), person.cookie("jupyterhub-session-id")
    person.get("/api/v2/auth/logout", follow_redirects=True)
    assert person.get("/ui/auth/me").status_code == 401
    assert person.hub("GET", "/hub/home").headers["location"].startswith("/hub/login")
    assert who(room, cookies={"_token": token, "jupyterhub-session-id": session}) in (401, 403)


def test_a_token_made_from_a_token_does_not_outlive_it(room: Any, blue: Person) -> None:
    first = jwt.decode(blue.cookie("_token"), options={"verify_signature": False})["exp"]
    assert first - time.time() <= 3600
    made = blue.post("/ui/auth/token", json={"token_type": "api"}).json()["access_token"]
    assert jwt.decode(made, options={"verify_signature": False})["exp"] <= first
    assert who(room, headers=bearer(made)) == 200
    assert who(room, cookies={"_token": made}) == 401  # no browser's sign-in


def buy(room: Any, authorization: str) -> httpx.Response:
    return httpx.post(f"{room.url}{AIRFLOW}/auth/token", headers={"Authorization": authorization}, **PLAIN)


def test_a_notebooks_token_buys_a_short_one_of_its_attendee(room: Any, server_token: str) -> None:
    bought = buy(room, f"token {server_token}").json()
    assert bought["expires_in"] <= 900
    dags = httpx.get(f"{room.url}{AIRFLOW}/api/v2/dags", headers=bearer(bought["access_token"]), **PLAIN).json()["dags"]
    assert BLUE in [dag["dag_id"] for dag in dags] and all(dag["dag_id"].endswith(".blue") for dag in dags)


def test_a_token_given_for_something_else_buys_nothing(room: Any, blue: Person, instructor: Person) -> None:
    other = blue.hub_token("blue", ["read:users:name!user=blue", "access:servers!user=blue"])
    assert buy(room, f"token {other}").status_code == 403
    assert buy(room, f"token {instructor.hub_token('instructor', ['read:users', 'read:hub'])}").status_code == 403
    right = blue.hub_token("blue", ["access:services!service=airflow"])
    assert buy(room, f"token {right}").status_code == 200
    assert who(room, headers=bearer(right)) == 403  # it buys a token, it is none


def test_what_is_no_token_of_a_person_buys_nothing(room: Any) -> None:
    secret = json.loads((room.home / "secrets.json").read_text())["airflow"]
    for shown in (f"token {secret}", "token x", "", "Basic Ymx1ZTpibHVl", "token"):
        assert buy(room, shown).status_code in (401, 403)


# --- the board


@pytest.fixture(scope="module")
def reader(room: Any) -> dict[str, str]:
    """What the board shows to Airflow."""
    secret = json.loads((room.home / "secrets.json").read_text())["board"]
    return bearer(buy(room, f"token {secret}").json()["access_token"])


def test_the_board_reads_how_everybodys_runs_go(room: Any, blue: Person, reader: dict[str, str]) -> None:
    run = room.trigger(blue, "blue", "2022-01-01")
    room.end_of(blue, "blue", run)
    api = httpx.Client(base_url=f"{room.url}{AIRFLOW}/api/v2", headers=reader, **PLAIN)
    assert {BLUE, GREEN} <= {dag["dag_id"] for dag in api.get("dags").json()["dags"]}
    assert run in [one["dag_run_id"] for one in api.get("dags/~/dagRuns?limit=100&order_by=-id").json()["dag_runs"]]
    assert api.get(f"dags/{BLUE}/dagRuns/{run}/taskInstances").json()["total_entries"] == 4
    assert api.get(f"dags/{BLUE}/dagRuns/{run}/taskInstances/start_import/logs/1").json()["content"]


def test_the_board_starts_checks_and_nothing_else(room: Any, reader: dict[str, str]) -> None:
    api = httpx.Client(base_url=f"{room.url}{AIRFLOW}/api/v2/dags/", headers=reader, **PLAIN)
    for dag, status in (("check.blue", 200), (BLUE, 403), ("catch_up.blue", 403), ("recheck.blue", 403), ("~", 403)):
        assert api.post(f"{dag}/dagRuns", json={"logical_date": None}).status_code == status, dag
    for dag in ("check.blue", BLUE):
        assert api.patch(dag, json={"is_paused": True}).status_code == 403
        assert api.delete(dag).status_code == 403
        assert api.post(f"{dag}/clearTaskInstances", json={"dry_run": True}).status_code == 403


def test_only_the_board_buys_without_being_a_person(room: Any) -> None:
    keys = json.loads((room.home / "secrets.json").read_text())
    assert buy(room, f"token {keys['board']}").status_code == 200
    assert buy(room, f"token {keys['airflow']}").status_code == 403


# --- other sites


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},  # a page that the hub serves in a sandbox
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_changes_nothing(room: Any, blue: Person, headers: dict[str, str]) -> None:
    answer = blue.patch(f"/api/v2/dags/{BLUE}", json={"is_paused": False}, headers=headers)
    assert answer.status_code == 403
    own = {"Origin": room.url, "Sec-Fetch-Site": "same-origin"}
    assert blue.patch(f"/api/v2/dags/{BLUE}", json={"is_paused": False}, headers=own).status_code == 200


# --- from a notebook


def in_notebook(room: Any, token: str, code: str) -> tuple[int, str]:
    """Runs code as a notebook of blue does."""
    env = {"FDE_HOME": str(room.home), "FDE_WORLD": str(room.home / "worlds" / "blue"), "JUPYTERHUB_API_TOKEN": token}
    env |= {"FDE_AIRFLOW": f"{plan.read(room.home).airflow_url}/", "PATH": os.environ["PATH"]}
    env |= {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def test_a_notebook_runs_its_dag_and_reads_its_own_error(room: Any, server_token: str) -> None:
    assert room.script("day-1").returncode == 0  # moves blue, too, wherever another test left them
    pipeline = room.home / "worlds" / "blue" / "desk" / "pipeline.py"
    before = pipeline.read_text()
    try:
        code = "from workshop import airflow; print(airflow.run('2022-01-01'))"
        assert in_notebook(room, server_token, code)[1].splitlines()[-1] == "success"
        pipeline.write_text(before.replace("def load_orders(world, day):", "def load_orders(world, day):\n    1 / 0"))
        told = in_notebook(room, server_token, code.replace("'2022-01-01'", ""))[1]
        assert "Airflow imports 2022-01-01" in told  # the clock's day, sent as such: the list of runs shows it
        assert told.splitlines()[-1] == "failed" and "division by zero" in told and "pipeline.py" in told
    finally:
        pipeline.write_text(before)


@pytest.mark.parametrize("day", ["2022-01-00", "yesterday", "", "2022-01-01 "])
def test_a_day_that_is_none_is_one_clear_line(room: Any, server_token: str, day: str) -> None:
    code = f"from workshop import airflow\ntry: airflow.run({day!r})\nexcept airflow.Refused as told: print(told)"
    status, told = in_notebook(room, server_token, code)
    assert (status, told) == (0, f"{day!r} is no day. Write it like '2022-01-02'.\n")
