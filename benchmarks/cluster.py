"""Shown, not claimed: from nothing to a healthy room on kind; an attendee's run, and ten at once.

Makes a cluster of its own on this machine (scripts/up --kind), and deletes it. Beside each run stands the bare start of
an empty pod of the same image, so that the ratios hold on any machine. Also printed: what each part and each attendee
takes of memory, from which follows what a room of any size needs. From nothing: but for Docker's cache of layers.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from pairs import ROOT, Claim

from tests.cluster.room import NAME, ClusterRoom, node, set_up
from tests.people import Person, arrived
from tests.room import ENDED, free_port, wait_until

ATTENDEES = [f"learner-{n}" for n in range(1, 11)]
DASHBOARD = """
    from fde.chart import order_status_chart
    from workshop import airflow, desk
    rows, receipt = desk.open().sales()
    picture = order_status_chart(rows, note=receipt)
    print(open("/proc/self/status").read().split("VmRSS:")[1].split()[0])
"""
# kind asks a node's crictl which images it has; its own nodes have one. Without, an image that is there comes again.
CRICTL = """
command -v crictl && exit; cat >/usr/local/bin/crictl <<'END'; chmod +x /usr/local/bin/crictl
#!/bin/sh
held=$(ctr -n k8s.io images ls | awk -v name="${2#docker.io/library/}" '$1 ~ name "$" {print $3; exit}')
ctr -n k8s.io content get "$held" | jq '{status: {id: .config.digest}}'
END
"""
# Memory that a container cannot give back, in cgroups of either version.
USED = """
    cd /sys/fs/cgroup; if [ -e memory.current ]; then used=$(cat memory.current) file=memory.stat; else
    used=$(cat memory/memory.usage_in_bytes) file=memory/memory.stat; fi
    idle=$(grep -E '^(total_)?inactive_file ' $file | tail -1 | cut -d' ' -f2); echo $(((used - idle) / 1048576))
"""


def timed(act: Callable[[], object]) -> float:
    begin = time.monotonic()
    act()
    return time.monotonic() - begin


def empty_pod(room: ClusterRoom, image: str) -> float:
    """Seconds from asking for a pod that does nothing until it has ended."""

    def run() -> None:
        room.kubectl("run", "empty", f"--image={image}", "--restart=Never", "--command", "--", "true")
        room.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/empty", "--timeout=60s")

    try:
        return timed(run)
    finally:
        room.kubectl("delete", "pod", "empty", "--now")


def one_run(room: ClusterRoom, person: Person, name: str) -> tuple[float, str]:
    """Seconds from an attendee's trigger to the end of their run, and how it ended."""
    begin = time.monotonic()
    run, state = room.trigger(person, name), ""
    while state not in ENDED:
        time.sleep(1)  # as `airflow.run` of a notebook asks; ten who ask all the time would be what is measured
        state = room.state(person, name, run)
    return time.monotonic() - begin, state


def spread(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return {"p50": round(statistics.median(ordered), 1), "p95": round(p95, 1), "max": round(ordered[-1], 1)}


def memory(room: ClusterRoom) -> dict[str, int]:
    """MiB of each pod."""
    pods = json.loads(room.kubectl("get", "pods", "-o", "json"))["items"]
    running = [pod["metadata"]["name"] for pod in pods if pod["status"]["phase"] == "Running"]
    said = {name: room.kubectl("exec", name, "--", "sh", "-c", USED, check=False).strip() for name in running}
    return {name: int(words) for name, words in said.items() if words.isdecimal()}  # a task may have ended meanwhile


def measure(small: bool) -> list[Claim]:
    """A room of ten; small: of two."""
    names, found = ATTENDEES[: 2 if small else None], {}
    subprocess.run(["kind", "delete", "cluster", "--name", NAME], capture_output=True)
    with tempfile.TemporaryDirectory(prefix="fde-cluster-") as folder:
        room = set_up(Path(folder), free_port(), names)
        try:
            first = timed(lambda: _good(room.tilt_ci()))
            wait_until(room.healthy, 60, "a healthy room")
            found["the node had a crictl"] = bool(node(CRICTL))
            second = timed(lambda: _good(room.tilt_ci()))
            claims = [Claim("cluster up", "up again", "seconds", first, second, None)]
            claims += runs(room, names, found)
        finally:
            subprocess.run([ROOT / "scripts" / "down", "--kind", "--delete"], env=room.environment, capture_output=True)
    for name, one in found.items():
        print(f"  {name:45} {one}", file=sys.stderr)
    return claims


def runs(room: ClusterRoom, names: list[str], found: dict[str, object]) -> list[Claim]:
    """Runs alone and together, in empty pods; what all takes of memory goes to `found`."""
    image = room.pods("component=scheduler")[0]["spec"]["containers"][0]["image"]
    people = {name: arrived(room, name) for name in names}
    first = names[0]
    one_run(room, people[first], first)  # the very first one builds what later ones find
    empty = statistics.median(empty_pod(room, image) for _ in range(len(names)))
    alone = [one_run(room, people[first], first) for _ in names]
    with ThreadPoolExecutor(len(people)) as pool:
        together = list(pool.map(lambda name: one_run(room, people[name], name), names))
    assert {state for _, state in [*alone, *together]} == {"success"}, "all succeed"
    claims = []
    for what, these in (("a run of 4 tasks", alone), (f"{len(names)} runs at once", together)):
        found[f"{what}, s"] = took = spread([seconds for seconds, _ in these])
        claims.append(Claim(what, "empty pod", "seconds", took["p50"], empty, None))
    wait_until(lambda: not room.pods("component=worker"), 60, "the end of all tasks")
    found["parts, MiB"] = before = memory(room)
    for name in names[:3]:
        with closing(arrived(room, name)) as person:
            room.start_lab(person, name)
    found["a JupyterLab, MiB"] = [used for pod, used in memory(room).items() if pod not in before]
    found["a kernel with a dashboard, MiB"] = int(room.python(f"jupyter-{first}", DASHBOARD)) // 1024
    found["world of one day, KiB"] = int(room.inside(f"jupyter-{first}", "du -sk $FDE_WORLD | cut -f1"))
    return claims


def _good(done: "subprocess.CompletedProcess[str]") -> None:
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
