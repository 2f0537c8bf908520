"""The board along the story: from "not yet" over red to done, from worlds and clocks alone. No attendee code is run."""

import asyncio
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import fde.desk
from fde import call_for_help
from fde.pack import Pack
from fde.refused import Refused
from tests.board import Board, cells, check
from tests.conftest import SHOP, Attendee
from workshop import clock
from workshop.board import known
from workshop.board.judged import unchecked
from workshop.board.row import DONE, NOT_YET, RED, Row

Make = Callable[..., Attendee]
DAYS = Pack(SHOP).days
LAST = '    world.replace("sales", day, sales)\n'
#: counts its runs in a file, and adds that to what was sold
COUNTED = """    with (world.files / "runs").open("a+") as file:
        file.write(".")
    sales["quantity"] += (world.files / "runs").stat().st_size
"""


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Board]]:
    """Makes a board of some attendees."""
    monkeypatch.setenv("FDE_HOME", str(tmp_path / "home"))
    with ExitStack() as made:
        yield lambda *names, **more: made.enter_context(Board(tmp_path, names, **more))


def on_day(number: int) -> None:
    """The room's day. The tests' worlds have clocks of their own; the board looks at the room's."""
    clock.put(None, "day", DAYS[number - 1])


def test_a_row_goes_from_not_yet_over_red_to_done(attendee: Make, board: Callable[..., Board]) -> None:
    one, watched = attendee("mutable", name="blue"), board("blue")
    row = watched.turn()["blue"]
    assert cells(row) == [NOT_YET] * 6 and row.trouble == "" and "nothing to show yet" in row.cells[0].why
    assert row.code and row.fails is None and row.clock and row.clock.day == DAYS[0]
    on_day(2)
    one.run(1, 2)
    row = watched.turn()["blue"]
    assert cells(row) == [DONE] * 2 + [NOT_YET] * 4 and row.clock and row.clock.day == DAYS[1]
    check(one.world)
    row = watched.turn()["blue"]
    assert row.fails and "rerun" in row.fails and row.trouble == "", "no law is needed yet"
    fde.desk.start_over(one.path)
    one.uses("functional")
    one.run(1, 2, 3)
    row = watched.turn()["blue"]
    assert cells(row)[2:4] == [DONE, NOT_YET] and "the check of this pipeline has not ended yet" in row.cells[3].why
    assert dict(row.versions)["sales"] == 3
    check(one.world)
    assert cells(watched.turn()["blue"])[3] == DONE
    code = (one.path / "desk" / "pipeline.py").read_text()
    one.uses(code.replace(LAST, COUNTED + LAST))
    assert watched.turn()["blue"].trouble == "", "nobody knows yet"
    check(one.world)
    row = watched.turn()["blue"]
    assert cells(row) == [DONE] * 3 + [RED, NOT_YET, NOT_YET]
    assert row.trouble == row.cells[3].why and "not rerun" in row.trouble
    one.uses(code)
    assert cells(watched.turn()["blue"]) == [DONE] * 4 + [NOT_YET] * 2, "the verdict on this text is kept"
    (one.path / "desk" / "pipeline.py").unlink()
    row = watched.turn()["blue"]
    assert cells(row)[3] == RED and "pipeline.py is missing" in row.trouble and row.code == ""


def test_what_held_before_and_does_not_hold_is_red_though_its_days_are_not_there(
    attendee: Make, board: Callable[..., Board]
) -> None:
    one, watched = attendee("immutable_users", name="blue"), board("blue")
    one.run(1, 2)
    check(one.world)
    row = watched.turn()["blue"]
    assert cells(row)[2:4] == [DONE, NOT_YET] and row.fails, "they are about to write what holds the laws"
    one.uses("functional")
    check(one.world)
    one.uses("immutable_users")
    row = watched.turn()["blue"]
    assert cells(row)[2:4] == [DONE, RED] and "laws that held before do not hold any more" in row.trouble


def test_who_needs_help_comes_first(attendee: Make, board: Callable[..., Board]) -> None:
    names = ["blue", "far", "flag", "green", "older", "red"]
    made = {name: attendee("immutable_users", name=name) for name in names}
    for name in names:
        made[name].run(*((1, 2) if name in ("far", "flag") else (1,)))
    made["red"].path.joinpath("desk", "pipeline.py").unlink()
    for name in ("older", "flag"):
        call_for_help.ask(made[name].world, f"I am {name}")
    os.utime(made["older"].path / ".help.json", (1000, 1000))
    clock.put("blue", "day", DAYS[1])
    watched = board(*names)
    rows = watched.turn()
    assert list(rows) == ["older", "flag", "red", "green", "blue", "far"]
    flag = rows["flag"].flag
    assert flag and flag.words == "I am flag" and flag.day == DAYS[1] and flag.versions["users"] == 2
    assert flag.run == "no run has ended yet"
    call_for_help.take_away(made["older"].path)
    assert list(watched.turn())[0] == "flag"


def test_a_clock_that_cannot_be_read_costs_its_own_row(attendee: Make, board: Callable[..., Board]) -> None:
    for name in ("blue", "green"):
        attendee(name=name).run(1)
    watched = board("blue", "green")
    watched.turn()
    clock.put("blue", "day", "2022-01")
    rows = watched.turn()
    assert rows["blue"].clock is None and "clock-blue: the clock's day is '2022-01'" in rows["blue"].trouble
    assert rows["green"].trouble == ""
    clock.put("blue", "day", None)
    clock.put(None, "days", "")
    before = watched.watch.rows
    watched.turn()
    assert watched.watch.rows == before and "no days" in watched.watch.trouble
    clock.set_days(DAYS)
    assert watched.turn()["blue"].trouble == "" and watched.watch.trouble == ""


def test_an_unchanged_room_is_neither_copied_nor_read(
    attendee: Make, board: Callable[..., Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {name: attendee(name=name) for name in ("blue", "green")}
    for one in made.values():
        one.run(1, 2)
    watched, read = board("blue", "green"), []
    asked = watched.watch._reader.facts

    async def count(copy: Path, *more: Any) -> Any:
        read.append(copy.name)
        return await asked(copy, *more)

    monkeypatch.setattr(watched.watch._reader, "facts", count)
    watched.turn()
    assert sorted(read) == ["blue", "green"]
    read.clear()
    version = watched.watch.version
    watched.turn()
    clock.put(None, "message", "Lunch at noon")
    on_day(2)
    rows = watched.turn()
    assert not read, "their facts hang on lakes that did not change"
    assert watched.watch.version == version + 1 and rows["blue"].clock and rows["blue"].clock.day == DAYS[1]
    assert rows["blue"].clock.message == "Lunch at noon" and watched.watch.room and watched.watch.room.day == DAYS[1]
    made["green"].again(2)
    watched.turn()
    assert not read, "the same rows make no commit"
    made["green"].run(3)
    watched.turn()
    assert read == ["green"]
    assert watched.watch.version == version + 2


def test_what_hangs_on_the_clock_follows_it(
    attendee: Make, board: Callable[..., Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, watched = attendee(name="blue"), board("blue")
    one.run(1)
    assert cells(watched.turn()["blue"])[0] == DONE
    clock.put("blue", "deployed", "v9")
    assert "sales has no version 9" in watched.turn()["blue"].cells[0].why
    clock.put("blue", "deployed", None)
    assert cells(watched.turn()["blue"])[0] == DONE
    monkeypatch.setattr(watched.watch._reader, "facts", None)
    clock.put(None, "message", "Lunch at noon")
    row = watched.turn()["blue"]
    assert cells(row)[0] == DONE and row.trouble == "", "a message changes no facts: nobody was asked"


def test_a_mistake_of_the_board_costs_one_row(
    attendee: Make, board: Callable[..., Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("blue", "green"):
        attendee(name=name).run(1)
    watched = board("blue", "green")
    asked = watched.watch._reader.facts

    async def mistake(copy: Path, *more: Any) -> Any:
        if copy.name == "blue":
            raise RuntimeError("secret")
        return await asked(copy, *more)

    monkeypatch.setattr(watched.watch._reader, "facts", mistake)
    rows = watched.turn()
    assert rows["blue"].trouble == "the board's own mistake: RuntimeError. Its log says more."
    assert cells(rows["green"])[0] == DONE


def test_a_board_that_ends_leaves_no_reader(attendee: Make, board: Callable[..., Board]) -> None:
    attendee(name="blue")
    watched = board("blue")

    async def runs() -> Any:
        running = asyncio.create_task(watched.watch.run())
        await watched.watch.changed(0)
        reader = watched.watch._reader._process
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return reader

    reader = watched.do(runs())
    assert reader.returncode is not None and watched.watch.rows


def test_who_waits_hears_of_a_change(attendee: Make, board: Callable[..., Board]) -> None:
    one, watched = attendee(name="blue"), board("blue")
    watched.turn()

    async def waits() -> int:
        waiting = asyncio.create_task(watched.watch.changed(watched.watch.version))
        await watched.watch.turn()
        assert not waiting.done()
        one.run(1)
        await watched.watch.turn()
        return await asyncio.wait_for(waiting, 60)

    before = watched.watch.version
    assert watched.do(waits()) == before + 1


def test_clocks_are_shown_to_the_audit_and_a_day_moves_all_rows(attendee: Make, board: Callable[..., Board]) -> None:
    class Audit:
        def __init__(self) -> None:
            self.heard: list[Mapping[str | None, Mapping[str, str]]] = []

        def seen(self, clocks: Mapping[str | None, Mapping[str, str]]) -> None:
            self.heard.append(clocks)

    audit = Audit()
    for name in ("blue", "green"):
        attendee("mutable", name=name).run(1, 2)
    watched = board("blue", "green", audit=audit)
    assert [len(row.cells) for row in watched.turn().values()] == [6, 6]
    on_day(2)
    clock.put("green", "day", DAYS[0])
    rows = watched.turn()
    assert audit.heard[-1][None]["day"] == DAYS[1] and audit.heard[-1]["green"] == {"day": DAYS[0]}
    assert [rows[name].clock.day for name in ("blue", "green") if rows[name].clock] == [DAYS[1], DAYS[0]]  # type: ignore[union-attr]


def incident(row: Row) -> tuple[bool, int]:
    """Whether somebody has rolled back, and how many rows were written over."""
    assert len(row.incidents) == 1
    return row.incidents[0].rolled_back is not None, row.incidents[0].rows_touched


def test_an_incident_is_over_with_the_first_roll_back(attendee: Make, board: Callable[..., Board]) -> None:
    one, watched = attendee(name="blue"), board("blue")
    on_day(2)
    one.run(1, 2)
    assert watched.turn()["blue"].incidents == ()
    clock.put(None, "incidents", f"{DAYS[2]} fake-order blue\n{DAYS[2]} fake-order green\n")
    before = time.time()
    row = watched.turn()["blue"]
    assert incident(row) == (False, 0) and before <= row.incidents[0].began <= time.time()
    assert (row.incidents[0].day, row.incidents[0].name) == (DAYS[2], "fake-order")
    on_day(3)
    one.run(3)
    assert incident(watched.turn()["blue"]) == (False, 0), "a new day writes nothing over"
    clock.put("blue", "deployed", DAYS[1])
    row = watched.turn()["blue"]
    assert incident(row) == (True, 0), "a roll-back touches no row"
    watched.watch._observed = type(watched.watch._observed)(watched.place / "incidents.json")
    on_day(4)
    one.run(4)
    one.again(3)
    clock.put("blue", "deployed", None)
    assert watched.turn()["blue"].incidents == row.incidents, (
        "a board that starts again remembers; what came later counts not"
    )
    clock.put(None, "incidents", None)
    assert watched.turn()["blue"].incidents == ()


def test_who_mends_an_incident_by_hand_touches_rows(attendee: Make, board: Callable[..., Board]) -> None:
    one, watched = attendee("functional", name="blue"), board("blue")
    on_day(3)
    one.run(1, 2, 3)
    clock.put(None, "incidents", f"{DAYS[2]} fake-order *")
    watched.turn()
    one.own["day"] = DAYS[3]
    one.again(3)  # the shop sends 42 orders less one: orders and sales of the day are written over
    assert incident(watched.turn()["blue"]) == (False, 42 + 3)


@pytest.mark.parametrize(
    ("before", "after", "back"),
    [
        ({}, {"deployed": DAYS[1]}, True),
        ({}, {"deployed": "v2"}, True),
        ({}, {"deployed": "v3"}, False),
        ({"deployed": DAYS[1]}, {"deployed": DAYS[0]}, True),
        ({"deployed": DAYS[0]}, {"deployed": DAYS[1]}, False),
        ({"deployed": "v3"}, {"deployed": "v1"}, True),
        ({"deployed": "v1"}, {"deployed": "v2"}, False),
        ({"deployed": "v3"}, {"deployed": DAYS[1]}, True),
        ({"deployed": DAYS[1]}, {"deployed": "latest"}, False),
        ({}, {"day": DAYS[0]}, False),
        ({}, {"deployed": DAYS[2]}, False),
    ],
)
def test_what_is_a_roll_back(
    before: dict[str, str], after: dict[str, str], back: bool, attendee: Make, board: Callable[..., Board]
) -> None:
    one, watched = attendee(name="blue"), board("blue")
    one.run(1, 2, 3)
    on_day(3)
    clock.put(None, "incidents", f"{DAYS[2]} fake-order *")
    for keys in (before, after):
        for key in ("day", "deployed"):
            clock.put("blue", key, keys.get(key))
        row = watched.turn()["blue"]
    assert incident(row)[0] == back


def test_a_look_shows_a_world_at_a_receipt_and_never_the_live_files(
    attendee: Make, board: Callable[..., Board]
) -> None:
    one, watched = attendee(name="blue"), board("blue")
    one.run(1, 2, 3)
    check(one.world)
    on_day(4)
    one.uses("taxed")
    one.run(4)
    one.again(3)
    check(one.world)
    watched.turn()
    look = watched.look("blue")
    assert look.attendee == "blue" and look.receipt == f"{DAYS[3]}@v5"
    assert look.rows == one.shown().fillna(0).to_dict("records") or look.rows[0]["sales_date"] == DAYS[0]
    assert "tax is data" in look.code.lower() and look.diff == "", "taxed was the last that broke no law"
    assert {law["name"] for law in look.verdict} >= {"runs", "rerun", "history"}
    assert [(version, day) for version, day, *_ in look.versions] == list(
        zip([5, 4, 3, 2, 1], [DAYS[2], DAYS[3], *DAYS[2::-1]], strict=True)
    )
    old = watched.look("blue", f"{DAYS[2]}@v3")
    assert old.receipt == f"{DAYS[2]}@v3" and "tax" not in old.code and "+++ here" in old.diff
    assert all(row["sales_date"] <= DAYS[2] for row in old.rows)
    assert watched.look("blue", "v1").receipt == f"{DAYS[0]}@v1"
    assert watched.look("blue", DAYS[1]).receipt == f"{DAYS[1]}@v5"
    for word in ("v99", "../green", "2022-01-01@v1/../..", "x" * 10_000, "v1\x00", "\ud800", "2022-01-09@v1", "<b>"):
        with pytest.raises(Refused):
            watched.look("blue", word)
    for name in ("green", "", ".", "../blue", "blue/", "blue/../blue"):
        with pytest.raises(Refused, match="nobody of that name takes part"):
            watched.look(name)


def test_code_that_is_not_the_one_that_was_run_is_not_shown(attendee: Make, board: Callable[..., Board]) -> None:
    one, watched = attendee(name="blue"), board("blue")
    one.run(1)
    watched.turn()
    assert "process_users_orders" in watched.look("blue").code
    for file in (one.world.lake / "code").iterdir():
        file.write_text("nothing_is_wrong = True")
    assert watched.look("blue").code == "# the code of this import is gone, or is another now\n"


def test_a_look_at_a_world_without_history_shows_its_file(attendee: Make, board: Callable[..., Board]) -> None:
    one, watched = attendee("mutable", name="blue"), board("blue")
    watched.turn()
    assert (
        watched.look("blue").receipt.startswith("none: nothing to show yet") and "read_csv" in watched.look("blue").code
    )
    one.run(1)
    look = watched.look("blue")
    assert look.receipt.startswith("none: this pipeline keeps no history") and len(look.rows) == 4


HOSTILE: dict[str, Callable[[Attendee, Attendee], object]] = {}


def hostile(make: Callable[[Attendee, Attendee], object]) -> Callable[[Attendee, Attendee], object]:
    HOSTILE[make.__name__.replace("_", " ")] = make
    return make


@hostile
def a_link_to_a_secret(one: Attendee, other: Attendee) -> None:
    (one.path / "desk" / "pipeline.py").unlink()
    (one.path / "desk" / "pipeline.py").symlink_to(other.path / "desk" / "pipeline.py")


@hostile
def a_link_to_the_lake_of_another(one: Attendee, other: Attendee) -> None:
    shutil.rmtree(one.world.lake)
    one.world.lake.symlink_to(other.world.lake)


@hostile
def a_log_that_leads_to_another(one: Attendee, other: Attendee) -> None:
    file = one.world.lake / "sales" / "_delta_log" / f"{1:020}.json"
    theirs = next((other.world.lake / "sales").glob("*/*.parquet"))
    ours = next((one.world.lake / "sales").glob("*/*.parquet"))
    file.write_text(file.read_text().replace(str(ours.relative_to(one.world.lake / "sales")), str(theirs)))


@hostile
def a_pipe_as_a_log(one: Attendee, other: Attendee) -> None:
    os.mkfifo(one.world.lake / "sales" / "_delta_log" / f"{2:020}.json")


@hostile
def a_file_of_ten_gigabytes(one: Attendee, other: Attendee) -> None:
    with (one.world.files / "sales.csv").open("wb") as file:
        file.truncate(10**10)


@hostile
def rows_that_are_none(one: Attendee, other: Attendee) -> None:
    next((one.world.lake / "users").glob("*/*.parquet")).write_bytes(os.urandom(1000))
    next((one.world.lake / "sales").glob("*/*.parquet")).write_bytes(b"PAR1" * 100)


@hostile
def words_full_of_code(one: Attendee, other: Attendee) -> None:
    (one.path / ".help.json").write_text('{"words": 1, "asked": "<script>", "versions": []}')
    (one.path / ".verdict").mkdir()
    (one.path / ".verdict" / "green.py").write_bytes(b"\xff\x00" * 100)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_world_costs_its_own_row(
    name: str, attendee: Make, board: Callable[..., Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of a secret, and nothing of another world, is in the row; the other's row is as it was."""
    monkeypatch.setattr(known, "WHOLE_SECONDS", 0)
    one, other = attendee(name="blue"), attendee(name="green")
    one.run(1)
    other.uses((other.path / "desk" / "pipeline.py").read_text().replace('"none"', '"topsecret"'))
    other.run(1, 2)
    watched = board("blue", "green")
    before = watched.turn()
    HOSTILE[name](one, other)
    rows = watched.turn()
    assert rows["green"] == before["green"]
    row = rows["blue"]
    assert len(row.trouble.splitlines()) <= 1 and len(row.trouble) < 600 and row.flag is None
    assert row.trouble or row.done == 0 or name == "words full of code"
    assert "topsecret" not in repr(row) and str(watched.place) not in repr(row)
    try:
        assert "topsecret" not in repr(watched.look("blue"))
    except Refused as refused:
        assert "topsecret" not in str(refused)
    copies = [file for file in (watched.place / "copies" / "blue").rglob("*") if file.is_file()]
    assert not any(b"topsecret" in file.read_bytes() for file in copies)


def test_a_run_that_writes_meanwhile_makes_no_row_red(attendee: Make, board: Callable[..., Board]) -> None:
    """Turn after turn while somebody's lake grows: at each moment it is one that was."""
    one, watched = attendee("taxed", name="blue"), board("blue")
    on_day(5)
    one.run(1)
    check(one.world)
    writing = threading.Thread(target=lambda: one.run(2, 3, 4, 5, 3, 4, 5))
    writing.start()
    done = 0
    while writing.is_alive():
        row = watched.turn()["blue"]
        assert row.trouble == "" or "in the middle of an import" in row.trouble
        assert row.done >= done
        done = row.done
    writing.join()
    assert watched.turn()["blue"].done >= 5


def test_only_a_pipeline_that_somebody_touched_is_worth_a_check(attendee: Make, board: Callable[..., Board]) -> None:
    one, watched = attendee("mutable", name="blue"), board("blue")
    assert not unchecked(watched.turn()["blue"]), "a room of fifty begins with fifty alike"
    pipeline = one.world.desk / "pipeline.py"
    pipeline.write_text(pipeline.read_text() + "# mine\n")
    assert unchecked(watched.turn()["blue"])
    check(one.world)
    assert not unchecked(watched.turn()["blue"])


def test_an_incident_in_the_shop_is_truth_for_its_attendee_only(attendee: Make, board: Callable[..., Board]) -> None:
    """Facts are found anew when incidents change, though a lake does not."""
    watched = board("blue", "green")
    on_day(3)
    for name in ("blue", "green"):
        one = attendee(name=name)
        one.room["incidents"] = f"{DAYS[2]} fake-order blue\n"
        one.run(1, 2, 3)
        check(one.world)
    rows = watched.turn()
    assert cells(rows["green"])[3] == DONE
    assert cells(rows["blue"])[3] == NOT_YET and "bars go by the status" in rows["blue"].cells[3].why
    clock.put(None, "incidents", f"{DAYS[2]} fake-order blue\n")
    rows = watched.turn()
    assert cells(rows["blue"])[3] == DONE and rows["blue"].incidents and not rows["green"].incidents


def test_refused_rows_come_along_with_a_lake(attendee: Make, board: Callable[..., Board], shop: Path) -> None:
    settings = (shop / "pack.toml").read_text()
    (shop / "pack.toml").write_text(settings.replace('bad_rows = "refuse"', 'bad_rows = "quarantine"'))
    with (shop / "orders_day-1.csv").open("a") as file:
        file.write("2022-01-01,many,1.00,3,999\n")
    one, watched = attendee(name="blue", pack=shop), board("blue")
    one.run(1)
    row = watched.turn()["blue"]
    assert row.trouble == "" and cells(row)[0] == DONE
    assert (watched.place / "copies" / "blue" / "desk" / "lake" / "refused_orders" / "_delta_log").is_dir()
