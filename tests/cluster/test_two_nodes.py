"""More than one machine: the story with one volume for two nodes, and tasks on both."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cluster.conftest import missing
from tests.cluster.room import ClusterRoom, set_up
from tests.cluster.test_story import DAY_1, DAY_2, DAY_3
from tests.people import arrived
from tests.room import ROOT, free_port, wait_until

NAME = "fde-two"


@pytest.fixture
def two_nodes(tmp_path: Path) -> Iterator[ClusterRoom]:
    """A room on two nodes. Nothing stands in the file of its cluster but another folder to share."""
    if reason := missing():
        pytest.skip(reason)
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o777)
    shared.chmod(0o777)
    room = set_up(tmp_path / "room", free_port(), ["blue"])
    room.name = NAME
    config = tmp_path / "kind-two-nodes.yaml"
    config.write_text((ROOT / "k8s" / "kind-two-nodes.yaml").read_text().replace("/tmp/workshop-shared", str(shared)))
    room.more |= {"KIND_CONFIG": str(config), "FDE_VALUES": "k8s/shared-values.yaml"}
    subprocess.run(["kind", "delete", "cluster", "--name", NAME], capture_output=True)
    try:
        up = room.tilt_ci()
        assert up.returncode == 0, up.stdout[-3000:] + up.stderr[-3000:]
        wait_until(room.healthy, 180, "a healthy room")
        with closing(arrived(room, "blue")) as person:
            room.start_lab(person, "blue")
        yield room
    finally:
        subprocess.run([ROOT / "scripts" / "down", "--kind", "--delete"], env=room.environment, capture_output=True)
        shutil.rmtree(shared, ignore_errors=True)


def nodes(room: ClusterRoom) -> list[str]:
    return room.kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()


def test_the_story_with_tasks_on_both_nodes(two_nodes: ClusterRoom) -> None:
    room, seen = two_nodes, {}
    assert len(nodes(room)) == 2
    room.put_pipeline("blue", "functional")
    with closing(arrived(room, "blue")) as blue:
        for number, day in enumerate((DAY_1, DAY_2, DAY_3)):
            assert room.script("day", str(number + 1)).returncode == 0
            # Each day on the other node than the one before: the scheduler of the cluster may like only one.
            here = nodes(room)[number % 2]
            others = [one for one in nodes(room) if one != here]
            room.kubectl("cordon", *others)
            run = room.trigger(blue, "blue", day)
            # A pod of the day before may still be going away on the other node: only one on this node is today's.
            wait_until(lambda here=here: here in tasks_on(room, "blue"), 300, f"a task on {here}")
            assert room.end_of(blue, "blue", run, 300) == "success"
            room.kubectl("uncordon", *others)
            seen[day] = room.shown("blue")
    assert [row for row in seen[DAY_3] if row["sales_date"] < DAY_2] == seen[DAY_1]
    assert [row for row in seen[DAY_3] if row["sales_date"] < DAY_3] == seen[DAY_2]
    assert room.cents("blue", DAY_3, "bronze") > 3_600_000
    assert room.script("roll-back").returncode == 0
    assert room.shown("blue") == seen[DAY_2]


def tasks_on(room: ClusterRoom, attendee: str) -> set[str]:
    """The nodes that the attendee's tasks are on."""
    pods = room.pods(f"component=worker,workshop/attendee={attendee}")
    return {pod["spec"]["nodeName"] for pod in pods if "nodeName" in pod["spec"]}
