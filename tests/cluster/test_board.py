"""The board on a cluster: it reads worlds that it cannot write, and what it does there is done as the instructor."""

import json
import re
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.cluster.room import ClusterRoom
from tests.people import Person, arrived
from tests.room import wait_until

BROKEN = """
def load_users(world, day):
    1 / 0
def load_orders(world, day): pass
def process_users_orders(world, day): pass
"""


@pytest.fixture
def instructor(morning: ClusterRoom) -> Iterator[Person]:
    with closing(arrived(morning, "instructor")) as person:
        wait_until(lambda: 'id="of-blue"' in person.open_board().text, 200, "blue on the board")
        yield person


def row(person: Person, name: str) -> str:
    """What the board says about somebody, as text."""
    found = re.search(rf'<a id="of-{name}".*?</tr>', person.open_board().text, re.S)
    return re.sub(r"<[^>]+>|\s+", " ", found[0]) if found else ""


def test_a_run_that_fails_is_told_and_catch_up_mends_it(morning: ClusterRoom, instructor: Person) -> None:
    room = morning
    room.put_pipeline("blue", BROKEN)
    assert room.run("blue") == "failed"
    wait_until(lambda: "division by zero" in row(instructor, "blue"), 200, "the reason on the board")
    assert "division by zero" not in row(instructor, "green")

    assert instructor.press("catch-up", step="5", whom="blue").status_code == 303
    wait_until(lambda: "division by zero" not in row(instructor, "blue"), 200, "another desk for blue")
    # Four steps are done only when the laws hold: so the check ran, in a pod of blue's, and the board read its verdict.
    wait_until(lambda: row(instructor, "blue").count("✓") == 4, 200, "the verdict on blue's pipeline")
    kept = room.inside("jupyter-blue", "ls $FDE_WORLD/.verdict; sha256sum <$FDE_WORLD/desk/pipeline.py")
    assert kept.split()[-2] + ".json" in kept

    entry = re.findall(r'name="entry" value="(\d+)"', instructor.open_board().text)[0]
    assert instructor.press("undo", entry=entry).status_code == 303
    mine = "grep -q '1 / 0' $FDE_WORLD/desk/pipeline.py && echo mine"
    wait_until(lambda: "mine" in room.inside("jupyter-blue", mine, check=False), 200, "blue's own desk")


def test_the_instructor_sets_the_pace_for_all(morning: ClusterRoom, instructor: Person) -> None:
    room = morning
    words = 'Back at 11. "Day 2" is <b>next</b> \\ €'
    asked = {"next-day": {}, "hold": {"day": "2022-01-02"}, "message": {"words": words}}
    for action, fields in asked.items():
        done = instructor.press(action, **fields)
        assert done.status_code == 303, done.text
    assert {"day": "2022-01-02", "hold": "2022-01-02", "message": words}.items() <= room.clocks()["clock"].items()
    shown = room.inside("jupyter-blue", "fde run --day 1 >/dev/null; fde show")
    assert words in shown
    assert "held" in room.inside("jupyter-blue", "day-passes", check=False)
    assert room.run("blue", "2022-01-03") == "failed", "nobody gets past the hold"
    for _ in asked:
        entry = re.findall(r'name="entry" value="(\d+)"', instructor.open_board().text)[0]
        assert instructor.press("undo", entry=entry).status_code == 303
    assert room.clocks()["clock"].keys() & {"hold", "message"} == set()


def test_scripts_and_kubectl_are_in_the_log(morning: ClusterRoom, instructor: Person) -> None:
    room = morning
    told = lambda: instructor.open_board().text.count("incidents of the room: ")  # noqa: E731
    before = told()
    for script in (["hold", "2"], ["message", 'say "hello"'], ["incident", "1", "late-file", "green"]):
        done = room.script(*script)
        assert done.returncode == 0, done.stderr
    wait_until(lambda: told() > before, 200, "what a script did")
    assert room.run("green") == "failed"
    assert room.run("blue") == "success", "blue's source is whole"
    for script in (["hold"], ["message"], ["incident", "--remove"]):
        assert room.script(*script).returncode == 0
    assert room.run("green") == "success"


def test_a_call_for_help_comes_with_what_the_board_needs(morning: ClusterRoom, instructor: Person) -> None:
    morning.inside("jupyter-green", "fde run && fde help 'why <b>twice</b>?'")
    wait_until(lambda: "why &lt;b&gt;twice" in row(instructor, "green"), 200, "green's call for help")
    assert instructor.open_board("attendee/green").text.count("The call for help") == 1
    morning.inside("jupyter-green", "fde help --done")
    wait_until(lambda: "twice" not in row(instructor, "green"), 200, "the end of the call")


def test_it_holds_no_key_but_its_own_and_writes_no_world(morning: ClusterRoom) -> None:
    code = """
        touch /room/worlds/blue/desk/mine || echo 'no world'
        env | grep -E 'FERNET|JWT|POSTGRES|SECRET' || echo 'no key'
        ls /keys; ls /room/board
    """
    said = morning.inside("deploy/board", code, check=False)
    assert "no world" in said and "no key" in said, said
    assert "hub.services.board.apiToken" in said and "audit.jsonl" in said
    for words, answer in {"get secrets": "no", "patch configmaps/clock-blue": "yes", "create pods": "no"}.items():
        can = morning.kubectl("auth", "can-i", *words.split(), "--as=system:serviceaccount:default:board", check=False)
        assert can.split()[0] == answer, words


def test_its_token_reads_runs_and_changes_nothing(morning: ClusterRoom) -> None:
    code = """
        import json, os, httpx
        from pathlib import Path
        key = Path("/keys/hub.services.board.apiToken").read_text()
        with httpx.Client(base_url=os.environ["FDE_AIRFLOW"], trust_env=False, timeout=30) as client:
            shown = {"Authorization": f"token {key}"}
            bought = client.post("auth/token", headers=shown).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {bought}"
            body = {"logical_date": None}
            asked = [("GET", "dags/~/dagRuns", None), ("POST", "dags/user_data_dag.blue/dagRuns", body),
                     ("POST", "dags/catch_up.blue/dagRuns", {**body, "conf": {"to": "1"}}),
                     ("PATCH", "dags/user_data_dag.blue", {"is_paused": True}),
                     ("GET", "variables", None), ("GET", "connections", None), ("GET", "config", None)]
            print(json.dumps([client.request(how, f"api/v2/{what}", json=more).status_code if more else
                              client.request(how, f"api/v2/{what}").status_code for how, what, more in asked]))
    """
    answers = json.loads(morning.python("deploy/board", code).splitlines()[-1])
    assert answers == [200, 403, 403, 403, 403, 403, 403]
