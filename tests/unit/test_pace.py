"""The pace of the room: each action is written down once, and taken back it leaves everything as it was."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fde.refused import Refused
from tests.conftest import ROOT
from workshop import clock
from workshop.board.audit import Audit
from workshop.board.entry import Entry
from workshop.board.pace import Pace

NAMES = ("blue", "green", "learner")
DAYS = tuple(f"2022-01-0{n}" for n in range(1, 6))
CLOCKS = (None, *NAMES)
INCIDENTS = ("fake-order", "late-file")


class Desks:
    """Desks as catching up leaves them: the last of a list is the one in use. Nobody's may be refused."""

    def __init__(self) -> None:
        self.of = {name: ["mine"] for name in NAMES}
        self.refused: set[str] = set()

    async def trigger(self, name: str, to: str) -> None:
        await asyncio.sleep(0)  # others may go on meanwhile, as while Airflow answers
        if name in self.refused:
            raise Refused("Airflow refuses this (409).")
        if to == "undo":
            self.of[name].pop()
        else:
            self.of[name].append(to)


class Room:
    """A room of files, its pace and desks."""

    def __init__(self, home: Path) -> None:
        clock.set_days(DAYS)
        for name in NAMES:
            clock.folder(name).mkdir()
        self.home, self.audit, self.desks = home, Audit(home / "board"), Desks()
        self.pace = Pace(self.audit, NAMES, DAYS, self.desks.trigger, INCIDENTS)

    def says(self) -> tuple[Any, ...]:
        """All that an action may change."""
        return tuple(clock.keys(name) for name in CLOCKS), {name: tuple(desks) for name, desks in self.desks.of.items()}

    def does(self, action: str, *words: Any) -> Entry:
        """An action of the instructor's."""
        done = getattr(self.pace, action)("instructor", *words)
        entry: Entry = asyncio.run(done) if asyncio.iscoroutine(done) else done
        return entry

    def undo(self, entry: Entry) -> Entry:
        return self.does("undo", entry.id)

    def day(self, name: str) -> str:
        return clock.read(name).day


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Room:
    monkeypatch.setenv("FDE_HOME", str(tmp_path))
    return Room(tmp_path)


@pytest.fixture
def rooms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """New rooms, one for each example."""
    with TemporaryDirectory() as folder:
        numbers = iter(range(10_000))

        def another() -> Room:
            home = Path(folder) / str(next(numbers))
            monkeypatch.setenv("FDE_HOME", str(home))
            return Room(home)

        yield another


day = st.sampled_from((*DAYS, "1", "5"))
some = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4)
whom = st.one_of(some, st.just(["*"]))
incident = st.sampled_from(INCIDENTS)
line = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300)
ACTIONS = st.one_of(
    st.tuples(st.just("set_room_day"), day),
    st.tuples(st.just("everyone_to"), day),
    st.tuples(st.just("next_day")),
    st.tuples(st.just("hold"), st.one_of(day, st.just(""))),
    st.tuples(st.just("deploy"), st.one_of(day, st.just("latest"))),
    st.tuples(st.just("message"), line),
    st.tuples(st.just("inject"), day, incident, whom),
    st.tuples(st.just("remove_incident"), day, incident, st.sampled_from((*NAMES, "*"))),
    st.tuples(st.just("catch_up"), some, st.integers(1, 6)),
)
own = st.fixed_dictionaries({}, optional={"day": st.sampled_from(DAYS).map("{}\n".format), "deployed": st.just("v3\n")})


@given(st.tuples(own, own, own), st.lists(st.one_of(st.just("undo"), ACTIONS), max_size=14))
def test_whatever_is_done_and_taken_back_ends_where_it_began(
    rooms: Any, owns: tuple[dict[str, str], ...], deeds: list[Any]
) -> None:
    room = rooms()
    for name, keys in zip(NAMES, owns, strict=True):
        for key, value in keys.items():
            clock.put(name, key, value)
    done: list[tuple[Entry, Any]] = []
    for deed in [*deeds, *["undo"] * len(deeds)]:
        before, told = room.says(), len(room.audit.entries())
        if deed == "undo":
            if done:
                entry, was = done.pop()
                room.undo(entry)
                assert room.says() == was
                assert len(room.audit.entries()) == told + 1
            continue
        try:
            done.append((room.does(*deed), before))
        except Refused:
            assert room.says() == before, "a refusal changes nothing"
            assert len(room.audit.entries()) == told
        else:
            assert len(room.audit.entries()) == told + 1
    assert not done
    for name in NAMES:
        clock.read(name)  # no clock is broken
    assert Audit(room.home / "board").entries() == room.audit.entries()


@given(st.tuples(own, own, own), st.sampled_from((None, *DAYS)), st.sampled_from(DAYS))
def test_held_nobody_is_later_and_freed_everybody_has_the_day_they_had(
    rooms: Any, owns: tuple[dict[str, str], ...], day: str | None, hold: str
) -> None:
    room = rooms()
    clock.put(None, "day", day)
    for name, keys in zip(NAMES, owns, strict=True):
        clock.put(name, "day", keys.get("day"))
    had = {name: room.day(name) for name in NAMES}
    room.does("hold", hold)
    assert {name: room.day(name) for name in NAMES} == {name: min(day, hold) for name, day in had.items()}
    room.does("hold")
    assert {name: room.day(name) for name in NAMES} == had


def test_who_has_a_day_of_their_own_stays_there_unless_everyone_moves(room: Room) -> None:
    clock.put("blue", "day", DAYS[2])
    room.does("set_room_day", "2")
    assert (room.day("blue"), room.day("green")) == (DAYS[2], DAYS[1])
    assert room.does("next_day").what == "Everyone is at day 3, 2022-01-03."
    assert clock.keys("blue") == {}
    assert room.day("blue") == room.day("green") == DAYS[2]


def test_the_entry_says_who_did_what_when(room: Room) -> None:
    before = time.time()
    entry = room.does("everyone_to", "2")
    assert before <= entry.when <= time.time()
    assert (entry.who, entry.what) == ("instructor", "Everyone is at day 2, 2022-01-02.")
    assert room.undo(entry).what == "Taken back: Everyone is at day 2, 2022-01-02."
    assert [one.undone for one in room.audit.entries()] == [False, True]


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (("everyone_to", "6"), "'6' is no day of the story, which has days 1 to 5: 2022-01-01 2022"),
        (("set_room_day", ""), "'' is no day"),
        (("set_room_day", "2022-01-02\n"), "is no day"),
        (("hold", "../clock"), "is no day"),
        (("deploy", "v3"), "is no day"),
        (("deploy", "9" * 5000), "is no day"),
        (("message", "x" * 301), "one line of at most 300 characters; this has 301"),
        (("message", "two\nlines"), "one line"),
        (("message", "\x1b[31m"), "one line"),
        (("message", "\ud800"), "one line"),
        (("inject", "3", "fire", ["blue"]), "no incident 'fire'. Incidents: fake-order, late-file"),
        (("inject", "3", "fake-order", ["red"]), "no attendee 'red'. Attendees: blue green learner"),
        (("inject", "3", "fake-order", []), "nobody was named"),
        (("inject", "3", "fake-order", "blue"), "no attendee 'b'"),
        (("remove_incident", "3", "fake-order", "blue"), "there is no incident fake-order on day 3"),
        (("catch_up", ["blue"], 7), "there is no step 7"),
        (("catch_up", ["*"], 3), "no attendee"),
        (("catch_up", ["../blue"], 3), "no attendee"),
        (("catch_up", [], 3), "nobody was named"),
        (("undo", 1), "nothing to take back: no entry 1"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_and_changes_nothing(room: Room, deed: tuple[Any, ...], said: str) -> None:
    before = room.says()
    with pytest.raises(Refused) as refused:
        room.does(*deed)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert room.says() == before
    assert room.audit.entries() == []


def test_an_incident_is_for_whom_it_is_meant_and_ends(room: Room) -> None:
    room.does("inject", "3", "fake-order", ["blue", "green"])
    room.does("inject", DAYS[2], "fake-order", ["blue"])
    room.does("inject", "4", "late-file", ["*"])
    assert clock.read("blue").incidents == ((DAYS[2], "fake-order"), (DAYS[3], "late-file"))
    assert clock.read("learner").incidents == ((DAYS[3], "late-file"),)
    with pytest.raises(Refused, match="no incident late-file on day 4, 2022-01-04 for blue"):
        room.does("remove_incident", "4", "late-file", "blue")
    for number, name, whom in (("4", "late-file", "*"), ("3", "fake-order", "green"), ("3", "fake-order", "blue")):
        room.does("remove_incident", number, name, whom)
    assert clock.keys().get("incidents") is None


def test_after_the_last_day_none_comes(room: Room) -> None:
    room.does("everyone_to", "5")
    with pytest.raises(Refused, match="2022-01-05 is the last day"):
        room.does("next_day")


def test_in_a_held_room_no_day_comes_before_it_goes_on(room: Room) -> None:
    room.does("hold", "2")
    for deed in (("everyone_to", "3"), ("set_room_day", "5")):
        with pytest.raises(Refused, match=r"held at day 2, 2022-01-02. Let it go on first"):
            room.does(*deed)
    room.does("next_day")
    with pytest.raises(Refused, match="held at day 2"):
        room.does("next_day")
    room.does("hold")
    room.does("next_day")
    assert room.day("blue") == DAYS[2]


def test_what_was_changed_since_is_not_put_back(room: Room) -> None:
    first = room.does("everyone_to", "2")
    second = room.does("everyone_to", "3")
    with pytest.raises(Refused, match="day of the room was changed: it is '2022-01-03', no longer '2022-01-02'"):
        room.undo(first)
    room.undo(second)
    clock.put("blue", "deployed", DAYS[0])
    shown = room.does("deploy", "2")
    clock.put("blue", "deployed", "v3")
    with pytest.raises(Refused, match="deployed of blue was changed: it is 'v3', no longer none"):
        room.undo(shown)
    room.undo(first)
    assert clock.keys().get("day") is None


def test_nothing_is_taken_back_twice_and_no_taking_back_is(room: Room) -> None:
    entry = room.does("message", "Coffee")
    undone = room.undo(entry)
    for one in (entry, undone):
        with pytest.raises(Refused, match="nothing to take back"):
            room.undo(one)


def test_a_script_is_undone_from_the_same_page(room: Room) -> None:
    clock.put("blue", "day", DAYS[3])
    room.audit.seen({name: clock.keys(name) for name in CLOCKS})
    before = room.says()
    environment = {"PATH": "/bin:/usr/bin", "FDE_HOME": str(room.home)}
    subprocess.run([ROOT / "scripts" / "day-2"], env=environment, check=True)
    message = room.does("message", "Day 2 begins")  # before the board looked again
    moved = room.audit.entries()[1]
    assert (moved.who, clock.keys("blue")) == ("a script or kubectl", {})
    room.undo(message)
    room.undo(moved)
    assert room.says() == before


def test_who_does_not_get_a_desk_is_told_and_keeps_what_they_have(room: Room) -> None:
    room.desks.refused = {"green"}
    entry = room.does("catch_up", ["blue", "green", "blue"], 3)
    assert entry.what == "Catch up to step 3: blue. Not green: Airflow refuses this (409)."
    assert room.desks.of == {"blue": ["mine", "3"], "green": ["mine"], "learner": ["mine"]}
    room.desks.refused = {"blue"}
    with pytest.raises(Refused, match=r"nobody was given another desk. Not blue: Airflow refuses this \(409\)"):
        room.undo(entry)
    room.desks.refused = set()
    room.undo(entry)
    assert room.desks.of["blue"] == room.desks.of["green"] == ["mine"]


def test_pressed_twice_a_desk_comes_back_once(room: Room) -> None:
    async def press_twice() -> list[Any]:
        undo = room.pace.undo
        return await asyncio.gather(undo("instructor", last.id), undo("instructor", last.id), return_exceptions=True)

    room.does("catch_up", ["blue"], 2)
    last = room.does("catch_up", ["blue"], 3)
    first, second = asyncio.run(press_twice())
    assert isinstance(first, Entry)
    assert isinstance(second, Refused)
    assert room.desks.of["blue"] == ["mine", "2"]


def test_two_presses_at_once_lose_no_entry(room: Room) -> None:
    words = [f"message {number}" for number in range(24)]
    with ThreadPoolExecutor(8) as hands:
        list(hands.map(lambda line: room.does("message", line), words))
    entries = room.audit.entries()[::-1]
    assert sorted(one.what.partition(": ")[2] for one in entries) == sorted(words)
    assert [one.id for one in entries] == list(range(1, 25))
    said = [None, *(one.after[""]["message"] for one in entries)]
    assert [one.before[""]["message"] for one in entries] == said[:-1], "each saw what the one before it left"
    assert clock.keys()["message"] == said[-1]


def test_who_locks_their_clock_stops_nobody(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        clock.put(name, "day", DAYS[0])
    put = clock.put

    def locked(name: str | None, key: str, value: str | None) -> None:
        if name == "green":
            raise Refused("the cluster refuses PATCH: 422 immutable")
        put(name, key, value)

    monkeypatch.setattr(clock, "put", locked)
    entry = room.does("everyone_to", "3")
    assert entry.what.endswith("But not of green: who owns a clock can lock it.")
    assert [room.day(name) for name in NAMES] == [DAYS[2], DAYS[0], DAYS[2]]
    room.undo(entry)
    assert [room.day(name) for name in NAMES] == [DAYS[0]] * 3


def test_when_the_rooms_clock_cannot_be_written_nothing_is(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    clock.put("blue", "day", DAYS[0])
    before, put = room.says(), clock.put

    def stuck(name: str | None, key: str, value: str | None) -> None:
        if name is None:
            raise OSError("No space left on device")
        put(name, key, value)

    monkeypatch.setattr(clock, "put", stuck)
    with pytest.raises(Refused, match="the clock of the room cannot be changed: No space left"):
        room.does("everyone_to", "3")
    assert room.says() == before
    assert room.audit.entries() == []
