"""The machine a rehearsal runs on: whether it can, what else runs there, and that no other rehearsal does."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

import psutil

from fde.refused import Refused
from workshop.rehearse.misdeeds import HOARD, hoards
from workshop.rehearse.rooms import CLUSTER, Room

MARK = "\0fde-rehearsal "  # begins a name of the system, not of a file: whoever is killed gives it back
PROGRAMS = ("docker", "kind", "kubectl", "helm", "tilt")
NODES = ("docker", "ps", "--filter", "label=io.x-k8s.kind.cluster", "--format", '{{.Label "io.x-k8s.kind.cluster"}}')


@contextmanager
def only_one(room: Room) -> Iterator[None]:
    """Held while rehearsing. Raises Refused while another rehearsal has the folder or the cluster of this one."""
    with ExitStack() as held:
        for name in (str(room.folder), *[CLUSTER] * room.on_cluster):
            try:
                held.enter_context(socket.socket(socket.AF_UNIX)).bind(MARK + sha256(name.encode()).hexdigest())
            except OSError:
                raise Refused(f"another rehearsal is running: it has {name}. Wait for its end.") from None
        yield


def refuse_without(room: Room, people: int) -> None:
    """Raises Refused when the machine has too little for a room of so many, saying how much is missing."""
    if room.on_cluster:
        if missing := [name for name in PROGRAMS if not shutil.which(name)]:
            raise Refused(f"a rehearsal on kind needs {', '.join(missing)}. scripts/doctor says how to install that.")
        if subprocess.run(["docker", "info"], capture_output=True).returncode:
            raise Refused("Docker does not answer. Start it, and let this user use it: docker info must answer.")
    memory = room.memory_needed + people * room.memory_each + hoards(people) * HOARD
    disk = room.disk_needed + people * room.disk_each
    place = next(folder for folder in (room.folder, *room.folder.parents) if folder.is_dir())
    for what, needed, free in (
        ("memory", memory, psutil.virtual_memory().available),
        ("disk", disk, shutil.disk_usage(place).free),
    ):
        if free < needed:
            raise Refused(
                f"{people} people need about {needed / 2**30:.1f} GiB of {what}, and {free / 2**30:.1f} GiB are free. "
                "Let fewer come, or make room."
            )


def beside(home: Path) -> list[str]:
    """The other workshops that run on this machine: folders of those of `scripts/up`, names of kind clusters."""
    found = set()
    for process in psutil.process_iter():
        try:
            found.add(process.environ().get("FDE_SUPERVISED"))
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or another user's
    if shutil.which("docker"):
        found |= set(subprocess.run(NODES, capture_output=True, text=True).stdout.split())
    return sorted(name for name in found if name not in (None, str(home.resolve()), CLUSTER))
