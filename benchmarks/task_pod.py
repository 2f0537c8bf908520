"""Claim: from queued to the attendee's code, a task takes at most twice what an empty pod of the same image takes.

Both sides end at the first line of code in the container: the pipeline's, or that of a Python that does nothing else.
Makes a cluster of its own on this machine (scripts/up --kind), and deletes it. Where each second goes is printed.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from kubernetes import client, config
from pairs import ROOT, Claim

from tests.cluster.room import NAME, WORLDS, ClusterRoom, set_up
from tests.people import Person, arrived
from tests.room import free_port, wait_until

TIMES = 8
ATTENDEE = "learner"
PIPELINE = """
import time
first_line = time.time()
import json
import psutil

def say(world, day, task):
    marks = {"task": task, "process": psutil.Process(1).create_time(), "forked": psutil.Process().create_time(),
             "first line": first_line}
    with (world.files / "marks").open("a") as file:
        file.write(json.dumps(marks) + "\\n")

def load_users(world, day): say(world, day, "load_users")
def load_orders(world, day): say(world, day, "load_orders")
def process_users_orders(world, day): say(world, day, "process_users_orders")
"""
PARTS = {
    "queued, until its process runs": ("queued", "process"),
    "Airflow loads": ("process", "forked"),
    "the DAG, the desk and its libraries": ("forked", "first line"),
}


def empty_pod(api: client.CoreV1Api, image: str) -> float:
    """Seconds from asking for a pod to the first line of its Python."""
    say = ["python", "-c", "import time; print(time.time())"]
    container = client.V1Container(name="empty", image=image, command=say, image_pull_policy="IfNotPresent")
    spec = client.V1PodSpec(containers=[container], restart_policy="Never", automount_service_account_token=False)
    asked = time.time()
    api.create_namespaced_pod("default", client.V1Pod(metadata=client.V1ObjectMeta(name="empty"), spec=spec))
    try:
        phase = lambda: api.read_namespaced_pod("empty", "default").status.phase  # noqa: E731
        wait_until(lambda: phase() == "Succeeded", 60, "the end of an empty pod")
        return float(api.read_namespaced_pod_log("empty", "default")) - asked
    finally:
        api.delete_namespaced_pod("empty", "default", grace_period_seconds=0)


def tasks(room: ClusterRoom, person: Person) -> list[dict[str, float]]:
    """One run: for each task of the pipeline when it was queued, and what its code noted."""
    marks = f"{WORLDS}/{ATTENDEE}/desk/files/marks"
    room.inside(f"jupyter-{ATTENDEE}", f"rm -f {marks}")
    run = room.trigger(person, ATTENDEE)
    if (state := room.end_of(person, ATTENDEE, run)) != "success":
        raise SystemExit(f"the run is {state}: {room.log(person, ATTENDEE, run, 'start_import')[-3:]}")
    noted = [json.loads(line) for line in room.inside(f"jupyter-{ATTENDEE}", f"cat {marks}").splitlines()]
    asked = person.get(f"/api/v2/dags/user_data_dag.{ATTENDEE}/dagRuns/{run}/taskInstances").json()["task_instances"]
    queued = {one["task_id"]: datetime.fromisoformat(one["queued_when"]).timestamp() for one in asked}
    return [{**one, "queued": queued[one["task"]]} for one in noted]


def measure(small: bool) -> list[Claim]:
    """The claim of this file."""
    with tempfile.TemporaryDirectory(prefix="fde-cluster-") as folder:
        room = set_up(Path(folder), free_port(), [ATTENDEE])
        try:
            done = room.tilt_ci()
            assert done.returncode == 0, done.stderr[-2000:]
            wait_until(room.healthy, 60, "a healthy room")
            config.load_kube_config(str(room.home / "kubeconfig"), context=f"kind-{NAME}")
            with closing(arrived(room, ATTENDEE)) as person:
                return compared(room, person, 2 if small else TIMES)
        finally:
            subprocess.run([ROOT / "scripts" / "down", "--kind", "--delete"], env=room.environment, capture_output=True)


def compared(room: ClusterRoom, person: Person, times: int) -> list[Claim]:
    """Runs and empty pods in turn; medians."""
    room.start_lab(person, ATTENDEE)
    room.put_pipeline(ATTENDEE, PIPELINE)
    image = room.pods("component=scheduler")[0]["spec"]["containers"][0]["image"]
    tasks(room, person)  # the very first one builds what later ones find
    empty, found = [], []
    for _ in range(times):
        wait_until(lambda: not room.pods("component=worker"), 60, "the end of all tasks")
        empty.append(empty_pod(client.CoreV1Api(), image))
        found += [one for one in tasks(room, person) if one["task"] == "process_users_orders"]  # it is alone
    for words, (begin, end) in PARTS.items():
        seconds = statistics.median(one[end] - one[begin] for one in found)
        print(f"  {words:40} {seconds:5.2f} s", file=sys.stderr)
    ours, theirs = statistics.median(one["first line"] - one["queued"] for one in found), statistics.median(empty)
    return [Claim("task pod", "empty pod", "seconds", ours, theirs, 2.0)]
