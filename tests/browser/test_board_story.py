"""The board while something happens: a day passes, a pipeline breaks, somebody asks for help, a catch-up mends it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fde.steps import STEPS
from tests.browser.pictures import keep
from tests.people import BOARD, arrived
from tests.room import ROOT, Room, wait_until
from workshop.board.airflow import CHECKS, Run
from workshop.board.runs import is_of

SOON = 45_000  # milliseconds from the end of a run, or of a check, until the board says it: 5,000 on an idle machine


@pytest.fixture(scope="module")
def board(room: Room, chromium: Any) -> Any:
    """The board, as the instructor sees it who signs in at the hub's form and comes back."""
    page = chromium.new_page(viewport={"width": 1280, "height": 760})
    page.set_default_timeout(90_000)
    page.goto(room.url + BOARD)
    page.fill("#username_input", "instructor")
    page.fill("#password_input", room.access["instructor"]["instructor"])
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Where everybody is").wait_for()
    return page


@pytest.fixture
def green(room: Room) -> Iterator[Path]:
    """Green's world. What happens in it leaves the room as it was."""
    assert room.script("day-1").returncode == 0
    world = room.home / "worlds" / "green"
    yield world
    fde(room, world, "help", "--done")
    fde(room, world, "start-over")
    (world / "desk" / "pipeline.py").write_bytes((ROOT / "solutions" / "mutable.py").read_bytes())
    assert room.script("day-1").returncode == 0


def fde(room: Room, world: Path, *words: str) -> None:
    """The command, in somebody's terminal."""
    env = {**room.environment, "FDE_WORLD": str(world), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [Path(sys.executable).with_name("fde"), *words], env=env, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def imports(room: Room, day: str) -> str:
    """Green's DAG runs a day; how that ended."""
    with closing(arrived(room, "green")) as person:
        return room.end_of(person, "green", room.trigger(person, "green", day))


def give(board: Any, step: int) -> None:
    """The instructor gives green the desk of a step."""
    board.select_option("#step", str(step))
    board.select_option("#catch-whom", "green")
    board.get_by_role("button", name="Give").click()
    board.locator("#done").get_by_text(f"Catch up to step {step}: green").wait_for()


def nothing_is_red(row: Any) -> None:
    """Wait until all steps of a row are there, and none is red: a page on its way in shows no step for a moment."""
    from playwright.sync_api import expect

    expect(row.locator(".state:not(.red)")).to_have_count(len(STEPS), timeout=120_000)


def test_a_day_passes_a_run_fails_and_catch_up_mends_it(room: Room, board: Any, green: Path) -> None:
    row = board.locator("tr", has=board.locator("#of-green"))
    assert imports(room, "2022-01-01") == "success"
    row.locator(".state.done").first.wait_for()

    board.get_by_role("button", name="Next day, for everyone").click()
    board.locator("#room").get_by_text("Day 2").wait_for()
    pipeline = green / "desk" / "pipeline.py"
    broken = "def load_orders(world, day):\n    1 / 0"
    pipeline.write_text(pipeline.read_text().replace("def load_orders(world, day):", broken))
    assert imports(room, "2022-01-02") == "failed"
    row.get_by_text("division by zero").wait_for(timeout=SOON)
    assert row.locator(".state.red").count() == 1 and board.get_by_role("status").inner_text().startswith("2 att")

    fde(room, green, "help", "I divided by zero. What now?")
    row.get_by_text("What now?").wait_for()
    assert board.get_by_role("rowheader").first.inner_text() == "green"
    keep("board.png", board.screenshot())

    board.locator("#of-green").click()
    assert "1 / 0" in board.get_by_role("region", name="pipeline.py behind").inner_text()
    board.get_by_role("link", name="All attendees").click()

    give(board, 2)
    nothing_is_red(row)
    assert imports(room, "2022-01-02") == "success"
    row.locator(".state.done").nth(1).wait_for(timeout=SOON)


def test_a_law_that_breaks_is_red_when_its_check_has_ended(room: Room, board: Any, green: Path) -> None:
    row = board.locator("tr", has=board.locator("#of-green"))
    give(board, 5)  # its pipeline breaks no law
    row.locator(".state.done").nth(3).wait_for(timeout=120_000)
    pipeline = green / "desk" / "pipeline.py"
    code = pipeline.read_text().replace('"users", day=day, ', '"users", ')
    pipeline.write_text(code)
    with closing(arrived(room, "green")) as person:
        name = sha256(code.encode()).hexdigest()

        def checked() -> bool:  # this text, and no other
            found = person.get("/api/v2/dags/check.green/dagRuns?order_by=-id").json()["dag_runs"]
            runs = (Run(CHECKS, "green", one["dag_run_id"], one["state"]) for one in found)
            return any(is_of(run, name) and not run.is_open for run in runs)

        wait_until(checked, 240, "the end of a check")
    row.locator(".state.red").wait_for(timeout=SOON)
    assert "fail" in row.inner_text() or "hold" in row.inner_text()

    give(board, 5)
    row.locator(".state.done").nth(3).wait_for(timeout=120_000)
    nothing_is_red(row)
