"""A call for help tells how things stood; what others write in its place is told apart or left unread."""

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fde.desk
from fde import verdicts
from fde.__main__ import main
from fde.call_for_help import DIFF, LARGEST, WORDS, ask, read
from fde.check.judged import FAILS, HOLDS, Judged
from fde.check.laws import LAWS
from fde.check.verdict import Verdict
from tests.conftest import Attendee

Make = Callable[..., Attendee]
Said = pytest.CaptureFixture[str]


def fde_help(one: Attendee, *words: str) -> int:
    return main(["help", *words], lambda: one.world)


def judged(one: Attendee, *fails: str) -> None:
    """Let a verdict on the pipeline as it is be kept."""
    code = (one.world.desk / "pipeline.py").read_bytes()
    laws = tuple(Judged(name, LAWS[name][0], FAILS if name in fails else HOLDS) for name in LAWS)
    verdicts.keep(one.path, Verdict(hashlib.sha256(code).hexdigest(), ("2022-01-01",), laws), code)


def test_it_tells_how_things_stand(attendee: Make, capsys: Said) -> None:
    one = attendee()
    one.run(1, 2)
    judged(one)
    code = (one.world.desk / "pipeline.py").read_text()
    one.uses(code.replace('on="user_id"', 'on="user_id", how="left"'))
    judged(one, "rerun", "history")
    before = time.time()
    assert fde_help(one, "I joined, and the bars are gone <b>") == 0
    said, call = capsys.readouterr().out, read(one.path)
    assert call is not None
    assert call.words == "I joined, and the bars are gone <b>"
    assert (call.day, call.versions) == ("2022-01-02", {"users": 2, "orders": 2, "tax_rates": 0, "sales": 2})
    assert call.laws == ("rerun", "history")
    assert call.code == hashlib.sha256((one.world.desk / "pipeline.py").read_bytes()).hexdigest()
    changed = [line for line in call.diff.splitlines()[2:] if line[0] in "+-"]
    assert [line.split("merge")[1] for line in changed] == [
        '(users, on="user_id")',
        '(users, on="user_id", how="left")',
    ]
    assert before - 1 <= call.asked <= time.time()
    for words in (call.words, "2022-01-02", "users v2", "sales v2", "rerun, history", "fde help --done"):
        assert words in said


def test_what_nobody_knows_yet_is_not_made_up(attendee: Make, capsys: Said) -> None:
    one = attendee()
    call = ask(one.world, "where do I begin?")
    assert (call.laws, call.diff) == (None, "")
    assert "not known for this pipeline.py. Find out: fde check" in str(call)
    judged(one)
    call = ask(one.world, "where do I begin?")
    assert (call.laws, call.diff) == ((), "")
    assert "laws that fail: none" in str(call)


def test_with_a_clock_a_lake_and_a_pipeline_that_cannot_be_read_help_can_be_asked_for(attendee: Make) -> None:
    one = attendee()
    one.own["day"] = "2022-01-0"
    (one.world.lake / "users").rename(one.world.lake / "moved")
    (one.world.desk / "pipeline.py").unlink()
    call = ask(one.world, "nothing works")
    assert (call.words, call.day, call.versions, call.laws, call.code) == ("nothing works", "", {}, None, "")
    assert "the clock cannot be read" in str(call)


def test_one_call_is_open_until_it_is_taken_back(attendee: Make, capsys: Said) -> None:
    one = attendee()
    assert fde_help(one) == 0
    assert 'No help is asked for. To ask: fde help "what you tried, and what you see"' in capsys.readouterr().out
    assert fde_help(one, "first") == fde_help(one, "second") == fde_help(one) == 0
    assert "Help is asked for: second" in capsys.readouterr().out.rpartition("All commands")[0]
    assert fde_help(one, "--done") == fde_help(one, "--done") == 0
    assert read(one.path) is None
    assert sorted(file.name for file in one.path.iterdir()) == ["desk", "kept"]
    with pytest.raises(SystemExit) as ended:
        main(["--help"], lambda: one.world)
    assert ended.value.code == 0 and "start-over" in capsys.readouterr().out


def test_words_are_needed_and_not_too_many_and_only_such_as_can_be_seen(attendee: Make, capsys: Said) -> None:
    one = attendee()
    for words in ("", " \n ", "\x1b\u202e", "x" * (WORDS + 1)):
        assert fde_help(one, words) == 2
        assert "help needs words, at most 500 characters" in capsys.readouterr().err
    assert read(one.path) is None
    assert ask(one.world, "x" * WORDS).words == "x" * WORDS
    assert ask(one.world, "\x1b[2Jdone\r\nnow \u202etxet\ud800").words == "[2Jdone now txet"


def test_a_large_change_is_cut_off_at_the_end_of_a_line(attendee: Make) -> None:
    one = attendee()
    judged(one)
    one.uses("\n".join(f'x{number} = "{"ü🙂" * 20}"' for number in range(2000)))
    call = ask(one.world, "large")
    assert DIFF - 100 < len(call.diff) <= DIFF
    assert call.diff.endswith('"')


def test_no_desk_that_comes_or_goes_takes_the_call_or_a_verdict_along(attendee: Make, tmp_path: Path) -> None:
    """The call is about the attendee, and a verdict about a text: neither is part of a desk."""
    one = attendee("mutable")
    judged(one, "rerun")
    verdict, call = one.path / ".verdict", ask(one.world, "stuck")
    before = sorted(verdict.iterdir())
    opening = attendee("functional", name="opening").world.desk
    for swap in (
        fde.desk.start_over,
        lambda world: fde.desk.catch_up(world, opening),
        fde.desk.undo,
    ):
        swap(one.path)
        assert read(one.path) == call
        assert sorted(verdict.iterdir()) == before
    assert not list((one.path / "kept").rglob(".verdict")) + list((one.path / "kept").rglob(".help.json"))


def test_at_home_nobody_is_asked_for_help(attendee: Make, tmp_path: Path, capsys: Said) -> None:
    """An exported world is a desk: a call is for the room's instructor, and a verdict is found again by fde check."""
    one = attendee("mutable")
    judged(one)
    ask(one.world, "stuck")
    assert main(["export", str(tmp_path / "w.fde.tar")], lambda: one.world) == 0
    assert main(["open", str(tmp_path / "w.fde.tar"), str(tmp_path / "home")], lambda: one.world) == 0
    world = tmp_path / "home" / "worlds" / one.path.name
    assert read(world) is None and verdicts.green(world) is None
    assert [file.name for file in world.iterdir()] == ["desk"]


# --- what others may have put there

GOOD: dict[str, Any] = {"words": "w", "day": "2022-01-01", "versions": {"sales": 3}, "laws": ["rerun"]}
GOOD |= {"code": "a" * 64, "diff": "+x"}
BAD: dict[str, tuple[str, Any]] = {
    "no words": ("words", ""),
    "words that cannot be seen": ("words", "\u202e\x00"),
    "too many words": ("words", "x" * (WORDS + 1)),
    "words that are none": ("words", {"a": 1}),
    "a day that is none": ("day", "<script>"),
    "a day and more": ("day", "2022-01-01\n"),
    "a table that is none": ("versions", {"<b>": 1}),
    "half a version": ("versions", {"sales": 1.5}),
    "a version that is none": ("versions", {"sales": True}),
    "a version below none": ("versions", {"sales": -1}),
    "a version of a thousand digits": ("versions", {"sales": 10**1000}),
    "a law that is none": ("laws", ["<b>"]),
    "a text for laws": ("laws", "rerun"),
    "no digest": ("code", "A" * 64),
    "a diff that is too long": ("diff", "x" * (DIFF + 1)),
    "no diff": ("diff", None),
}


def put(world: Path, content: bytes) -> None:
    world.mkdir(exist_ok=True)
    (world / ".help.json").write_bytes(content)


def test_what_is_a_call_is_read(tmp_path: Path) -> None:
    put(tmp_path, json.dumps(GOOD).encode())
    call = read(tmp_path)
    assert call and (call.words, call.versions, call.laws) == ("w", {"sales": 3}, ("rerun",))


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_call_is_not_read(what: str, tmp_path: Path) -> None:
    key, value = BAD[what]
    put(tmp_path, json.dumps({**GOOD, key: value}).encode())
    assert read(tmp_path) is None


@pytest.mark.parametrize("key", GOOD)
def test_half_a_call_is_not_read(key: str, tmp_path: Path) -> None:
    put(tmp_path, json.dumps({name: value for name, value in GOOD.items() if name != key}).encode())
    assert read(tmp_path) is None


@pytest.mark.timeout(60)
def test_a_link_a_pipe_and_a_large_file_are_no_call(tmp_path: Path) -> None:
    put(tmp_path / "other", json.dumps(GOOD).encode())
    (tmp_path / ".help.json").symlink_to(tmp_path / "other" / ".help.json")
    assert read(tmp_path) is None
    (tmp_path / ".help.json").unlink()
    os.mkfifo(tmp_path / ".help.json")
    assert read(tmp_path) is None
    (tmp_path / ".help.json").unlink()
    put(tmp_path, json.dumps(GOOD).encode() + b" " * LARGEST)
    assert read(tmp_path) is None


def test_it_was_asked_between_1970_and_now(tmp_path: Path) -> None:
    put(tmp_path, json.dumps(GOOD).encode())
    for seconds in (-(10**9), 2 * 10**10):
        os.utime(tmp_path / ".help.json", (seconds, seconds))
        call = read(tmp_path)
        assert call and 0 <= call.asked <= time.time()


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(content=st.binary(max_size=50) | ANY.map(json.dumps).map(str.encode))
def test_no_content_makes_it_fail(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    world = tmp_path_factory.mktemp("world")
    put(world, content)
    assert read(world) is None


@given(key=st.sampled_from(sorted(GOOD)), value=ANY)
def test_no_value_makes_it_fail_or_steers_who_reads(
    key: str, value: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = tmp_path_factory.mktemp("world")
    put(world, json.dumps({**GOOD, key: value}).encode())
    if call := read(world):
        assert str(call).encode() and call.words.isprintable() and len(call.words) <= WORDS
