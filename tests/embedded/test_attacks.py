"""Every door of Airflow's API, tried as the wrong attendee and as nobody. The list of doors is Airflow's own."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import airflow
import httpx
import pytest
import yaml

from tests.embedded.planted import DAG, KEPT, NAME, RUN, SECRET, TASK, found, planted
from tests.people import AIRFLOW, PLAIN, Person
from tests.room import wait_until
from workshop import plan

pytestmark = pytest.mark.embedded

BLUE = "user_data_dag.blue"
OPEN_TO_ALL = ("/api/v2/monitor/health", "/api/v2/version", "/api/v2/auth/login", "/api/v2/auth/logout")
# Beside every address: what might make Airflow authorise one DAG and answer with another.
SMUGGLED = [
    "",
    f"dag_id={BLUE}",
    f"dag_id={DAG}",
    "dag_id=~",
    f"dag_id={DAG}&dag_id={BLUE}",
    f"dag_id={BLUE}&dag_id={DAG}",
]
SMUGGLED += [f"dag_ids={DAG}", "dag_id_pattern=%25", "dag_id="]
WIDE = f"limit=500&node_id=dag:{DAG}&external_dependencies=true&full_content=true&run_ids={RUN}"


@pytest.fixture(scope="module")
def ids(room: Any) -> Iterator[dict[str, str]]:
    with planted(room) as rows:
        yield rows


@pytest.fixture(scope="module")
def doors(instructor: Person) -> dict[str, Any]:
    """Path -> methods: the public API as the running server tells it, and what only its pages use."""
    pages = Path(airflow.__file__).parent / "api_fastapi/core_api/openapi/_private_ui.yaml"
    every = {**instructor.get("/openapi.json").json()["paths"], **yaml.safe_load(pages.read_text())["paths"]}
    assert len(every) > 100
    return {path: [m for m in methods if m != "parameters"] for path, methods in every.items() if "/auth/" not in path}


def fillings(ids: dict[str, str]) -> dict[str, dict[str, str]]:
    """What to write into the braces of a path: green's own, everybody's, blue's DAG with green's rows."""
    greens = {**ids, "event_log_id": ids["event_log_of_green"], "dag_id": DAG, "dag_run_id": RUN, "run_id": RUN}
    greens |= {
        "task_id": TASK,
        "map_index": "-1",
        "try_number": "1",
        "task_try_number": "1",
        "xcom_key": "return_value",
    }
    greens |= {"variable_key": NAME, "connection_id": NAME, "pool_name": NAME, "section": "core", "option": "executor"}
    wild = {"dag_id": "~", "dag_run_id": "~", "run_id": "~", "task_id": "~", "event_log_id": ids["event_log_id"]}
    return {
        "green's": greens,
        "everybody's": greens | wild,
        "any DAG's": greens | {"dag_id": "~"},
        "blue's DAG, green's rows": greens | {"dag_id": BLUE, "event_log_id": ids["event_log_id"]},
        "blue's DAG, all rows": greens | wild | {"dag_id": BLUE},
    }


def filled(path: str, filling: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)(:path)?\}", lambda brace: filling.get(brace[1], "1"), path)


def seen(answer: httpx.Response) -> bool:
    """Whether an answer shows what is not blue's. A refusal may repeat the ids it was asked for, never content."""
    return SECRET in answer.text or KEPT in answer.text or (answer.is_success and DAG in answer.text)


def test_no_read_shows_an_attendee_what_is_not_theirs(doors: dict[str, Any], ids: dict[str, str], blue: Person) -> None:
    leaks, asked = [], set()
    for path in (path for path, methods in doors.items() if "get" in methods):
        for filling in fillings(ids).values():
            # A DAG in the path is what Airflow takes: there the query has only to be shown to change nothing.
            queries = SMUGGLED[:2] if "{dag_id}" in path else SMUGGLED
            asked |= {f"{filled(path, filling)}?{query}{'&' if query else ''}{WIDE}" for query in queries}
    for address in sorted(asked):
        answer = blue.get(address, headers={"Accept": "application/json"})
        broken = answer.status_code >= 500 and "/ui/calendar/" not in address  # Airflow breaks there, for admins too
        if seen(answer) or broken:
            leaks.append((address, answer.status_code))
    assert len(asked) > 600
    assert not leaks


def test_the_same_reads_show_it_to_the_instructor(
    doors: dict[str, Any], ids: dict[str, str], instructor: Person
) -> None:
    """Else the test above would look for nothing."""
    shown = set()
    for path in (path for path, methods in doors.items() if "get" in methods):
        for kind in ("green's", "everybody's"):
            address = f"{filled(path, fillings(ids)[kind])}?{WIDE}&dag_id={DAG}"
            if seen(instructor.get(address, headers={"Accept": "application/json"})):
                shown.add(path)
    assert len(shown) >= 30, shown
    plain = instructor.get(f"/api/v2/eventLogs/{ids['event_log_id']}")
    assert NAME in plain.text and plain.json()["dag_id"] is None


def test_nobody_reads_or_writes_anything(room: Any, doors: dict[str, Any], ids: dict[str, str]) -> None:
    nobody = Person(room.url)
    for path, methods in doors.items():
        for method in methods:
            answer = nobody.request(method, filled(path, fillings(ids)["green's"]))
            assert path in OPEN_TO_ALL or answer.status_code == 401, (method, path, answer.status_code)
            assert not seen(answer)


def test_the_boards_own_token_opens_runs_and_nothing_else(
    room: Any, doors: dict[str, Any], ids: dict[str, str], instructor: Person
) -> None:
    secret = json.loads((room.home / "secrets.json").read_text())["board"]
    board = Person(room.url)
    bought = board.post("/auth/token", headers={"Authorization": f"token {secret}"}).json()
    board.headers["Authorization"] = f"Bearer {bought['access_token']}"
    before, opened = state_of_green(instructor, ids), set()
    for path, methods in doors.items():
        for method in methods:
            for kind in ("green's", "everybody's"):
                address = f"{filled(path, fillings(ids)[kind])}?{WIDE}&dag_id={DAG}"
                body = None if method == "get" else BODIES.get(path, {})
                answer = board.request(method, address, json=body)
                assert KEPT not in answer.text, (method, path)
                if method == "get" and seen(answer):
                    opened.add(path)
                # Lists are asked for by POST, too; its favourites are a mark of its own that nobody else sees.
                harmless = method == "get" or path.endswith(("/list", "favorite"))
                assert harmless or refused(answer), (method, path, answer.text)
    assert state_of_green(instructor, ids) == before
    assert "/api/v2/dags/{dag_id}/dagRuns" in opened
    closed = ("eventLogs", "xcom", "dagSources", "importErrors", "variables", "connections", "pools", "assets")
    assert not [path for path in opened if any(word in path for word in closed)]


def test_a_get_with_a_body_that_names_another_dag_is_refused(blue: Person) -> None:
    """Airflow 3.3 authorises the DAG of the body and lists the backfills of the address."""
    for body in ({"json": {"dag_id": BLUE}}, {"content": iter([b'{"dag_id": "user_data_dag.blue"}'])}):
        answer = blue.request("GET", "/api/v2/backfills", params={"dag_id": DAG}, **body)
        assert answer.status_code == 403 and not seen(answer)


def test_a_row_of_the_audit_log_without_a_dag_is_nobodys(blue: Person, ids: dict[str, str]) -> None:
    """Airflow 3.3 authorises the DAG of the query for it."""
    for query in ("", f"?dag_id={BLUE}", f"?limit=1&dag%5Fid={BLUE}", f"?x=1;dag_id={BLUE}&dag_id={BLUE}"):
        assert blue.get(f"/api/v2/eventLogs/{ids['event_log_id']}{query}").status_code == 403
    own = blue.get("/api/v2/eventLogs", params={"dag_id": BLUE})
    assert own.status_code == 200 and all(row["dag_id"] == BLUE for row in own.json()["event_logs"])


def test_counts_count_what_is_shown(blue: Person) -> None:
    def agree(path: str) -> bool:
        answer = blue.get(path, params={"limit": 1000}).json()
        rows = next(value for value in answer.values() if isinstance(value, list))
        assert all(row["dag_id"].endswith(".blue") for row in rows)
        return min(answer["total_entries"], 100) == len(rows)

    everywhere = "/api/v2/dags/~/dagRuns"
    for path in (everywhere, f"{everywhere}/~/taskInstances", "/api/v2/dags", "/api/v2/dags/~/dagVersions"):
        # Airflow counts and lists one after the other: a check that the board starts between falls into one of them.
        wait_until(lambda path=path: agree(path), 20, f"{path} counts what it shows")


# --- writes

RUNS = {"dag_id": DAG, "dag_run_id": RUN}
DAY = "2000-01-01T00:00:00Z"
BODIES: dict[str, Any] = {  # what a door needs to be tried in earnest; {} is refused before by its path
    "/api/v2/backfills": {"dag_id": DAG, "from_date": DAY, "to_date": DAY},
    "/api/v2/backfills/dry_run": {"dag_id": DAG, "from_date": DAY, "to_date": DAY},
    "/api/v2/assets/events": {"asset_id": 1, "extra": {}},
    "/api/v2/variables": {"key": "x", "value": "x"},
    "/api/v2/connections": {"connection_id": "x", "conn_type": "http"},
    "/api/v2/connections/test": {"connection_id": NAME, "conn_type": "http"},
    "/api/v2/connections/enqueue-test": {"connection_id": NAME, "conn_type": "http"},
    "/api/v2/pools": {"name": "x", "slots": 1, "include_deferred": False},
    "/api/v2/dags": {"is_paused": True},
    "/api/v2/dags/{dag_id}": {"is_paused": True},
    "/api/v2/dags/{dag_id}/dagRuns": {"logical_date": None, "partition_key": "2022-01-01"},
    "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}": {"state": "failed", "note": "x"},
    "/api/v2/dags/{dag_id}/clearDagRuns": {"dry_run": False, "dag_runs": [RUNS]},
    "/api/v2/dags/{dag_id}/clearPartitions": {"run_id": RUN, "dry_run": False},
    "/api/v2/dags/{dag_id}/clearTaskInstances": {"dry_run": False, "dag_run_id": RUN},
}
BULK: dict[str, list[Any]] = {
    "/api/v2/variables": [NAME],
    "/api/v2/connections": [NAME],
    "/api/v2/pools": [NAME],
    "/api/v2/dags/{dag_id}/dagRuns": [RUNS, RUN],
    "/api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances": [{**RUNS, "task_id": TASK}, TASK],
}


def state_of_green(instructor: Person, ids: dict[str, str]) -> list[Any]:
    """All that a write could have changed. Not the audit log: there a refused try may well be told."""
    looked = [f"dags/{DAG}", f"dags/{DAG}/dagRuns", f"dags/{DAG}/dagRuns/{RUN}/taskInstances", "variables", "pools"]
    looked += [f"dags/{DAG}/dagRuns/{RUN}/taskInstances/{TASK}/xcomEntries/return_value", "connections"]
    looked += [f"backfills?dag_id={DAG}"]
    return [lasting(instructor.get(f"/api/v2/{path}").json()) for path in looked]


def lasting(value: Any) -> Any:
    """Without what Airflow itself keeps changing."""
    changing = {"last_parsed_time", "last_parse_duration", "file_token", "completed_at", "updated_at"}
    changing |= {f"{state}_slots" for state in ("occupied", "running", "queued", "scheduled", "open", "deferred")}
    if isinstance(value, dict):
        return {key: lasting(part) for key, part in value.items() if key not in changing}
    return [lasting(part) for part in value] if isinstance(value, list) else value


def test_no_write_reaches_what_is_not_theirs(
    doors: dict[str, Any], ids: dict[str, str], blue: Person, instructor: Person
) -> None:
    before, tried = state_of_green(instructor, ids), 0
    for path, methods in doors.items():
        for kind, filling in fillings(ids).items():
            for method in set(methods) - {"get"}:
                if kind.startswith("blue's") and not (method == "patch" and path in BULK):
                    continue  # blue's own, which blue may change
                bodies = [BODIES.get(path, {})]
                if method == "patch" and path in BULK:
                    bodies = [{"actions": [{"action": "delete", "entities": [entity]}]} for entity in BULK[path]]
                for body in bodies:
                    for query in ("", f"?dag_id={BLUE}"):
                        answer = blue.request(method, filled(path, filling) + query, json=body)
                        tried += 1
                        list_of_own = path.endswith("/list") and not seen(answer)
                        assert refused(answer) or list_of_own, (method, path, kind, answer.text)
                        assert SECRET not in answer.text and KEPT not in answer.text
    assert tried > 300
    assert state_of_green(instructor, ids) == before
    paused = blue.get(f"/api/v2/dags/{BLUE}").json()["is_paused"]
    assert not paused


def refused(answer: httpx.Response) -> bool:
    """403, nothing of that kind (404), nonsense (400, 422); of several things at once, not one was done."""
    if answer.status_code == 200:
        done = answer.json().get("delete", {})
        return answer.json().get("dags") == [] or (done.get("success") == [] and bool(done["errors"]))
    return answer.status_code in (400, 401, 403, 404, 409, 422)


def test_a_bought_token_opens_no_more_than_a_browser(room: Any, blue: Person, ids: dict[str, str]) -> None:
    shown = f"token {blue.hub_token('blue', ['access:services!service=airflow'])}"
    bought = httpx.post(f"{room.url}{AIRFLOW}/auth/token", headers={"Authorization": shown}, **PLAIN).json()
    notebook = Person(room.url)
    notebook.headers["Authorization"] = f"Bearer {bought['access_token']}"
    for path in (f"dags/{DAG}", f"dags/{DAG}/dagRuns/{RUN}", f"dagSources/{DAG}", f"variables/{NAME}", "importErrors"):
        assert notebook.get(f"/api/v2/{path}").status_code == 403
    for path in (f"variables/{NAME}", f"connections/{NAME}", f"xcoms/{DAG}/{RUN}/{TASK}/return_value"):
        assert notebook.get(f"{plan.read(room.home).airflow_url}/execution/{path}").status_code in (401, 403)


@pytest.mark.parametrize("path", ["", "/", "/health", "/docs", "/openapi.json", "/%68ealth", f"/variables/{NAME}"])
@pytest.mark.parametrize("headers", [{}, {"Connection": "X-Forwarded-For, X-Forwarded-Host"}, {"X-Forwarded-For": ""}])
def test_the_api_of_tasks_is_not_at_the_peoples_port(room: Any, path: str, headers: dict[str, str]) -> None:
    for execution in ("/execution", "/%65xecution"):
        outside = httpx.get(f"{room.url}{AIRFLOW}{execution}{path}", headers=headers, **PLAIN)
        assert (outside.status_code, outside.text) == (404, "not found")


def test_tasks_reach_their_api_at_airflows_own_port(room: Any) -> None:
    own = plan.read(room.home).airflow_url
    assert httpx.get(f"{own}/execution/health", **PLAIN).status_code == 200


def test_a_file_may_not_name_somebody_elses_dag(instructor: Person, ids: dict[str, str]) -> None:
    """Else green could put a DAG of their own making where blue runs theirs."""
    errors = lambda: found(instructor, "importErrors", "import_errors", "stolen.py")  # noqa: E731
    error = wait_until(errors, 180, "the import error of stolen.py")[0]
    assert "must end in .green" in error["stack_trace"]
    assert instructor.get(f"/api/v2/dags/{BLUE}").json()["bundle_name"] == "blue"
