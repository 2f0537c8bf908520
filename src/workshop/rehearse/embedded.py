"""The room of a rehearsal as `scripts/up` makes it: processes of this machine."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import psutil

from workshop import supervised
from workshop.rehearse.record import Memory
from workshop.rehearse.rooms import MIB, Room


class Embedded(Room):
    """The workshop of `scripts/up`."""

    on_cluster, pause = False, 1.0
    memory_needed, memory_each, disk_needed, disk_each = 1300 * MIB, 400 * MIB, 500 * MIB, 10 * MIB
    counted = "PSS of the room's processes; people: what JupyterLabs and kernels have alone"

    def words(self, names: list[str]) -> list[str]:
        return ["--detach", "--attendees", ",".join(names)]

    def passwords(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.home / "access.json").read_text("utf-8"))["attendees"]
        return found

    def use(self) -> tuple[Memory, float]:
        room, people, seconds = 0, 0, 0.0
        for process in supervised.find(self.home):
            try:
                seconds += sum(process.cpu_times()[:4])  # its own, and that of children which have ended
                shared, alone = sizes(process.pid)
                if process.environ().get("FDE_SERVICE") == "lab":
                    room, people = room + shared, people + alone
                else:
                    room += shared + alone
            except (OSError, psutil.Error):
                continue  # gone meanwhile
        return Memory(room, people), seconds

    def disk_used(self) -> int:
        return sum(file.stat().st_blocks * 512 for file in self.folder.rglob("*") if file.is_file())

    def keep_logs(self, at: Path) -> None:
        shutil.copytree(self.home / "logs", at, dirs_exist_ok=True)


def sizes(pid: int) -> tuple[int, int]:
    """Bytes of a process: its part of the pages that it shares with others, and those it has alone (Linux)."""
    found = pages(pid)
    alone = found["Private_Clean"] + found["Private_Dirty"]
    return found["Pss"] - alone, alone


def pages(pid: int) -> Counter[str]:
    """Bytes of a process by the kernel's own words for pages, like Pss_Anon (Linux)."""
    found = re.findall(r"^(\w+):\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
    return Counter({word: int(size) * 1024 for word, size in found})
