"""The room of a rehearsal: one of its own, started by the scripts that people use, and gone afterwards."""

import shutil
import socket
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from fde.refused import Refused
from workshop import settings, supervised
from workshop.rehearse.record import Memory

MIB = 2**20
CLUSTER = "workshop-rehearsal"
LAST_LINES = 10


class Room(ABC):
    """A room in a folder beside FDE_HOME, at a free port. What it needs is in bytes: in all, and for each attendee."""

    on_cluster: bool
    memory_needed: int
    memory_each: int
    disk_needed: int
    disk_each: int
    pause: float  # seconds between two looks at its memory
    counted: str  # how memory is counted

    def __init__(self) -> None:
        home = settings.home()
        self.folder = home.with_name(f"{home.name}-rehearsal")
        self.home = self.folder / "home"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self, names: list[str]) -> None:
        """Start it for these attendees by scripts/up. Raises Refused with the last that was said when it does not."""
        self.home.mkdir(parents=True)
        # In a session of its own: Ctrl-C is for the rehearsal, which takes everything away in order.
        up = self.script("up", *self.words(names), start_new_session=True)
        if up.returncode:
            said = (up.stderr.strip() or up.stdout.strip() or "it said nothing").splitlines()[-LAST_LINES:]
            raise Refused("\n  ".join(["The room of the rehearsal did not start:", *said]) if said[1:] else said[0])

    def stop(self) -> None:
        """Stop it, and remove all of it."""
        supervised.stop(self.home)  # also a start that is under way: it carries the mark
        if self.on_cluster or self._kubeconfig.exists():
            self.script("down", "--kind", "--delete")
        shutil.rmtree(self.folder, ignore_errors=True)

    def clear(self) -> bool:
        """Remove what a rehearsal that was killed has left, of either sort. Returns whether there was something."""
        left = self.folder.exists()
        if left or self.on_cluster:
            self.stop()
        return left

    def script(self, name: str, *words: str, **more: Any) -> "subprocess.CompletedProcess[str]":
        """Run one of the scripts for this room."""
        env = {**self.environment(), **supervised.marks(self.home, "up")}
        command = [str(settings.root() / "scripts" / name), *words]
        return subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, **more)

    def environment(self) -> dict[str, str]:
        """Where it is, for the scripts."""
        own = {"FDE_HOME": str(self.home), "FDE_PORT": str(self.port), "FDE_ROOM": str(self.folder / "room.yaml")}
        own |= {"FDE_CLUSTER": CLUSTER, "KUBECONFIG": str(self._kubeconfig), "TILT_COMMAND": "ci"}
        return {**settings.of_another_room(), **own}

    @abstractmethod
    def words(self, names: list[str]) -> list[str]:
        """What scripts/up is told."""

    @abstractmethod
    def passwords(self) -> dict[str, str]:
        """The attendees' passwords, by name."""

    @abstractmethod
    def use(self) -> tuple[Memory, float]:
        """The memory it takes now, and the seconds of processor it has taken so far."""

    @abstractmethod
    def disk_used(self) -> int:
        """Bytes that it takes on the disk."""

    @abstractmethod
    def keep_logs(self, at: Path) -> None:
        """Put what its parts have said into a folder: soon the room is gone."""

    @property
    def _kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"
