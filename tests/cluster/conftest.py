"""One cluster for all tests of a session. Without kind or the charts each test is skipped, and says why."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.cluster.room import NAME, ClusterRoom, set_up
from tests.people import arrived
from tests.room import ROOT, free_port, wait_until

ATTENDEES = ["blue", "green", *(f"learner-{n}" for n in range(1, 9))]
TASK_SECONDS = 45
DAY_1 = "2022-01-01"


def missing() -> str | None:
    """What this machine lacks for a cluster."""
    for program in ("docker", "kind", "kubectl", "helm", "tilt"):
        if not shutil.which(program):
            return f"no {program}: scripts/doctor says what to install"
    if subprocess.run(["docker", "info"], capture_output=True).returncode:
        return "no Docker engine answers"
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "fde-workshop" / "charts"
    if len(list(cache.glob("*/Chart.yaml"))) < 2:
        return "the official charts are not in the cache folder: scripts/charts"
    return None


@pytest.fixture(scope="session")
def room(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterRoom]:
    """The room of blue, green and eight learners on a cluster of its own; blue's and green's notebooks run."""
    if reason := missing():
        pytest.skip(reason)
    keep = request.config.getoption("--keep")
    home = Path(keep).absolute() if keep else tmp_path_factory.mktemp("cluster")
    there = keep and (home / "port").exists()
    port = int((home / "port").read_text()) if there else free_port()
    one = set_up(home, port, ATTENDEES, taskSeconds=TASK_SECONDS)
    (home / "port").write_text(str(port))
    if not there:
        subprocess.run(["kind", "delete", "cluster", "--name", NAME], capture_output=True)
    try:
        up = one.tilt_ci()
        assert up.returncode == 0, up.stdout[-3000:] + up.stderr[-3000:]
        wait_until(one.healthy, 180, "a healthy room")
        labs(one)
        for name in ATTENDEES[:2]:
            judged(one, name)
        yield one
    finally:
        if not keep:
            subprocess.run([ROOT / "scripts" / "down", "--kind", "--delete"], env=one.environment, capture_output=True)


def labs(room: ClusterRoom) -> None:
    """Start the notebooks of blue and green."""
    for name in ("blue", "green"):
        with closing(arrived(room, name)) as person:
            room.start_lab(person, name)


def judged(room: ClusterRoom, name: str) -> None:
    """Have the functional pipeline judged while nothing else goes on.

    A check that fails, because somebody else's run takes all there is, is not tried again for the same text.
    """
    room.put_pipeline(name, "functional")
    verdict = "[[ ! -s $FDE_WORLD/.verdict/$(sha256sum <$FDE_WORLD/desk/pipeline.py | cut -c1-64).json ]] || echo there"
    wait_until(lambda: room.inside(f"jupyter-{name}", verdict), 300, f"the verdict on {name}'s pipeline", pause=1)


@pytest.fixture
def morning(room: ClusterRoom) -> ClusterRoom:
    """Day 1, empty desks, functional pipelines."""
    nothing = dict.fromkeys(("day", "deployed", "hold", "message", "incidents"))
    for name, keys in room.clocks().items():
        if name == "clock" or keys:
            wanted = nothing | ({"day": DAY_1, "deployed": "latest"} if name == "clock" else {})
            room.kubectl("patch", "configmap", name, "--type", "merge", "-p", json.dumps({"data": wanted}))

    def empty(name: str) -> None:
        busy = f"component=worker,workshop/attendee={name}"  # of a test that failed
        wait_until(lambda: not room.pods(busy), 300, f"the end of {name}'s pods", pause=0.5)
        room.put_pipeline(name, "functional", first="cd $FDE_WORLD/desk && fde start-over </dev/null")

    with ThreadPoolExecutor() as both:
        list(both.map(empty, ATTENDEES[:2]))
    return room


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(2400))  # the first one makes the cluster
