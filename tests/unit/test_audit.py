"""The audit log: nothing that was done is lost, nothing is told twice, whatever lies in the file."""

import subprocess
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fde.refused import Refused
from tests.conftest import ROOT
from workshop import clock
from workshop.board.audit import ELSEWHERE, Audit
from workshop.board.entry import Entry

NAMES = ("blue", "green")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FDE_HOME", str(tmp_path))
    clock.set_days([f"2022-01-0{n}" for n in range(1, 6)])
    for name in NAMES:
        clock.folder(name).mkdir()
    return tmp_path


def look(audit: Audit, times: int = 2) -> list[Entry]:
    """What the board does again and again."""
    for _ in range(times):
        audit.seen({name: clock.keys(name) for name in (None, *NAMES)})
    return audit.entries()


def script(home: Path, *words: str) -> None:
    subprocess.run(
        [ROOT / "scripts" / words[0], *words[1:]], env={"PATH": "/bin:/usr/bin", "FDE_HOME": str(home)}, check=True
    )


def test_what_is_written_down_is_there_after_a_new_start(home: Path) -> None:
    audit = Audit(home / "board")
    audit.add("instructor", "Ähm: \u2028 \x85 <b>", {"": {"day": None}, "blue": {"day": "2022-01-02\n"}}, {"": {}})
    audit.add("instructor", "two", desks=("blue",), undoes=1)
    entries = Audit(home / "board").entries()
    assert entries == audit.entries()
    assert [(one.id, one.undone, one.can_be_undone) for one in entries] == [(2, False, False), (1, True, False)]


@given(
    st.lists(
        st.one_of(st.none(), st.binary(), st.sampled_from([b"{}", b"[1]", b'{"id": 1}', b"null", b"7", b"[" * 9999]))
    )
)
def test_broken_lines_are_skipped_and_harm_no_other(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes | None]
) -> None:
    folder = tmp_path_factory.mktemp("board")
    file, told = folder / "audit.jsonl", []
    for line in lines:
        if line is None:
            told.append(Audit(folder).add("instructor", f"number {len(told)}"))
        else:
            with file.open("ab") as torn:  # no new line at its end: whoever wrote it died
                torn.write(line)
    assert [one.what for one in reversed(Audit(folder).entries())] == [one.what for one in told]
    assert len({one.id for one in told}) == len(told)


def test_half_a_line_of_an_entry_is_none(home: Path) -> None:
    whole = Audit(home / "board").add("instructor", "words", {"": {"day": None}}, {"": {"day": "2022-01-02"}})
    line = whole.line()
    for end in range(len(line)):
        (home / "board" / "audit.jsonl").write_text(line[:end])
        assert Audit(home / "board").entries() == []
    for spoiled in (
        line.replace("null", "7", 1),
        line.replace('"2022-01-02"', '["x"]'),
        line.replace('"when": ', '"when": "x'),
    ):
        (home / "board" / "audit.jsonl").write_text(spoiled)
        assert Audit(home / "board").entries() == []


def test_what_scripts_and_kubectl_do_to_the_room_is_written_down_once(home: Path) -> None:
    audit = Audit(home / "board")
    assert look(audit) == [], "an untouched room"
    script(home, "day-2")
    (entry,) = look(audit, 5)
    assert (entry.who, entry.what) == (ELSEWHERE, "day of the room: 2022-01-02 (before: none).")
    clock.put(None, "hold", "2022-01-02")
    clock.put(None, "message", "Coffee")
    assert len(look(audit, 5)) == 2, "one entry for all that was changed between two looks"
    audit = Audit(home / "board")
    assert len(look(audit, 5)) == 2, "nothing again after a new start"
    script(home, "hold")
    entries = look(Audit(home / "board"), 5)
    assert [one.what for one in entries][0] == "hold of the room: none (before: 2022-01-02)."
    assert len(entries) == 3, "what was changed while no board ran is new"


def test_what_attendees_do_with_their_own_clocks_buries_nothing(home: Path) -> None:
    audit = Audit(home / "board")
    clock.put(None, "day", "2022-01-02")
    look(audit)
    for number in range(1, 6):
        for name in NAMES:
            clock.put(name, "day", f"2022-01-0{number}")
            clock.put(name, "x" * 50, "y" * 9_999)
            look(audit)
    assert len(audit.entries()) == 1
    script(home, "day-3")
    entry = look(audit)[0]
    assert entry.before == {"": {"day": "2022-01-02"}, "blue": {"day": "2022-01-05"}, "green": {"day": "2022-01-05"}}
    assert entry.after == {"": {"day": "2022-01-03\n"}, "blue": {"day": None}, "green": {"day": None}}


def test_a_look_that_is_older_than_a_press_tells_nothing(home: Path) -> None:
    audit = Audit(home / "board")
    look(audit)
    old = {name: clock.keys(name) for name in (None, *NAMES)}
    clock.put(None, "day", "2022-01-02")
    audit.add("instructor", "day 2", {"": {"day": None}}, {"": {"day": "2022-01-02"}})
    audit.seen(old)
    assert len(look(audit)) == 1


def test_while_the_board_writes_a_look_tells_nothing(home: Path) -> None:
    audit = Audit(home / "board")
    look(audit)
    with audit.lock:
        clock.put(None, "day", "2022-01-02")
        looking = threading.Thread(target=look, args=(audit, 3))
        looking.start()
        looking.join(60)
        assert not looking.is_alive(), "a look never waits"
        audit.add("instructor", "day 2", {"": {"day": None}}, {"": {"day": "2022-01-02"}})
    assert len(look(audit)) == 1


def test_a_full_disk_is_said_and_told_when_there_is_room_again(full_disk: Path, home: Path) -> None:
    audit = Audit(full_disk / "board")
    look(audit)
    with (full_disk / "rest").open("wb", buffering=0) as rest, pytest.raises(OSError, match="No space"):
        while True:
            rest.write(bytes(4096))
    clock.put(None, "day", "2022-01-02")
    with pytest.raises(Refused, match="No space left on device. What was done is done, but it is not written down"):
        audit.add("instructor", "day 2" + "x" * 5000, {"": {"day": None}}, {"": {"day": "2022-01-02"}})
    assert look(audit) == [], "a look that cannot write stops nobody"
    (full_disk / "rest").unlink()
    assert [one.who for one in look(audit, 1)] == [ELSEWHERE]
    assert audit.entries() == Audit(full_disk / "board").entries()


def test_nobody_else_reads_the_file(home: Path) -> None:
    Audit(home / "board").add("instructor", "words")
    assert (home / "board" / "audit.jsonl").stat().st_mode & 0o777 == 0o600
