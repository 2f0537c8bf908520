"""What green and the instructor have and blue may never see: planted once, with words that occur nowhere else."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.people import Person, arrived
from tests.room import wait_until

SECRET = "planted-by-green"  # in source, log, XCom, note, conf: never sent by an attacker
KEPT = "planted-by-instructor"  # in a variable, a connection, a pool and the audit row that each left
DAG, RUN, TASK = "planted.green", "run-of-green", "plant"
NAME = "planted"  # of the instructor's things

SOURCE = f"""
    from datetime import UTC, datetime

    from airflow.sdk import DAG, CronPartitionTimetable, task

    past = dict(start_date=datetime(2000, 1, 1, tzinfo=UTC), end_date=datetime(2000, 1, 2, tzinfo=UTC), catchup=False)
    days = CronPartitionTimetable("0 0 * * *", timezone="UTC", key_format="%Y-%m-%d")
    with DAG("{DAG}", schedule=days, tags=["{SECRET}"], description="{SECRET}", **past):

        @task
        def {TASK}():
            print("{SECRET}")
            return "{SECRET}"

        {TASK}()
"""
STOLEN = SOURCE.replace(DAG, "user_data_dag.blue")


@contextmanager
def planted(room: Any) -> Iterator[dict[str, str]]:
    """Plants, and takes out again. Yields what an attacker would have to guess: ids of rows."""
    green, instructor = arrived(room, "green"), arrived(room, "instructor")
    bundle = room.home / "airflow" / "bundles" / "green"
    files = {"planted.py": SOURCE, f"{SECRET}.py": f"from airflow.sdk import DAG\nraise ValueError('{SECRET}')\n"}
    files["stolen.py"] = STOLEN  # green's file with a DAG in blue's name
    for name, text in files.items():
        (bundle / name).write_text(textwrap.dedent(text))
    try:
        yield plant(green, instructor)
    finally:
        for name in files:
            (bundle / name).unlink()
        for path in (f"variables/{NAME}", f"connections/{NAME}", f"pools/{NAME}", f"dags/{DAG}"):
            instructor.delete(f"/api/v2/{path}")


def plant(green: Person, instructor: Person) -> dict[str, str]:
    things: dict[str, dict[str, Any]] = {
        "variables": {"key": NAME, "value": KEPT, "description": KEPT},
        "connections": {"connection_id": NAME, "conn_type": "http", "host": KEPT},
        "pools": {"name": NAME, "slots": 1, "description": KEPT, "include_deferred": False},
    }
    for path, body in things.items():
        assert instructor.post(f"/api/v2/{path}", json=body).status_code in (201, 409)
    wait_until(lambda: green.get(f"/api/v2/dags/{DAG}/details").status_code == 200, 180, f"{DAG} is parsed")
    trigger = {"logical_date": None, "partition_key": "2022-01-02", "dag_run_id": RUN}
    ran = green.post(f"/api/v2/dags/{DAG}/dagRuns", json=trigger | {"note": SECRET, "conf": {"x": SECRET}})
    assert ran.status_code == 200, ran.text
    day = "2000-01-01T00:00:00Z"
    backfill = {"dag_id": DAG, "from_date": day, "to_date": day, "dag_run_conf": {"x": SECRET}, "max_active_runs": 1}
    made = green.post("/api/v2/backfills", json=backfill)
    assert made.status_code == 200, made.text
    runs = lambda: found(green, f"dags/{DAG}/dagRuns", "dag_runs", DAG)  # noqa: E731
    wait_until(lambda: all(run["state"] == "success" for run in runs()), 180, "its runs, the backfill's too")
    errors = wait_until(lambda: found(instructor, "importErrors", "import_errors", SECRET), 180, "its import error")
    rows = found(instructor, "eventLogs", "event_logs", NAME)
    return {
        "backfill_id": str(made.json()["id"]),
        "import_error_id": str(errors[0]["import_error_id"]),
        "event_log_id": str(next(row["event_log_id"] for row in rows if row["dag_id"] is None)),
        "event_log_of_green": str(next(row["event_log_id"] for row in rows if row["dag_id"] == DAG)),
    }


def found(person: Person, path: str, key: str, word: str) -> list[dict[str, Any]]:
    """Rows that hold a word, the newest first: a page has 100 at most."""
    answer = person.get(f"/api/v2/{path}", params={"limit": 100, "order_by": "-id"})
    assert answer.status_code == 200, answer.text
    return [row for row in answer.json()[key] if word in str(row)]
