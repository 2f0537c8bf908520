"""A workshop for the browser alone: the lesson begins on a desk that nobody has touched."""

from collections.abc import Iterator

import pytest

from tests.embedded.conftest import Room, free_port


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """The workshop of blue."""
    one = Room(tmp_path_factory.mktemp("browser") / "home", free_port())
    started = one.script("up", "--attendees", "blue", "--detach")
    assert started.returncode == 0, started.stdout + started.stderr
    yield one
    one.script("down")
