"""The board's copy of a world: what is in it, and that nothing else ever is."""

import os
import shutil
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import fde.desk
from fde import call_for_help, verdicts
from fde.refused import Refused
from fde.schemas import SCHEMAS, TABLES
from tests.conftest import Attendee, content
from workshop.board import snapshot
from workshop.board.snapshot import Changing, Snapshot, mark

Make = Callable[..., Attendee]


def lake(folder: Path) -> dict[str, bytes]:
    """What is in the tables and beside them, without what Delta keeps for its own speed."""
    return {name: text for name, text in content(folder / "desk" / "lake").items() if "checkpoint" not in name}


@pytest.fixture
def one(attendee: Make) -> Attendee:
    made = attendee()
    made.run(1, 2, 3)
    return made


@pytest.fixture
def copied(one: Attendee, tmp_path: Path) -> Snapshot:
    made = Snapshot(one.path, tmp_path / "copy")
    made.bring_up_to_date()
    return made


def test_the_tables_are_those_of_the_lake() -> None:
    assert tuple(SCHEMAS) == snapshot.TABLES


def test_a_copy_has_the_lake_and_the_pipeline_and_nothing_that_nobody_reads(one: Attendee, copied: Snapshot) -> None:
    (one.path / "desk" / "notes.ipynb").write_text("private")
    copied.bring_up_to_date()
    assert lake(copied.copy) == lake(one.path) and len(lake(one.path)) > 20
    assert set(content(copied.copy / "desk")) - {f"lake/{name}" for name in lake(one.path)} == {"pipeline.py"}
    assert copied.copy.stat().st_mode & 0o777 == 0o700


def test_only_what_changed_is_copied_and_what_is_gone_goes(one: Attendee, copied: Snapshot) -> None:
    before = {file: file.stat().st_mtime_ns for file in copied.copy.rglob("*") if file.is_file()}
    for file in before:
        os.utime(file, ns=(1, 1))
    one.run(4)
    copied.bring_up_to_date()
    touched = {
        str(file.relative_to(copied.copy))
        for file in copied.copy.rglob("*")
        if file.is_file() and file.stat().st_mtime_ns != 1
    }
    assert len([name for name in touched if name.endswith(".json")]) == 3 and "desk/pipeline.py" not in touched
    assert lake(copied.copy) == lake(one.path)
    fde.desk.start_over(one.path)
    copied.bring_up_to_date()
    assert lake(copied.copy) == lake(one.path) and len(lake(one.path)) == len(TABLES)
    assert not list(copied.copy.rglob("import_date=*")), "not even empty folders stay"


def test_whatever_a_row_depends_on_moves_the_mark(one: Attendee) -> None:
    verdict_of = "0" * 64
    (one.path / ".verdict").mkdir()

    def keep_verdict() -> None:
        (one.path / ".verdict" / f"{verdict_of}.json").write_text("{}")

    one.own["day"] = one.pack.days[3]
    changes: list[Callable[[], object]] = [
        lambda: one.uses("taxed"),
        lambda: one.again(4),
        lambda: call_for_help.ask(one.world, "help"),
        lambda: call_for_help.take_away(one.path),
        keep_verdict,
        lambda: (one.world.files / "sales.csv").write_text("x"),
        lambda: fde.desk.start_over(one.path),
        lambda: fde.desk.undo(one.path),
        lambda: shutil.rmtree(one.path / "desk"),
    ]
    for change in changes:
        before = mark(one.path)
        assert mark(one.path) == before
        change()
        assert mark(one.path) != before


def secret_link(place: Path, secret: Path) -> None:
    shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    place.symlink_to(secret)


LINKS = {
    "desk/pipeline.py": "file",
    "desk/files/sales.csv": "file",
    ".help.json": "file",
    f".verdict/{'a' * 64}.json": "file",
    f"desk/lake/sales/_delta_log/{9:020}.json": "file",
    "desk/lake/users/import_date=2022-01-01/x.parquet": "file",
    "desk/lake": "world/desk/lake",
    "desk/lake/sales": "world/desk/lake/sales",
    "desk/lake/sales/_delta_log": "world/desk/lake/sales/_delta_log",
    "desk/lake/sales/import_date=2022-01-01": "world/desk/lake/sales/import_date=2022-01-01",
    "desk/files": "world/desk/files",
    "desk": "world/desk",
    ".verdict": "world/desk",
}


@pytest.mark.parametrize("place", LINKS)
def test_no_link_is_followed(place: str, attendee: Make, tmp_path: Path) -> None:
    one, other = attendee(), attendee(name="other")
    one.run(1)
    other.run(1)
    (other.path / "desk" / "pipeline.py").write_text("secret = 'mine'")
    (other.world.files / "sales.csv").write_text("secret")
    others = set(content(other.path).values()) - set(content(one.path).values()) - {b""}
    (tmp_path / "secret").write_text("secret of the board")
    target = {"file": tmp_path / "secret"}.get(LINKS[place], other.path / LINKS[place].removeprefix("world/"))
    (one.path / place).parent.mkdir(exist_ok=True)
    secret_link(one.path / place, target)
    copied = Snapshot(one.path, tmp_path / "copy")
    with pytest.raises(Refused, match=r"is a link or|is a link, or"):
        copied.bring_up_to_date()
    got = set(content(tmp_path / "copy").values())
    assert not got & others and b"secret of the board" not in got


@pytest.mark.parametrize("place", ["desk/pipeline.py", f"desk/lake/sales/_delta_log/{9:020}.json", ".help.json"])
@pytest.mark.parametrize("kind", ["pipe", "socket", "folder"])
def test_what_is_no_plain_file_is_not_waited_for(
    place: str, kind: str, one: Attendee, copied: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = one.path / place
    file.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        monkeypatch.chdir(file.parent)  # a path of a socket is short
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(file.name)
    with pytest.raises(Refused, match=r"no plain file|cannot be read"):
        copied.bring_up_to_date()
    file.rmdir() if kind == "folder" else file.unlink()
    one.uses("functional")
    copied.bring_up_to_date()


def test_a_terabyte_is_not_read(one: Attendee, copied: Snapshot) -> None:
    with (one.world.lake / "sales" / "_delta_log" / f"{9:020}.json").open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(Refused, match="00009.json is too large for the board: 10,000 MB of 20 that it reads of a file"):
        copied.bring_up_to_date()


def test_a_lake_of_too_many_rows_or_files_is_said_so(
    one: Attendee, copied: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = one.world.lake / "users" / "import_date=2022-01-01"
    for number in range(4):
        with (place / f"{number}.parquet").open("wb") as file:
            file.truncate(19_000_000)
    with pytest.raises(Refused, match="the lake is too large for the board: it reads 3,000 files, 60 MB in all"):
        copied.bring_up_to_date()
    for number in range(3001):
        (place / f"{number}.parquet").write_bytes(b"")
    with pytest.raises(Refused, match="import_date=2022-01-01 holds too much for the board: more than 3,000 things"):
        copied.bring_up_to_date()
    for number in range(3001):
        (place / f"{number}.parquet").unlink()
    monkeypatch.setattr(snapshot, "FILES", 10)
    with pytest.raises(Refused, match="too large for the board: it reads 10 files"):
        copied.bring_up_to_date()


def test_what_lies_deep_or_has_another_name_is_not_even_looked_at(one: Attendee, copied: Snapshot) -> None:
    place = one.world.lake / "users" / "import_date=2022-01-01"
    for number in range(100):
        place = place / f"import_date=2022-01-{number % 30 + 1:02}"
    place.mkdir(parents=True)
    (place / "x.parquet").write_bytes(b"x")
    os.mkfifo(one.world.lake / "sales" / "_delta_log" / "_last_checkpoint")
    (one.world.lake / "sales" / "_delta_log" / f"{10:020}.checkpoint.parquet").symlink_to("/etc/passwd")
    copied.bring_up_to_date()
    assert lake(copied.copy) == {n: t for n, t in lake(one.path).items() if "import_date=2022-01-01/import" not in n}


def test_while_desks_are_swapped_a_copy_is_one_of_them_or_none(attendee: Make, tmp_path: Path) -> None:
    """Each desk is copied whole, from wherever it is by then."""
    one, other = attendee("taxed"), attendee("functional", name="other")
    one.run(1, 2, 3, 4, 5)
    other.run(1, 2)
    desks = [lake(one.path), lake(other.path)]
    copied, stop = Snapshot(one.path, tmp_path / "copy"), threading.Event()

    def swap() -> None:
        while not stop.is_set():
            fde.desk.exchange(one.path / "desk", other.path / "desk")

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        whole = 0
        for _ in range(100):
            try:
                copied.bring_up_to_date()
            except Changing:
                continue
            whole += 1
            assert lake(copied.copy) in desks
        assert whole
    finally:
        stop.set()
        swapping.join()


def test_without_a_desk_it_is_said_and_with_one_again_all_is_well(one: Attendee, copied: Snapshot) -> None:
    before = lake(copied.copy)
    (one.path / "desk").rename(one.path / "elsewhere")
    copied.bring_up_to_date()
    assert not lake(copied.copy), "a world without a desk is an empty one"
    (one.path / "elsewhere").rename(one.path / "desk")
    copied.bring_up_to_date()
    assert lake(copied.copy) == before
    one.path.rename(one.path.with_name("gone"))
    with pytest.raises(Changing, match="in the middle of an import, or without a desk"):
        copied.bring_up_to_date()


def test_when_help_was_asked_for_is_copied_too(one: Attendee, copied: Snapshot) -> None:
    asked = call_for_help.ask(one.world, "why does it move?")
    copied.bring_up_to_date()
    assert call_for_help.read(copied.copy) == asked
    assert verdicts.pipeline(copied.copy) == verdicts.pipeline(one.path)
