"""Catching up: back in a second, and nothing an attendee ever had is lost."""

import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

import fde.desk
import fde.run
from fde.refused import Refused
from fde.steps import STEPS, progress
from tests.conftest import SHOP, Attendee, content
from workshop import openings, task

Make = Callable[..., Attendee]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The openings of the shop."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FDE_HOME", str(tmp_path_factory.mktemp("home")))
        return openings.make(SHOP)


def test_each_step_begins_where_the_one_before_it_is_done(attendee: Make, made: Path) -> None:
    one = attendee("mutable")
    for step in STEPS:
        fde.desk.catch_up(one.path, made / str(step.number))
        one.own["day"] = one.pack.days[max((today for _, today in step.runs), default=1) - 1]
        done = [other.number for other in STEPS if other.number < step.number]
        assert [found.step.number for found in progress(one.world) if found.done] == done


def test_a_step_s_desk_is_that_of_its_pipeline_really_run(attendee: Make, made: Path) -> None:
    one, other = attendee("mutable", name="blue"), attendee("functional", name="green")
    other.run(1, 2, 3)
    fde.desk.catch_up(one.path, made / "5")
    one.own["day"] = other.own["day"]
    assert one.shown().equals(other.shown())
    one.run(4)
    other.run(4)
    assert one.shown().equals(other.shown())


def test_undo_brings_each_former_desk_back_and_keeps_the_one_it_leaves(attendee: Make, made: Path) -> None:
    one = attendee("mutable")
    one.run(1)
    states = [content(one.world.desk)]
    for number in (4, 5):
        fde.desk.catch_up(one.path, made / str(number))
        (one.world.desk / "pipeline.py").write_text(f"# {number}\n")
        states.append(content(one.world.desk))
    for state in (states[1], states[0]):
        left = content(one.world.desk)
        assert content(fde.desk.undo(one.path)) == left
        assert content(one.world.desk) == state
    with pytest.raises(Refused, match="nothing to undo"):
        fde.desk.undo(one.path)
    assert content(one.world.desk) == states[0]


def test_notebooks_and_notes_come_along_and_keep_their_time(attendee: Make, made: Path) -> None:
    """JupyterLab asks nobody whether to overwrite a notebook whose time is as it was."""
    one = attendee("mutable")
    note = one.world.desk / "lesson.ipynb"
    note.write_text("my prediction")
    os.utime(note, (1, 1))
    fde.desk.catch_up(one.path, made / "4")
    assert (note.read_text(), note.stat().st_mtime) == ("my prediction", 1)


def test_while_a_function_runs_it_is_refused_and_nothing_changes(attendee: Make, made: Path) -> None:
    one = attendee("mutable")
    before = content(one.world.desk)
    with fde.run.shared_lock(one.path):
        for act in (lambda: fde.desk.catch_up(one.path, made / "4"), lambda: fde.desk.undo(one.path)):
            with pytest.raises(Refused, match="a run is going on"):
                act()
    assert content(one.world.desk) == before
    assert not list((one.path / "kept").iterdir())


def test_a_run_that_began_at_the_former_desk_does_not_go_on_at_the_new_one(
    attendee: Make, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two tasks of a run of Airflow's nobody holds the desk."""
    one = attendee("functional", name="worlds/blue")
    monkeypatch.setenv("FDE_HOME", str(one.path.parents[1]))
    monkeypatch.setattr("workshop.desk.open", lambda attendee: one.world)
    assert task.start_import("blue", None, "run 1") == "2022-01-01"
    task.call("blue", "load_users", "run 1")
    fde.desk.catch_up(one.path, made / "5")
    before = content(one.world.desk)
    said: list[str] = []
    monkeypatch.setattr(task.log, "error", lambda text, *words: said.append(text % words))
    with pytest.raises(SystemExit):
        task.call("blue", "load_orders", "run 1")
    assert ["began at another desk" in line for line in said] == [True]
    assert content(one.world.desk) == before
    task.start_import("blue", None, "run 1")  # cleared: it begins again, here
    task.call("blue", "load_orders", "run 1")


def test_a_full_disk_leaves_the_desk_as_it_was(attendee: Make, made: Path, full_disk: Path) -> None:
    one = attendee("mutable", name="disk/blue")
    one.run(1)
    before = content(one.world.desk)
    filler = full_disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(full_disk).free - 100_000))
    with pytest.raises(OSError, match="No space left"):
        fde.desk.catch_up(one.path, made / "5")
    assert content(one.world.desk) == before
    filler.unlink()
    fde.desk.catch_up(one.path, made / "5")
    assert not list(one.path.glob(".building-*")), "what the first try left is gone"


def _swap_for_ever(path: Path, made: Path, seed: int, begun: Event) -> None:
    begun.set()
    chance = random.Random(seed)
    while True:
        if chance.random() < 0.5:
            fde.desk.catch_up(path, made / str(chance.randint(1, len(STEPS))))
        else:
            try:
                fde.desk.undo(path)
            except Refused:
                fde.desk.start_over(path)


def test_random_edits_runs_catch_ups_undos_and_kills_lose_nothing(
    attendee: Make, made: Path, request: pytest.FixtureRequest
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.story.test_catch_up"])
    kills = hit = 0
    for number in range(100 if request.config.getoption("--long") else 12):
        one = attendee("mutable", name=f"learner-{number}")
        had: dict[int, dict[str, bytes]] = {}  # each desk there ever was, as it was when somebody last worked at it
        for edit in range(chance.randint(3, 8)):
            had[one.world.desk.stat().st_ino] = content(one.world.desk)
            what = chance.choice(["edit", "run", "catch up", "undo", "kill"])
            with suppress(Refused):  # nothing to undo, or a pipeline whose day before is missing
                if what == "edit":
                    (one.world.desk / "pipeline.py").write_text(f"# {number} {edit}\n" + _code(chance))
                elif what == "run":
                    one.run(chance.randint(1, 3))
                elif what == "catch up":
                    fde.desk.catch_up(one.path, made / str(chance.randint(1, len(STEPS))))
                elif what == "undo":
                    fde.desk.undo(one.path)
                else:
                    begun = context.Event()
                    own = (one.path, made, chance.random(), begun)
                    child = context.Process(target=_swap_for_ever, args=own, daemon=True)
                    child.start()
                    assert begun.wait(60)
                    time.sleep(chance.uniform(0.005, 0.08))  # the moment is what is tried out
                    os.kill(child.pid or 0, signal.SIGKILL)
                    child.join()
                    kills += 1
                    hit += one.world.desk.stat().st_ino not in had or any(one.path.glob(".building-*"))
            if what in ("edit", "run"):
                had[one.world.desk.stat().st_ino] = content(one.world.desk)
            there = [one.world.desk, *(one.path / "kept").iterdir()]
            contents = {desk.stat().st_ino: content(desk) for desk in there}
            assert all(contents.get(desk) == was for desk, was in had.items()), f"after {what}: a desk is gone"
            assert (one.world.desk / "pipeline.py").exists(), "whole at any moment"
        fde.desk.catch_up(one.path, made / "5")  # and it goes on
        one.run(3)
    print(f"{hit} of {kills} kills fell into swaps")
    assert hit or kills < 10


def _code(chance: random.Random) -> str:
    stage = chance.choice(["mutable", "immutable_users", "functional"])
    return (SHOP.parents[1] / "solutions" / f"{stage}.py").read_text()
