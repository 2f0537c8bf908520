"""The image by itself: docker run is the workshop on Python alone, in a container."""

import json
import platform
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fde.archive import export
from tests.cluster.room import ClusterRoom
from tests.people import Person, arrived
from tests.room import Room, free_port, wait_until


@dataclass
class Container(Room):
    """A workshop in a container."""

    id: str = ""

    def docker(self, *words: str) -> str:
        return subprocess.run(["docker", *words], capture_output=True, text=True, timeout=60).stdout

    @property
    def access(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.docker("exec", self.id, "cat", "/room/access.json"))
        return content


@pytest.fixture
def container(room: ClusterRoom) -> Iterator[Container]:
    image, port = room.pods("component=scheduler")[0]["spec"]["containers"][0]["image"], free_port()
    one = Container(room.home, port)
    one.id = one.docker("run", "--detach", "--publish", f"127.0.0.1:{port}:8000", image).strip()
    try:
        yield one
    finally:
        one.docker("rm", "--force", "--volumes", one.id)


def test_a_container_is_a_workshop(container: Container) -> None:
    wait_until(
        lambda: "The workshop runs at http://localhost:8000" in container.docker("logs", container.id), 300, "it"
    )
    password = container.access["attendees"]["learner"]
    assert password in container.docker("logs", container.id)
    with closing(Person(container.url)) as nobody:
        assert nobody.sign_in("learner", "wrong").status_code != 302
    with closing(arrived(container, "learner")) as learner:
        assert container.end_of(learner, "learner", container.trigger(learner, "learner"), 180) == "success"
    assert container.docker("exec", container.id, "id", "-u").strip() == "50000"


def test_the_image_replays_what_was_made_elsewhere(container: Container, attendee: Any, tmp_path: Path) -> None:
    """A world of this machine's Python, taken along as a file: each receipt of the story is identical there."""
    one = attendee("functional")
    one.run(1, 2, 3, 4)
    one.again(3)
    one.uses("taxed")
    one.run(5)
    file = tmp_path / "learner.fde.tar"
    export(one.world, file, tell=print)
    words = [*(f"v{number}" for number in range(1, 7)), "1", "2", "3", "4", "5", "2022-01-03@v3", "latest"]
    asked = "; ".join(f"fde replay {word}" for word in words)
    there = (
        f"cd /tmp && cat >one.fde.tar && fde open one.fde.tar && export FDE_WORLD=/tmp/one/worlds/learner && {asked}"
    )
    with file.open("rb") as archive:
        command = ["docker", "exec", "-i", container.id, "sh", "-c", there]
        done = subprocess.run(command, stdin=archive, capture_output=True, text=True, timeout=600)
    assert done.stdout.count("Identical: ") == len(words), done.stdout + done.stderr
    theirs = container.docker("exec", container.id, "python", "--version").split()[1]
    print(f"made with Python {platform.python_version()}, replayed with {theirs}")
