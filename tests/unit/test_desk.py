"""A desk: made whole or not at all, set aside but never thrown away."""

import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import fde.desk
import fde.run
from fde import lake
from fde.refused import Refused
from tests.conftest import Attendee, content

Make = Callable[..., Attendee]


def test_starting_over_keeps_the_former_desk_whole(attendee: Make) -> None:
    one = attendee("immutable_users")
    one.run(1, 2)
    before = content(one.world.desk)
    kept = fde.desk.start_over(one.path)
    assert content(kept) == before
    assert list(one.world.files.iterdir()) == []
    assert lake.newest(one.world.lake, "users") == 0
    assert (one.world.desk / "pipeline.py").read_bytes() == before["pipeline.py"]


def test_starting_over_again_keeps_each_former_desk(attendee: Make) -> None:
    one = attendee("mutable")
    for number in ("1", "2", "3"):
        one.run(1)
        assert fde.desk.start_over(one.path) == one.path / "kept" / number
    assert all((one.path / "kept" / number / "files" / "sales.csv").exists() for number in ("1", "2", "3"))


def test_starting_over_makes_turned_back_days_single_again(attendee: Make) -> None:
    one = attendee("mutable")
    one.run(1)
    single = one.cents(1, "bronze")
    one.run(1)
    assert one.cents(1, "bronze") == 2 * single
    fde.desk.start_over(one.path)
    one.run(1)
    assert one.cents(1, "bronze") == single


def test_starting_over_in_the_middle_of_a_run_is_refused(attendee: Make) -> None:
    one = attendee()
    with fde.run.shared_lock(one.path), pytest.raises(Refused, match="a run is going on"):
        fde.desk.start_over(one.path)
    assert not list((one.path / "kept").iterdir())


def test_what_else_lies_on_the_desk_comes_along(attendee: Make) -> None:
    one = attendee("mutable")
    (one.world.desk / "notes").mkdir()
    (one.world.desk / "notes" / "idea.txt").write_text("keep users")
    (one.path / "kept").rmdir()
    fde.desk.start_over(one.path)
    assert (one.world.desk / "notes" / "idea.txt").read_text() == "keep users"


def test_starting_over_mends_a_desk_whose_data_is_something_else(attendee: Make) -> None:
    one = attendee("functional")
    for name in ("lake", "files"):
        shutil.rmtree(one.world.desk / name)
        (one.world.desk / name).write_text("not a folder")
    fde.desk.start_over(one.path)
    one.run(1)
    assert not one.shown().empty


def test_making_a_world_again_touches_nothing(attendee: Make) -> None:
    one = attendee()
    one.run(1)
    before = content(one.path)
    fde.desk.make(one.path, {"pipeline.py": b"other"})
    assert content(one.path) == before


def _make_for_ever(path: Path) -> None:
    for number in range(100_000):
        fde.desk.make(path / str(number), {"pipeline.py": b"x"})


def test_a_world_whose_making_was_killed_is_made_whole_by_the_next_start(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    maker = spawn.Process(target=_make_for_ever, args=(tmp_path,))
    maker.start()
    assert maker.pid
    while not (tmp_path / "3").exists():
        assert maker.is_alive()
    os.kill(maker.pid, signal.SIGKILL)
    maker.join()
    for world in tmp_path.iterdir():
        fde.desk.make(world, {"pipeline.py": b"x"})
        assert sorted(file.name for file in (world / "desk").iterdir()) == ["files", "lake", "pipeline.py"]
        assert [lake.newest(world / "desk" / "lake", table) for table in ("users", "orders", "sales")] == [0, 0, 0]
        assert not list(world.glob(".building-*"))
