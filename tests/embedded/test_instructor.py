"""INSTRUCTOR.md is followed word for word: each of its commands is run here, or by the test that is named."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.room import ROOT, Room

pytestmark = pytest.mark.embedded

PAGE = (ROOT / "INSTRUCTOR.md").read_text()
BLOCKS = re.findall(r"^```\n(.*?)^```", PAGE, re.S | re.M)
COMMANDS = [line.partition("  #")[0].strip() for block in BLOCKS for line in block.splitlines()]
# These take a machine of their own, or the room away.
ELSEWHERE = {
    "scripts/doctor": "tests/unit/test_doctor.py",
    "scripts/rehearse": "tests/embedded/test_rehearse.py",
    "scripts/bundle": "tests/embedded/test_offline.py",
    "scripts/up --from": "tests/embedded/test_offline.py",
    "scripts/down": "tests/embedded/test_up.py",
}


@pytest.fixture(autouse=True)
def afterwards(room: Room) -> Iterator[None]:
    yield
    for words in (["hold"], ["message"], ["day-1"], ["deploy", "latest"]):
        assert room.script(*words).returncode == 0


def elsewhere(command: str) -> str | None:
    return next((test for start, test in ELSEWHERE.items() if command.startswith(start)), None)


def test_it_is_one_page_and_names_what_is_there() -> None:
    assert len(PAGE.splitlines()) <= 80
    assert len(COMMANDS) > 20
    for name in re.findall(r"scripts/[\w-]+", PAGE):
        assert (ROOT / name).exists(), name


def test_each_command_does_what_it_says(room: Room) -> None:
    ran = [command for command in COMMANDS if not elsewhere(command)]
    for command in ran:
        done = subprocess.run(
            ["bash", "-c", command], cwd=ROOT, env=room.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert {word.split()[0] for word in ran} >= {"scripts/hold", "scripts/catch-up", "scripts/incident"}


@pytest.mark.parametrize("command", [command for command in COMMANDS if elsewhere(command)])
def test_the_others_are_run_by_another_test(command: str) -> None:
    test = elsewhere(command)
    script = command.split()[0].removeprefix("scripts/")
    assert test and re.search(rf'["/]{script}["\s]', (ROOT / test).read_text()), f"{test} does not run {script}"
