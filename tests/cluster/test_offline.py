"""A room on kind from its bundle: the engine of this machine, started a second time, empty and without a network."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import mkdtemp

import psutil
import pytest

from tests.cluster.conftest import missing
from tests.cluster.room import ClusterRoom, set_up
from tests.people import arrived
from tests.programs import fake
from tests.room import ROOT, free_port, wait_until
from tests.unplugged import unplugged

NAME = "fde-offline"
ROOTS = ("--data-root", "--exec-root", "--pidfile", "--host", "-H")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle, really made: the image is built, all others are in the engine or are pulled."""
    if reason := missing() or (None if engines() else "the Docker engine is no process of this machine"):
        pytest.skip(reason)
    with unplugged():
        pass  # skips before minutes are spent
    file = tmp_path / "workshop-kind.tar"
    command = [ROOT / "scripts" / "bundle", "--kind", file]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    return file


def engines() -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["name"]) if one.info["name"] == "dockerd"]


def another_engine(folder: Path) -> list[str]:
    """The command line of this machine's engine, but with folders of its own, and so without any image."""
    words = iter(engines()[0].cmdline())
    same = [word for word in words if word.split("=")[0] not in ROOTS or ("=" not in word and next(words) is None)]
    own = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    return [*same, *(f"--{name}={folder / part}" for name, part in own.items()), f"--host=unix://{folder}/docker.sock"]


def only_its_images(folder: Path) -> str:
    """A PATH on which kind, before it loads images, removes those of a room that the node came with."""
    ctr = "ctr --namespace k8s.io images"
    remove = f"{ctr} ls -q | grep -E 'postgres|jupyterhub|workshop' | xargs -r {ctr} rm"
    node = f'[[ $1 != load ]] || docker exec {NAME}-control-plane sh -c "{remove}" >&2'
    fake(folder, "kind", f'{node}; exec {shutil.which("kind")} "$@"')
    return f"{folder}:{os.environ['PATH']}"


@pytest.fixture
def offline(bundle: Path, tmp_path: Path) -> Iterator[ClusterRoom]:
    """A room in a namespace without a network, which it shares with its engine; not started yet."""
    room = set_up(tmp_path / "room", free_port(), ["blue"])
    room.name, folder = NAME, Path(mkdtemp(prefix="fde-"))  # short: the path of a socket may have 107 characters
    empty = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "DOCKER_HOST": f"unix://{folder}/docker.sock"}
    room.more |= {
        **empty,
        "PATH": only_its_images(tmp_path / "bin"),
        "KIND_NODE_IMAGE": "",
        "FDE_PYTHON": f"{sys.version_info[0]}.{sys.version_info[1]}",
    }
    with ExitStack() as open_things:
        open_things.enter_context(unplugged())
        log = open_things.enter_context((folder / "log").open("w"))
        engine = subprocess.Popen(another_engine(folder), stdout=log, stderr=log, start_new_session=True)
        asked = ["docker", "info"]
        try:
            wait_until(
                lambda: not subprocess.run(asked, env=room.environment, capture_output=True).returncode, 180, "it"
            )
            yield room
        finally:
            subprocess.run([ROOT / "scripts" / "down", "--kind", "--delete"], env=room.environment, capture_output=True)
            engine.terminate()
            engine.wait(300)
            wait_until(
                lambda: not subprocess.run(["rm", "-rf", folder]).returncode, 60, "the end of the engine's files"
            )


def test_a_room_without_a_network(offline: ClusterRoom, bundle: Path) -> None:
    offline.more["TILT_COMMAND"] = "ci"
    up = offline.script("up", "--kind", "--from", str(bundle), "--port", "0", seconds=1200)
    assert up.returncode == 0, up.stdout[-3000:] + up.stderr[-3000:]
    print(up.stdout[:3000])
    wait_until(offline.healthy, 180, "a healthy room")
    assert offline.run("blue") == "success"
    with closing(arrived(offline, "blue")) as person:
        offline.start_lab(person, "blue")
    assert offline.shown("blue")
    events = offline.kubectl("get", "events", "--all-namespaces", "-o", "custom-columns=:reason,:message")
    # Of images; that a container failed for want of anything else heals, and is a matter of order.
    asked = re.compile(r"Pulling\b|ErrImageNeverPull\b|Failed\b.*[iI]mage")
    assert [line for line in events.splitlines() if asked.match(line)] == []
