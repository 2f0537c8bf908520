"""What the board knows about runs. Airflow is a small server that answers as Airflow 3.3 does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from workshop import airflow_api
from workshop.board import runs as remembered
from workshop.board.airflow import CHECKS, Airflow
from workshop.board.runs import Runs

CODE, OTHER = "ab" * 32, "cd" * 32
TOLD = 'pipeline.py, line 2, in load_users: raise ValueError("no <b>such</b> thing")\nValueError: no <b>such</b> thing'


class FakeAirflow(ThreadingHTTPServer):
    """Runs as Airflow lists them; `minute` is its clock."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.runs: list[dict[str, Any]] = []
        self.tasks: list[dict[str, Any]] = []
        self.log = [{"event": "Task exited", "level": "error", "logger": "task"}]
        self.asked: list[str] = []
        self.token, self.minute, self.no_dag = "first", 0, False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/services/airflow/"

    def now(self) -> str:
        self.minute += 1
        return f"2026-11-25T22:{self.minute:02}:00.000000Z"

    def put(self, dag: str, run: str, state: str, **more: Any) -> dict[str, Any]:
        """A run that has this state now."""
        now = self.now()
        found = next((one for one in self.runs if (one["dag_id"], one["dag_run_id"]) == (dag, run)), None)
        one = found or {"dag_id": dag, "dag_run_id": run, "queued_at": now, "run_after": "2099-01-01T00:00:00Z"}
        one |= {"conf": {}, "partition_key": None, "start_date": None, "end_date": None} if not found else {}
        one |= {"start_date": one["start_date"] or now} if state != "queued" else {}
        one |= {"end_date": now if state in ("success", "failed") else None}
        one |= {"state": state, "last_scheduling_decision": now, "updated_at": now, **more}
        if not found:
            self.runs.append(one)
        return one

    def task(self, dag: str, run: str, name: str, state: str) -> None:
        self.tasks = [one for one in self.tasks if (one["dag_id"], one["task_id"]) != (dag, name)]
        self.tasks.append({"dag_id": dag, "dag_run_id": run, "task_id": name, "state": state, "try_number": 1})

    def paths(self) -> list[str]:
        """What was asked for since the last time."""
        asked, self.asked = self.asked, []
        return asked


class Handler(BaseHTTPRequestHandler):
    server: FakeAirflow

    def do_GET(self) -> None:  # noqa: N802 - as the library calls it
        self.answer("GET", {})

    def do_POST(self) -> None:  # noqa: N802
        self.answer("POST", json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}"))

    def answer(self, method: str, body: dict[str, Any]) -> None:
        parts = urlsplit(self.path)
        path, asked = unquote(parts.path).removeprefix("/services/airflow"), parse_qs(parts.query)
        self.server.asked.append(f"{method} {path}")
        shown = self.headers.get("authorization")
        if path == "/auth/token":
            known = shown == "token of-the-board"
            self.say(200 if known else 401, {"access_token": self.server.token} if known else {"detail": "no"})
        elif shown != f"Bearer {self.server.token}":
            self.say(403, {"detail": "Invalid JWT token"})
        elif method == "POST":
            self.trigger(path.split("/")[4], body)
        elif path.endswith("/dags/~/dagRuns"):
            since = asked.get("updated_at_gte", [""])[0].replace("+00:00", "")
            first, limit = int(asked["offset"][0]), int(asked["limit"][0])
            assert asked["order_by"] == ["-id"] and limit <= 100
            found = [one for one in self.server.runs[::-1] if one["updated_at"] >= since]
            self.say(200, {"dag_runs": found[first : first + limit], "total_entries": len(found)})
        elif path.endswith("/taskInstances"):
            dag, run = path.split("/")[4], path.split("/")[6]
            fits = [one for one in self.server.tasks if dag in ("~", one["dag_id"]) and run in ("~", one["dag_run_id"])]
            self.say(200, {"task_instances": [one for one in fits if one["state"] in asked["state"]]})
        else:
            assert "/logs/" in path and self.headers["accept"] == "application/x-ndjson"
            self.say(200, *self.server.log)

    def trigger(self, dag: str, body: dict[str, Any]) -> None:
        if self.server.no_dag:
            self.say(404, {"detail": f"Dag with dag_id: '{dag}' not found"})
        elif any((one["dag_id"], one["dag_run_id"]) == (dag, body["dag_run_id"]) for one in self.server.runs):
            self.say(409, {"detail": {"reason": "Unique constraint violation"}})
        else:
            self.say(200, self.server.put(dag, body["dag_run_id"], "queued"))

    def say(self, status: int, *content: Any) -> None:
        text = "\n".join(map(json.dumps, content)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        pass


def started(port: int = 0) -> FakeAirflow:
    made = FakeAirflow(port)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    return made


@pytest.fixture
def airflow() -> Iterator[FakeAirflow]:
    made = started()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def runs(airflow: FakeAirflow) -> Runs:
    return Runs(Airflow(airflow.address, "of-the-board"), ["blue", "green"])


def test_a_failed_run_is_told_in_the_attendee_s_words_once(airflow: FakeAirflow, runs: Runs) -> None:
    airflow.log = [
        {"event": "::group::Pre Execute", "level": "info"},
        {"event": "too early", "level": "error", "logger": "task"},
        {"event": TOLD, "level": "error", "logger": "airflow.task"},
        {"event": "Task exited", "level": "error", "logger": "task"},
    ]
    airflow.put("user_data_dag.blue", "one", "success", partition_key="2022-01-01")
    airflow.put("user_data_dag.blue", "two", "failed", partition_key="2022-01-02")
    airflow.task("user_data_dag.blue", "two", "load_users", "failed")
    runs.refresh()
    assert runs.trouble == "" and runs.failed == 1 and not runs.busy
    told = "load_users: " + TOLD.replace("\n", ": ")
    assert str(runs.ended("blue")) == f"user_data_dag of 2022-01-02 failed: {told}"
    assert runs.ended("green") is None and runs.running("blue") == ""
    airflow.paths()
    runs.refresh()
    assert airflow.paths() == ["GET /api/v2/dags/~/dagRuns"], "one request, when nothing is new"
    assert str(runs.ended("blue")).endswith(told)
    airflow.put("user_data_dag.blue", "three", "success")
    runs.refresh()
    assert str(runs.ended("blue")) == "user_data_dag: went well"


def test_what_runs_is_told_by_its_tasks_and_what_failed_before_stays_told(airflow: FakeAirflow, runs: Runs) -> None:
    airflow.put("user_data_dag.blue", "one", "failed")
    airflow.put("user_data_dag.blue", "two", "running", partition_key="2022-01-02")
    airflow.task("user_data_dag.blue", "two", "load_users", "running")
    airflow.task("user_data_dag.blue", "two", "load_orders", "running")
    airflow.put("user_data_dag.green", "one", "queued")
    airflow.put("user_data_dag.stranger", "one", "running")
    airflow.put("something.blue", "one", "failed")
    runs.refresh()
    assert runs.busy and runs.running("blue") == "load_users and load_orders of 2022-01-02"
    assert runs.running("green") == "user_data_dag" and runs.running("stranger") == ""
    ended = runs.ended("blue")
    assert ended and ended.id == "one", "until the new one has ended"
    assert "none of its tasks did" in str(ended)
    airflow.put("user_data_dag.blue", "two", "success")
    airflow.task("user_data_dag.blue", "two", "load_users", "success")
    airflow.put("user_data_dag.green", "one", "failed")
    runs.refresh()
    assert not runs.busy and runs.running("blue") == ""
    assert runs.ended("green") and "failed" in str(runs.ended("green"))


def test_a_run_that_is_cleared_runs_again_and_fails_with_another_error(airflow: FakeAirflow, runs: Runs) -> None:
    airflow.put("user_data_dag.blue", "one", "failed")
    airflow.task("user_data_dag.blue", "one", "load_users", "failed")
    runs.refresh()
    assert "Task exited" in str(runs.ended("blue"))
    airflow.put("user_data_dag.blue", "one", "running")
    runs.refresh()
    assert runs.busy and runs.ended("blue") is None
    airflow.log = [{"event": "another", "level": "error", "logger": "airflow.task"}]
    airflow.put("user_data_dag.blue", "one", "failed")
    runs.refresh()
    assert "another" in str(runs.ended("blue"))


def test_airflow_away_leaves_all_as_it_was_and_back_all_is_well(runs: Runs, airflow: FakeAirflow) -> None:
    airflow.put("user_data_dag.blue", "one", "failed")
    runs.refresh()
    before, port = str(runs.ended("blue")), airflow.server_address[1]
    airflow.shutdown()
    airflow.server_close()
    runs.refresh()
    assert "Airflow does not answer" in runs.trouble and str(runs.ended("blue")) == before
    runs.check({"blue": CODE})
    again = started(port)
    try:
        again.token = "another, for it forgot its key"
        again.put("user_data_dag.blue", "two", "success")
        runs.refresh()
        assert runs.trouble == "" and str(runs.ended("blue")) == "user_data_dag: went well"
    finally:
        again.shutdown()
        again.server_close()


def test_an_old_token_is_bought_anew_and_a_wrong_one_is_said(airflow: FakeAirflow, runs: Runs) -> None:
    runs.refresh()
    airflow.token = "second"
    airflow.put("user_data_dag.blue", "one", "success")
    runs.refresh()
    assert runs.trouble == "" and runs.ended("blue")
    stranger = Runs(Airflow(airflow.address, "of-nobody"), ["blue"])
    stranger.refresh()
    assert "Airflow refuses this (401)" in stranger.trouble


def test_all_runs_are_listed_and_deleted_ones_are_forgotten(
    airflow: FakeAirflow, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow.put("user_data_dag.green", "first", "failed")
    for number in range(250):
        airflow.put("user_data_dag.blue", f"run {number}", "success", updated_at="2026-11-25T22:00:00.000000Z")
        airflow.minute = 1
    runs.refresh()
    assert len([path for path in airflow.paths() if path.endswith("/dags/~/dagRuns")]) == 3
    assert runs.ended("green") and runs.ended("blue")
    airflow.runs = airflow.runs[:0]
    runs.refresh()
    assert runs.ended("green"), "nobody told"
    monkeypatch.setattr(remembered, "EVERYTHING_SECONDS", 0)
    runs.refresh()
    assert runs.ended("green") is None and runs.ended("blue") is None


def test_a_run_with_a_library_of_words_costs_itself_only(
    airflow: FakeAirflow, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(airflow_api, "MOST_BYTES", 20_000)
    for number in range(20):
        airflow.put("user_data_dag.blue", f"run {number}", "success")
    airflow.put("user_data_dag.green", "large", "failed", conf={"words": "x" * 30_000})
    airflow.put("user_data_dag.blue", "last", "failed")
    runs.refresh()
    assert runs.trouble == "" and runs.ended("green") is None
    ended = runs.ended("blue")
    assert ended and ended.id == "last"


@pytest.mark.parametrize(
    "row",
    [
        {"level": "error", "logger": "airflow.task", "event": ["x"] * 9, "error_detail": [1, {"exc_type": None}]},
        {"level": "error", "logger": "airflow.task", "event": "\x1b[31m\u202e" + "x" * 100_000},
        {"level": "error", "logger": "airflow.task", "event": None},
        [],
        None,
    ],
)
def test_a_forged_log_is_one_short_line(row: Any, airflow: FakeAirflow, runs: Runs) -> None:
    airflow.log = [row]
    airflow.put("user_data_dag.blue", "one", "failed")
    airflow.task("user_data_dag.blue", "one", "load_users", "failed")
    runs.refresh()
    told = str(runs.ended("blue"))
    assert runs.trouble == "" and len(told) < 600 and told.isprintable()


def test_a_log_is_read_to_its_first_error_and_not_without_end(
    airflow: FakeAirflow, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(airflow_api, "MOST_BYTES", 100_000)
    words = [{"event": "x" * 1000, "level": "info"}] * 200
    airflow.log = [*words, {"event": "the end", "level": "error", "logger": "airflow.task"}]
    airflow.put("user_data_dag.blue", "one", "failed")
    airflow.task("user_data_dag.blue", "one", "load_users", "failed")
    runs.refresh()
    assert "its log tells no reason" in str(runs.ended("blue"))


def test_a_pipeline_without_a_verdict_is_checked_once(airflow: FakeAirflow, runs: Runs) -> None:
    runs.refresh()
    airflow.paths()
    runs.check({"blue": CODE})
    assert airflow.paths() == ["POST /api/v2/dags/check.blue/dagRuns"]
    assert runs.busy and runs.running("blue") == CHECKS
    runs.check({"blue": CODE})
    runs.check({"blue": OTHER})
    assert airflow.paths() == [], "one at a time"
    airflow.put("check.blue", airflow.runs[0]["dag_run_id"], "failed")
    runs.refresh()
    airflow.paths()
    runs.check({"blue": CODE})
    assert airflow.paths() == [], "a check that failed is not tried again"
    runs.check({"blue": OTHER})
    assert len(airflow.runs) == 2, "another text is"
    again = Runs(Airflow(airflow.address, "of-the-board"), ["blue"])
    airflow.put("check.blue", airflow.runs[1]["dag_run_id"], "success")
    again.refresh()
    again.check({"blue": CODE})
    assert len(airflow.runs) == 2, "nor by a board that was started again"


def test_a_check_that_ended_without_a_verdict_is_tried_three_times_in_all(airflow: FakeAirflow, runs: Runs) -> None:
    """The text may have been another one when its turn came."""
    for _ in range(5):
        runs.refresh()
        runs.check({"blue": CODE})
        airflow.put("check.blue", airflow.runs[-1]["dag_run_id"], "success")
    assert len(airflow.runs) == 3


def test_checks_come_a_few_at_once(airflow: FakeAirflow) -> None:
    names = [f"attendee-{number}" for number in range(10)]
    runs = Runs(Airflow(airflow.address, "of-the-board"), names)
    runs.refresh()
    for _ in range(3):
        runs.check(dict.fromkeys(names, CODE))
        runs.refresh()
    assert len(airflow.runs) == remembered.AT_ONCE
    airflow.put("check.attendee-0", airflow.runs[0]["dag_run_id"], "failed")
    runs.refresh()
    runs.check(dict.fromkeys(names, CODE))
    assert [one["dag_id"] for one in airflow.runs] == ["check.attendee-0", "check.attendee-1", "check.attendee-2"]


def test_a_dag_that_is_not_there_yet_is_asked_for_later(
    airflow: FakeAirflow, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    airflow.no_dag = True
    runs.refresh()
    runs.check({"blue": CODE})
    airflow.no_dag = False
    airflow.paths()
    runs.check({"blue": CODE})
    assert airflow.paths() == [] and runs.trouble == ""
    runs._put_off.clear()
    runs.check({"blue": CODE})
    assert len(airflow.runs) == 1


def test_another_desk_puts_away_what_failed_on_the_one_before(airflow: FakeAirflow, runs: Runs) -> None:
    airflow.put("user_data_dag.blue", "one", "failed")
    airflow.put("catch_up.green", "swap", "success")
    for state, still in (("failed", True), ("running", True), ("success", False)):
        airflow.put("catch_up.blue", f"swap-{state}", state)
        runs.refresh()
        assert (runs.imported("blue") is not None) is still, state
    airflow.put("user_data_dag.blue", "two", "failed")
    runs.refresh()
    last = runs.imported("blue")
    assert last and last.id == "two"
