"""A verdict that is kept: the same when it is read, whatever lies there else, and whoever reads it runs no code."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fde import verdicts
from fde.__main__ import main
from fde.check import check
from fde.check.judged import FAILS, HOLDS, LONG, NOT_YET, Difference, Hint, Judged
from fde.check.laws import LAWS
from fde.check.verdict import Verdict
from fde.steps import progress
from tests.conftest import ROOT, Attendee

Make = Callable[..., Attendee]
FUNCTIONAL = (ROOT / "solutions" / "functional.py").read_text()
#: says so much, and so badly, that nobody could keep it
LOUD = """
def load_users(world, day):
    raise ValueError("\\x1b[2J\\u202e" + "\\ud800" * 100_000 + "\\n" * 100_000)
"""
#: shows rows whose names are too long to keep, and others each time
LAST = '    world.replace("sales", day, sales)\n'
WIDE = FUNCTIONAL.replace(LAST, f'    import os\n    sales["status"] += os.urandom(8).hex() + "x" * 100_000\n{LAST}')


def code_of(one: Attendee) -> str:
    return sha256((one.world.desk / "pipeline.py").read_bytes()).hexdigest()


def kept(one: Attendee) -> Verdict | None:
    """The kept verdict on the pipeline as it is."""
    return verdicts.kept(one.path, code_of(one))


@pytest.fixture
def three_days(shop: Path) -> Path:
    for file in shop.glob("*_day-[45].csv"):
        file.unlink()
    (shop / "pack.toml").unlink()
    return shop


@pytest.mark.parametrize(
    ("pipeline", "broken"),
    [("functional", []), ("mutable", ["rerun", "history", "order"]), (LOUD, ["runs"]), (WIDE, ["determinism"])],
)
def test_the_command_keeps_the_verdict_as_it_was(
    pipeline: str, broken: list[str], attendee: Make, three_days: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = attendee(pipeline, three_days)
    assert main(["check"], lambda: one.world) == int(bool(broken))
    said, found = capsys.readouterr().out, kept(one)
    assert found and found.broken == broken
    assert str(found) == said.removesuffix("\n")
    assert len(said.encode()) < verdicts.LARGEST and "\x1b" not in said
    assert [file.name for file in (one.path / ".verdict").glob("*.json")] == [f"{code_of(one)}.json"]
    assert verdicts.green(one.path) == (None if broken else (one.world.desk / "pipeline.py").read_bytes())


def test_a_verdict_on_the_mutable_pipeline_is_read_as_the_same_value(attendee: Make, three_days: Path) -> None:
    one = attendee("mutable", three_days)
    verdict = check(one.world)
    assert any(law.rows for law in verdict.laws) and any(law.hint for law in verdict.laws)
    verdicts.keep(one.path, verdict, b"")
    assert kept(one) == verdict


def of(code: bytes, *fails: str) -> Verdict:
    laws = tuple(Judged(name, LAWS[name][0], FAILS if name in fails else HOLDS) for name in LAWS)
    return Verdict(sha256(code).hexdigest(), ("2022-01-01",), laws)


def test_the_last_code_that_broke_no_law_stays_until_another_one_breaks_none(tmp_path: Path) -> None:
    for code, fails, green in (
        (b"first", ["rerun"], None),
        (b"second", [], b"second"),
        (b"third", ["runs"], b"second"),
        (b"fourth", [], b"fourth"),
    ):
        verdicts.keep(tmp_path, of(code, *fails), code)
        assert verdicts.green(tmp_path) == green
    verdicts.keep(tmp_path, of(b"fifth"), b"saved while the check ran")
    assert verdicts.green(tmp_path) == b"fourth", "what was not checked is not called green"
    for code, fails in ((b"first", ["rerun"]), (b"second", []), (b"third", ["runs"]), (b"fifth", [])):
        assert verdicts.kept(tmp_path, sha256(code).hexdigest()) == of(code, *fails), "each text has its own"


def test_on_a_full_disk_the_verdict_before_stays_whole(full_disk: Path) -> None:
    verdicts.keep(full_disk, of(b"code"), b"code")
    before = sorted((full_disk / ".verdict").iterdir())
    with (full_disk / "much").open("wb", buffering=0) as much, suppress(OSError):
        while much.write(bytes(4096)):
            pass
    for code in (b"code", b"other"):
        with pytest.raises(OSError, match="No space left"):
            verdicts.keep(full_disk, of(code, "rerun"), code)
    assert verdicts.kept(full_disk, sha256(b"code").hexdigest()) == of(b"code")
    assert sorted((full_disk / ".verdict").iterdir()) == before


# --- whoever looks how far somebody is runs no code of theirs


def leaves_a_trace(code: str, trace: Path) -> str:
    return f"open({str(trace)!r}, 'a').close()\n{code}"


def test_with_a_kept_verdict_nothing_of_the_desk_runs(attendee: Make, tmp_path: Path) -> None:
    one, trace = attendee(), tmp_path / "ran"
    one.run(1, 2, 3)
    one.uses(leaves_a_trace(FUNCTIONAL, trace))

    def kept_fails(world: Any) -> list[str] | None:
        verdict = verdicts.kept(world.path, code_of(one))
        return verdict.broken if verdict else None

    def found() -> list[int]:
        return [step.step.number for step in progress(one.world, fails=kept_fails) if step.done]

    assert found() == [1, 2, 3]
    assert "all laws of fde check hold: the check of this pipeline has not ended yet" in str(
        progress(one.world, fails=kept_fails)[3]
    )
    code = (one.world.desk / "pipeline.py").read_bytes()
    verdicts.keep(one.path, of(code, "rerun", "order"), code)
    assert found() == [1, 2, 3]
    assert "all laws of fde check hold: not rerun, order." in str(progress(one.world, fails=kept_fails)[3])
    verdicts.keep(one.path, of(code), code)
    assert found() == [1, 2, 3, 4]
    assert not trace.exists()
    assert [step.done for step in progress(one.world)] == [True] * 4 + [False] * 2
    assert trace.exists(), "fde steps tries the pipeline itself"


# --- what others may have put there

VERDICT = Verdict(
    "a" * 64,
    ("2022-01-01", "2022-01-02"),
    tuple(
        Judged(
            name,
            "promise",
            FAILS,
            "why\nmore",
            "2022-01-01",
            (Difference("2022-01-01", "gold", {"orders": 1, "tax_cents": None}, None),),
            2,
            Hint("look", 3, "x"),
        )
        for name in LAWS
    ),
)
GOOD: dict[str, Any] = json.loads(VERDICT.json())


def put(world: Path, content: bytes, code: str = VERDICT.code) -> None:
    (world / ".verdict").mkdir(parents=True, exist_ok=True)
    (world / ".verdict" / f"{code}.json").write_bytes(content)


def with_law(**changed: Any) -> dict[str, Any]:
    return {**GOOD, "laws": [{**GOOD["laws"][0], **changed}, *GOOD["laws"][1:]]}


BAD: dict[str, Any] = {
    "another text": {**GOOD, "code": "b" * 64},
    "no days": {**GOOD, "days": []},
    "no laws": {**GOOD, "laws": []},
    "a law too few": {**GOOD, "laws": GOOD["laws"][1:]},
    "a law that is none": with_law(name="<script>"),
    "a status that is none": with_law(status="green"),
    "a status of another kind": with_law(status=1),
    "rows that are none": with_law(rows={"a": 1}),
    "a row with a text for a number": with_law(
        rows=[{"sales_date": "", "status": "", "expected": {"tax_cents": "<b>"}, "actual": None}]
    ),
    "a text for a number": with_law(more="2"),
    "a line that is none": with_law(hint={"words": "w", "line": "<b>", "text": ""}),
    "half a verdict": {key: value for key, value in GOOD.items() if key != "days"},
    "a list": [GOOD],
    "nothing": None,
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_verdict_is_not_read(what: str, tmp_path: Path) -> None:
    put(tmp_path, json.dumps(GOOD).encode())
    assert verdicts.kept(tmp_path, VERDICT.code) == VERDICT
    put(tmp_path, json.dumps(BAD[what]).encode())
    assert verdicts.kept(tmp_path, VERDICT.code) is None


@pytest.mark.timeout(60)
@pytest.mark.parametrize("most", ["a link", "a pipe", "a large file", "a folder"])
def test_a_link_a_pipe_a_large_file_and_a_folder_are_no_verdict(most: str, tmp_path: Path) -> None:
    put(tmp_path / "other", json.dumps(GOOD).encode())
    put(tmp_path, json.dumps(GOOD).encode() + b" " * verdicts.LARGEST)
    for name in (f"{VERDICT.code}.json", "green.py"):
        file = tmp_path / ".verdict" / name
        if most == "a large file":
            file.write_bytes(json.dumps(GOOD).encode() + b" " * verdicts.LARGEST_CODE)
            continue
        file.unlink(missing_ok=True)
        if most == "a link":
            file.symlink_to(tmp_path / "other" / ".verdict" / f"{VERDICT.code}.json")
        elif most == "a pipe":
            os.mkfifo(file)
        else:
            file.mkdir()
    assert verdicts.kept(tmp_path, VERDICT.code) is None
    assert verdicts.green(tmp_path) is None


@pytest.mark.parametrize("code", ["", "../other/.verdict/" + "a" * 64, "a" * 63, "A" * 64, "a" * 64 + "\n", "green.py"])
def test_what_is_no_digest_names_no_file(code: str, tmp_path: Path) -> None:
    put(tmp_path / "other", json.dumps({**GOOD, "code": code}).encode())
    put(tmp_path, json.dumps({**GOOD, "code": code}).encode())
    if "/" not in code:
        put(tmp_path, json.dumps({**GOOD, "code": code}).encode(), code)
    assert verdicts.kept(tmp_path, code) is None


def test_what_a_forged_verdict_says_is_short_and_steers_nothing(tmp_path: Path) -> None:
    put(tmp_path, json.dumps(with_law(why="\x1b[2J\u202e" + "x" * 10_000, hint={"words": "\x07"})).encode())
    found = verdicts.kept(tmp_path, VERDICT.code)
    assert found and len(found.laws[0].why) <= LONG
    assert "\x1b" not in str(found) and "\u202e" not in str(found) and "\x07" not in str(found)


def test_a_number_that_no_lake_holds_can_be_shown(tmp_path: Path) -> None:
    row = {"sales_date": "", "status": "", "expected": {"tax_cents": 10**400}, "actual": None}
    put(tmp_path, json.dumps(with_law(rows=[row])).encode())
    assert "tax inf" in str(verdicts.kept(tmp_path, VERDICT.code))


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([10**400, NOT_YET, "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(node: Any) -> list[tuple[Any, Any]]:
    """Each place in a JSON value: what holds it, and under which key."""
    keys = node.keys() if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    return [place for key in keys for place in ((node, key), *places(node[key]))]


@given(data=st.data(), value=ANY)
def test_any_value_anywhere_is_no_verdict_or_one_that_can_be_shown(
    data: st.DataObject, value: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world, forged = tmp_path_factory.mktemp("world"), json.loads(VERDICT.json())
    holder, key = data.draw(st.sampled_from(places(forged)))
    holder[key] = value
    put(world, json.dumps(forged).encode())
    if found := verdicts.kept(world, VERDICT.code):
        assert all(shown.encode() for shown in (str(found), found._repr_html_(), found.json()))


@given(content=st.binary(max_size=50) | ANY.map(json.dumps).map(str.encode))
def test_no_content_makes_it_fail(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    world = tmp_path_factory.mktemp("world")
    put(world, content)
    assert verdicts.kept(world, VERDICT.code) is None


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"days": ' * 10_000, b"9" * 100_000, b'"\xff"', b""])
def test_json_that_breaks_readers_is_no_verdict(content: bytes, tmp_path: Path) -> None:
    put(tmp_path, content)
    assert verdicts.kept(tmp_path, VERDICT.code) is None
