"""A room on a real cluster: made by the scripts that people use, asked by HTTP, kubectl and as its attendees."""

import base64
import json
import os
import re
import subprocess
import textwrap
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.people import Person, arrived
from tests.room import ROOT, Room, wait_until

NAME = "fde-test"
NODE = f"{NAME}-control-plane"
WORLDS = "/room/worlds"
AS_JUDGED = """
set -e
cd $FDE_WORLD/.verdict && cat >/tmp/probe
had=$(sha256sum <../desk/pipeline.py | cut -c1-64) now=$(sha256sum </tmp/probe | cut -c1-64)
sed "s/$had/$now/" $had.json >$now.json
cp /tmp/probe ../desk/pipeline.py
"""
# What kubectl says of a busy cluster, which may be asked again.
TOO_BUSY = re.compile(
    "TLS handshake timeout|etcdserver: |ServiceUnavailable|TooManyRequests|error dialing backend|"
    r"The connection to the server \S+ was refused"
)
# The code runs as the attendee would run it: in their notebook's pod, with its user, files, account and network.
SHOWN = "import json; from workshop import desk; print(desk.open().sales()[0].to_json(orient='records'))"


@dataclass
class ClusterRoom(Room):
    """The same questions as of a room on one machine; what differs is how the answer is fetched."""

    name: str = NAME  # of the cluster

    @property
    def access(self) -> dict[str, Any]:
        secret = json.loads(self.kubectl("get", "secret", "access", "-o", "json"))
        content: dict[str, Any] = json.loads(base64.b64decode(secret["data"]["access.json"]))
        return content

    @property
    def environment(self) -> dict[str, str]:
        plain = {key: value for key, value in os.environ.items() if not key.startswith(("FDE_", "TILT_"))}
        own = {
            "FDE_HOME": str(self.home),
            "FDE_CLUSTER": self.name,
            "FDE_PORT": str(self.port),
            "FDE_ROOM": str(self.home / "room.yaml"),
        }
        return {**plain, **own, "KUBECONFIG": str(self.home / "kubeconfig"), **self.more}

    def tilt_ci(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """scripts/up --kind, as far as `tilt ci` goes with it: until all is healthy."""
        asked = ["ci", "--port", "0", *arguments]
        self.more["TILT_COMMAND"] = asked[0]
        return self.script("up", "--kind", *asked[1:], seconds=900)

    def kubectl(self, *words: str, check: bool = True, seconds: float = 120, text: str | None = None) -> str:
        """What kubectl prints."""
        command = ["kubectl", "--context", f"kind-{self.name}", *words]
        for _ in range(3):
            done = subprocess.run(
                command, env=self.environment, capture_output=True, text=True, timeout=seconds, input=text
            )
            begun = "command terminated" in done.stderr  # what a pod's own program said is no answer of the cluster
            if not done.returncode or begun or not TOO_BUSY.search(done.stderr):
                break
            time.sleep(2)
        assert not check or done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout if check else done.stdout + done.stderr

    def pods(self, selector: str) -> list[dict[str, Any]]:
        """The pods of a selector that are neither ended nor on their way out, the newest first."""
        items = json.loads(self.kubectl("get", "pods", "-l", selector, "-o", "json"))["items"]
        alive = [item for item in items if item["status"]["phase"] in ("Pending", "Running")]
        alive = [item for item in alive if "deletionTimestamp" not in item["metadata"]]
        return sorted(alive, key=lambda item: str(item["metadata"]["creationTimestamp"]), reverse=True)

    def inside(self, pod: str, code: str, *, check: bool = True, seconds: float = 60) -> str:
        """What a piece of bash prints in a pod."""
        return self.kubectl("exec", "-i", pod, "--", "bash", "-c", code, check=check, seconds=seconds)

    def python(self, pod: str, code: str, *words: str, seconds: float = 60) -> str:
        """What a piece of Python prints in a pod; words: its arguments."""
        return self.kubectl("exec", "-i", pod, "--", "python", "-", *words, text=textwrap.dedent(code), seconds=seconds)

    def start_lab(self, person: Person, name: str) -> str:
        """Start somebody's notebook server as they would; returns the name of its pod."""
        xsrf = {"X-XSRFToken": person.cookie("_xsrf")}

        def there() -> bool:
            asked = person.hub("POST", f"/hub/api/users/{name}/server", headers=xsrf)
            # 400: it runs already, or is being stopped. A hub that has just begun, or gave up a start, is asked again.
            assert asked.status_code in (201, 202, 400, 429, 500, 503), asked.text
            page = person.hub("GET", f"/user/{name}/lab", follow_redirects=True)
            own = page.status_code == 200 and page.url.path.startswith("/user")
            return own and bool(self.pods(f"hub.jupyter.org/username={name}"))

        wait_until(there, 300, f"the JupyterLab of {name}", pause=1)
        return f"jupyter-{name}"

    def put_pipeline(self, name: str, code: str, *, first: str = "true") -> None:
        """Save a pipeline.py on somebody's desk: a stage of the lesson, or any code. first: bash that comes before."""
        text = (ROOT / "solutions" / f"{code}.py").read_text() if "\n" not in code else textwrap.dedent(code)
        saved = f"{first} && cat >$FDE_WORLD/desk/pipeline.py"
        self.kubectl("exec", "-i", f"jupyter-{name}", "--", "bash", "-c", saved, text=text)

    def put_probe(self, name: str, code: str) -> None:
        """Save code that is no pipeline, and as its owner could, the verdict on the one before: nothing is checked."""
        self.kubectl("exec", "-i", f"jupyter-{name}", "--", "bash", "-c", AS_JUDGED, text=textwrap.dedent(code))

    def shown(self, name: str) -> list[dict[str, Any]]:
        """The rows of somebody's dashboard, as their notebook computes them."""
        rows: list[dict[str, Any]] = json.loads(self.python(f"jupyter-{name}", SHOWN))
        return rows

    def cents(self, name: str, day: str, status: str) -> int:
        found = [r["revenue_cents"] for r in self.shown(name) if (r["sales_date"], r["status"]) == (day, status)]
        return sum(found)

    def trigger(self, person: Person, attendee: str, day: str | None = None) -> str:
        """The same, once Airflow knows the DAG: a room that has just begun is healthy before."""
        known = lambda: person.get(f"/api/v2/dags/user_data_dag.{attendee}").status_code == 200  # noqa: E731
        wait_until(known, 180, f"the DAG of {attendee}")
        return super().trigger(person, attendee, day)

    def run(self, name: str, day: str | None = None, seconds: float = 300) -> str:
        """Trigger somebody's DAG as them and wait for its end. Returns its state."""
        with closing(arrived(self, name)) as person:
            return self.end_of(person, name, self.trigger(person, name, day), seconds)

    def clocks(self) -> dict[str, Any]:
        """All clocks, by name."""
        items = json.loads(self.kubectl("get", "configmaps", "-l", "fde=clock", "-o", "json"))["items"]
        return {item["metadata"]["name"]: item.get("data") for item in items}

    def healthy(self) -> bool:
        """Whether hub and Airflow answer that they are well."""
        with closing(Person(self.url)) as nobody:
            try:
                parts = nobody.get("/api/v2/monitor/health").json()
                hub = nobody.hub("GET", "/hub/health").status_code
            except Exception:
                return False
        names = ("metadatabase", "scheduler", "dag_processor")
        return hub == 200 and all((parts.get(name) or {}).get("status") == "healthy" for name in names)


def node(code: str, check: bool = True) -> str:
    """What bash prints on the node."""
    done = subprocess.run(["docker", "exec", NODE, "bash", "-c", code], capture_output=True, text=True, timeout=120)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout


def set_up(home: Path, port: int, attendees: list[str], **more: Any) -> ClusterRoom:
    """Write the room's file: who takes part."""
    home.mkdir(parents=True, exist_ok=True)
    room = ClusterRoom(home, port)
    lines = {"attendees": attendees, "pack": "sources/shop", "url": room.url, **more}
    (home / "room.yaml").write_text(json.dumps(lines))
    return room
