"""The workshop from its bundle, on a machine whose network is unplugged and whose caches are empty."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.people import arrived
from tests.room import ROOT, Room, free_port, wait_until
from tests.unplugged import attempts, unplugged
from workshop import supervised

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(1800)]

MISSED = re.compile(r"Network is unreachable|Name or service|Temporary failure in name|No route to host", re.I)


@dataclass
class Unpacked(Room):
    """A workshop of another copy of the repository."""

    tree: Path = ROOT

    def script(self, name: str, *arguments: str, seconds: float = 300) -> "subprocess.CompletedProcess[str]":
        command = [str(self.tree / "scripts" / name), *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=seconds)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle, really made. It needs a network: its wheels are fetched."""
    with unplugged():
        pass  # skips before minutes are spent
    file = tmp_path / "workshop.tar"
    done = subprocess.run([ROOT / "scripts" / "bundle", file], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [one.name for one in tmp_path.iterdir()] == [file.name], "nothing else is left"
    print(done.stdout)
    return file


@pytest.fixture
def elsewhere(bundle: Path, tmp_path: Path) -> Iterator[Unpacked]:
    """A machine on which nothing was ever installed: no uv, no cache, only the tree that came with the bundle."""
    subprocess.run(["tar", "-xf", bundle, "workshop"], cwd=tmp_path, check=True)
    path = [folder for folder in os.environ["PATH"].split(":") if not Path(folder, "uv").exists()]
    empty = {name: str(tmp_path / "cache") for name in ("UV_CACHE_DIR", "XDG_CACHE_HOME", "PIP_CACHE_DIR")}
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"  # the one that scripts/bundle ran, too
    more = {**empty, "PATH": ":".join(path), "FDE_PYTHON": python}
    one = Unpacked(tmp_path / "home", free_port(), more, tmp_path / "workshop")
    yield one
    supervised.stop(one.home)
    shutil.rmtree(one.tree)  # a gigabyte


def test_a_day_passes_without_a_network(bundle: Path, elsewhere: Unpacked) -> None:
    with unplugged():
        up = elsewhere.script("up", "--from", str(bundle), "--attendees", "blue", "--detach")
        assert up.returncode == 0, up.stdout + up.stderr
        print(up.stdout)
        assert elsewhere.script("day-2").returncode == 0
        assert elsewhere.import_day("blue") == "success"
        assert (elsewhere.home / "worlds" / "blue" / "desk" / "files" / "sales.csv").exists()
        with closing(arrived(elsewhere, "blue")) as blue:
            xsrf = {"X-XSRFToken": blue.cookie("_xsrf")}
            assert blue.hub("POST", "/hub/api/users/blue/server", headers=xsrf).status_code in (201, 202)
            lab = lambda: blue.hub("GET", "/user/blue/lab", follow_redirects=True).url.path == "/user/blue/lab"  # noqa: E731
            wait_until(lab, 150, "the JupyterLab of blue")
        again = elsewhere.script("up", "--detach")
        assert "The workshop is running already" in again.stdout, "the second up needs no bundle: " + again.stderr
        assert elsewhere.script("down").returncode == 0

        logs = [file for file in (elsewhere.home / "logs").rglob("*") if file.is_file()]
        assert logs
        lines = [line for file in logs for line in file.read_text(errors="replace").splitlines()]
        assert [line for line in lines if MISSED.search(line)] == []
        assert attempts() == 0, "nothing even tried"
        with pytest.raises(OSError, match="unreachable"):
            socket.create_connection(("192.0.2.1", 80), timeout=5)
        assert attempts() == 1, "a try would have been counted"
