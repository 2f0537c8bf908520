"""The room of a rehearsal as `scripts/up --kind` makes it: a cluster of its own."""

import base64
import json
import subprocess
from contextlib import suppress
from pathlib import Path

import yaml

from fde.refused import Refused
from workshop import settings
from workshop.rehearse.record import Memory
from workshop.rehearse.rooms import CLUSTER, MIB, Room

NODE = f"{CLUSTER}-control-plane"
NOTEBOOK_POD = "jupyter-"


class Kind(Room):
    """The workshop of `scripts/up --kind`, on a cluster of its own."""

    on_cluster, pause = True, 5.0
    memory_needed, memory_each, disk_needed, disk_each = 4096 * MIB, 400 * MIB, 8192 * MIB, 10 * MIB
    counted = "working set of the node's pods and of its system, as kubelet tells it"

    def words(self, names: list[str]) -> list[str]:
        described = yaml.safe_load(settings.room_file().read_text("utf-8"))
        described |= {"attendees": names, "url": self.url}
        (self.folder / "room.yaml").write_text(json.dumps(described), "utf-8")
        return ["--kind", "--port", "0"]

    def passwords(self) -> dict[str, str]:
        secret = json.loads(self.kubectl("get", "secret", "access", "--output", "json"))["data"]["access.json"]
        found: dict[str, str] = json.loads(base64.b64decode(secret))["attendees"]
        return found

    def use(self) -> tuple[Memory, float]:
        told = json.loads(self.kubectl("get", "--raw", f"/api/v1/nodes/{NODE}/proxy/stats/summary"))
        sizes = {pod["podRef"]["name"]: pod.get("memory", {}).get("workingSetBytes", 0) for pod in told["pods"]}
        people = sum(size for name, size in sizes.items() if name.startswith(NOTEBOOK_POD))
        node = told["node"]
        return Memory(node["memory"]["workingSetBytes"] - people, people), node["cpu"]["usageCoreNanoSeconds"] / 1e9

    def kubectl(self, *words: str) -> str:
        """What kubectl prints. Raises Refused with what it says when it cannot."""
        done = subprocess.run(["kubectl", *words], env=self.environment(), capture_output=True, text=True)
        if done.returncode:
            raise Refused(f"kubectl {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def disk_used(self) -> int:
        du = ["docker", "exec", NODE, "du", "--summarize", "--block-size=1", "/var"]
        return int(subprocess.run(du, capture_output=True, text=True).stdout.split()[0])

    def keep_logs(self, at: Path) -> None:
        at.mkdir(exist_ok=True)
        for pod in self.kubectl("get", "pods", "--output", "name").split():
            with suppress(Refused):  # it has gone meanwhile, or has not begun
                told = self.kubectl("logs", pod, "--all-containers", "--prefix", "--ignore-errors")
                (at / f"{Path(pod).name}.log").write_text(told, "utf-8")
