"""Parts of the room end in the middle of runs: worlds, clocks and run history stay, runs end or can be run again."""

import random
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from tests.cluster.conftest import labs
from tests.cluster.room import ClusterRoom, node
from tests.cluster.test_story import DAY_1, DAY_2, DAY_3
from tests.people import Person, arrived
from tests.room import ENDED, wait_until

PARTS = {
    "scheduler": "component=scheduler,tier=airflow",
    "api-server": "component=api-server,tier=airflow",
    "dag-processor": "component=dag-processor",
    "hub": "component=hub",
    "proxy": "component=proxy",
    "postgres": "app=postgres",
}


def history(person: Person, name: str, newest: int = 100) -> set[str]:
    """The newest runs that Airflow knows of."""
    asked = {"limit": newest, "order_by": "-run_after"}
    answer = person.get(f"/api/v2/dags/user_data_dag.{name}/dagRuns", params=asked)
    return {run["dag_run_id"] for run in answer.json()["dag_runs"]}


def ended(room: ClusterRoom, run: str, seconds: float) -> str:
    """The state a run of blue's ends in. Who asks may be signed out, and parts may not answer, meanwhile."""

    def asked() -> str | None:
        try:
            with closing(arrived(room, "blue")) as person:
                state = room.state(person, "blue", run)
                return state if state in ENDED else None
        except Exception:
            return None

    return str(wait_until(asked, seconds, f"the end of {run}"))


@contextmanager
def in_the_middle_of_a_run(room: ClusterRoom) -> Iterator[None]:
    """Days 1 and 2 are imported, day 3 is under way; afterwards all is as it should be."""
    room.inside("jupyter-blue", "cd $FDE_WORLD/desk && fde run --day 1 && fde run --day 2", seconds=120)
    before, clocks = room.shown("blue"), room.clocks()
    with closing(arrived(room, "blue")) as person:
        runs = history(person, "blue", 50)  # few enough that all of them are among the newest later on
        run = room.trigger(person, "blue", DAY_3)
        busy = lambda: room.pods("component=worker,workshop/attendee=blue")  # noqa: E731
        wait_until(busy, 300, "a task of blue's")
    yield
    wait_until(room.healthy, 300, "a healthy room")
    state = ended(room, run, 480)
    if state == "failed":
        assert room.run("blue", DAY_3) == "success", "it can be run again"
    shown = room.shown("blue")
    assert [row for row in shown if row["sales_date"] < DAY_3] == before, "no past day has changed"
    assert sum(row["revenue_cents"] for row in shown if row["sales_date"] == DAY_3) > 3_600_000, "day 3 is there"
    assert room.clocks() == clocks, "no clock has moved"
    with closing(arrived(room, "blue")) as person:
        assert runs | {run} <= history(person, "blue"), "run history is as it was"


@pytest.fixture
def third_day(morning: ClusterRoom) -> ClusterRoom:
    assert morning.script("day-3").returncode == 0
    return morning


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_killed(third_day: ClusterRoom, part: str) -> None:
    room = third_day
    notebook = room.pods("hub.jupyter.org/username=blue")[0]["metadata"]["uid"]
    with in_the_middle_of_a_run(room):
        old = room.pods(PARTS[part])[0]["metadata"]["name"]
        room.kubectl("delete", "pod", old, "--grace-period=0", "--force", check=False)
        room.kubectl("wait", "--for=delete", f"pod/{old}", "--timeout=60s")
    assert room.pods("hub.jupyter.org/username=blue")[0]["metadata"]["uid"] == notebook, "nobody's Lab is touched"


def test_imports_that_are_killed(third_day: ClusterRoom) -> None:
    """Their pods are killed at random moments; a run that came through has landed whole, and running again heals."""
    room, seed = third_day, random.randrange(10**6)
    print(f"seed {seed}")
    # One of them before its container is there: Airflow hears nothing of that, and asks for another pod later.
    moments = [0.0, random.Random(seed).uniform(0, 6)]
    room.inside(
        "jupyter-blue", "cd $FDE_WORLD/desk && fde run --day 1 && fde run --day 2 && fde run --day 3", seconds=120
    )
    whole = room.shown("blue")
    room.inside("jupyter-blue", "cd $FDE_WORLD/desk && fde start-over")
    for moment in moments:
        with closing(arrived(room, "blue")) as person:
            run = room.trigger(person, "blue", DAY_1)
            pod = wait_until(lambda: room.pods("component=worker,workshop/attendee=blue"), 300, "a task of blue's")[0]
            time.sleep(moment)  # what is tried out
            alive = room.pods("component=worker,workshop/attendee=blue") or [pod]
            for one in alive:
                room.kubectl("delete", "pod", one["metadata"]["name"], "--grace-period=0", "--force", check=False)
            room.end_of(person, "blue", run, 480)
        day_1 = [row for row in whole if row["sales_date"] == DAY_1]
        shown = room.python("jupyter-blue", ROWS)
        assert shown.strip() in ("0", str(len(day_1))), "nothing half is to be seen"
    assert [room.run("blue", day) for day in (DAY_1, DAY_2, DAY_3)] == ["success"] * 3
    assert room.shown("blue") == whole


ROWS = """
    from fde.refused import Refused
    from workshop import desk
    try:
        print(len(desk.open().sales()[0]))
    except Refused:
        print(0)
"""


def test_a_full_volume(third_day: ClusterRoom) -> None:
    """The worlds lie on a file system of 300 MB for a while, and somebody fills it."""
    room = third_day
    assert room.run("blue", DAY_1) == "success"
    before = room.shown("blue")
    with small_volume(room):
        filler = f"{folder(room)}/green/filler"
        node(f"dd if=/dev/zero of={filler} bs=1M; ls {filler}", check=False)
        with closing(arrived(room, "blue")) as blue:
            run = room.trigger(blue, "blue", DAY_2)
            assert room.end_of(blue, "blue", run, 300) == "failed"
            failed = blue.get(f"/api/v2/dags/user_data_dag.blue/dagRuns/{run}/taskInstances").json()["task_instances"]
            name = next(task["task_id"] for task in failed if task["state"] == "failed")
            assert "No space left on device" in str(room.log(blue, "blue", run, name))
        node(f"rm {filler}")
        assert room.run("blue", DAY_2) == "success", "room was made, and it goes on"
    shown = room.shown("blue")
    assert [row for row in shown if row["sales_date"] < DAY_2] == before
    assert {row["sales_date"] for row in shown} == {DAY_1, DAY_2}


def folder(room: ClusterRoom) -> str:
    """Where the node keeps the volume of worlds."""
    volume = room.kubectl("get", "pvc", "worlds", "-o", "jsonpath={.spec.volumeName}")
    paths = "{.spec.hostPath.path}{.spec.local.path}"
    return room.kubectl("get", "pv", volume, "-o", f"jsonpath={paths}").strip()


@contextmanager
def small_volume(room: ClusterRoom) -> Iterator[None]:
    place = folder(room)
    node(f"mkdir -p /tmp/w && cp -a {place}/. /tmp/w/ && mount -t tmpfs -o size=300m,mode=777 tmpfs {place}")
    node(f"cp -a /tmp/w/. {place}/")
    try:
        yield
    finally:
        node(f"rm -rf /tmp/w && mkdir /tmp/w && cp -a {place}/. /tmp/w/ && umount {place} && cp -a /tmp/w/. {place}/")
        node("rm -rf /tmp/w")


def installed_again(room: ClusterRoom, how: str) -> Any:
    if how == "tilt up":
        room.more.pop("WORKSHOP_IMAGE", None)  # it is built, as people do it
        return room.tilt_ci()
    room.more["WORKSHOP_IMAGE"] = room.pods("component=scheduler")[0]["spec"]["containers"][0]["image"]
    for name in ("workshop", "airflow", "jupyterhub"):
        done = room.script("release", name)
        assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("how", ["tilt up", "helm upgrade"])
def test_an_installation_on_a_running_room(third_day: ClusterRoom, how: str) -> None:
    room = third_day
    notebook = room.pods("hub.jupyter.org/username=blue")[0]["metadata"]["uid"]
    assert room.script("day-2").returncode == 0
    room.inside("jupyter-blue", "day-3")
    room.inside("jupyter-green", f"deploy {DAY_1}")
    own = [room.clocks()[f"clock-{name}"] for name in ("blue", "green")]
    assert own == [{"day": DAY_3}, {"deployed": DAY_1}], "each has something of their own to lose"
    with in_the_middle_of_a_run(room):
        done = installed_again(room, how)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert room.pods("hub.jupyter.org/username=blue")[0]["metadata"]["uid"] == notebook, "nobody's Lab is touched"


def test_the_cluster_stopped_and_started(third_day: ClusterRoom) -> None:
    """Last of the faults: scripts/down --kind in the middle of a run, then scripts/up --kind."""
    room = third_day
    passwords = room.access
    with in_the_middle_of_a_run(room):
        assert room.script("down", "--kind").returncode == 0
        up = room.tilt_ci()
        assert up.returncode == 0, up.stdout[-2000:] + up.stderr[-2000:]
        wait_until(room.healthy, 300, "a healthy room")
        labs(room)  # pods of notebooks end with their node: the hub starts them anew
    assert room.access == passwords
