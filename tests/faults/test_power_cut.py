"""Power cuts: whatever a disk keeps of what was not flushed, nothing acknowledged is lost and the next run heals."""

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

import fde.desk
from fde import lake, power_cut
from fde.archive import unpack
from fde.pack import Pack
from tests.conftest import ROOT, SHOP, Attendee, content
from tests.faults.conftest import Terminal, opened
from tests.faults.disk import Disk, record

FUNCTIONAL = (ROOT / "solutions" / "functional.py").read_bytes()
START = f"""
FUNCTIONAL = {FUNCTIONAL!r}
import sys
from pathlib import Path
import fde.desk
from fde import lake
from fde.archive import export
from tests.faults.conftest import Terminal
terminal = Terminal(Path(sys.argv[1]))
one = terminal.attendee
"""
IMPORTS = """
for day, today in ((3, 3), (3, 4), (4, 4)):
    one.own["day"] = one.pack.days[today - 1]
    one.again(day)
    print("acknowledged", lake.newest(one.world.lake, "sales"), flush=True)
"""
NEW = """
fde.desk.make(one.path, {"pipeline.py": FUNCTIONAL})
one.run(1)
print("acknowledged", lake.newest(one.world.lake, "sales"), flush=True)
"""
KILLED = """
flush, newest = lake.flush, {table: lake.newest(one.world.lake, table) for table in ("users", "orders", "sales")}
def killed(file):
    if int(file.stem) > newest[file.parents[1].name]:  # it has committed, and is about to flush that
        raise KeyboardInterrupt
    flush(file)
lake.flush = killed
try:
    one.run(3)
except KeyboardInterrupt:
    lake.flush = flush
one.run(4)
print("acknowledged", lake.newest(one.world.lake, "sales"), flush=True)
"""
DEPLOYS = """
for number, words in enumerate((("deploy", "2"), ("roll-back",), ("deploy", "latest"), ("day", "1"), ("day", "2"))):
    assert terminal.script(*words, "learner").returncode == 0
    print("acknowledged", number, flush=True)
"""
CATCHES_UP = """
for number in range(2):
    fde.desk.catch_up(one.path, Path(sys.argv[2]) / str(5 - number))
    print("acknowledged", 2 * number, flush=True)
    fde.desk.undo(one.path)
    print("acknowledged", 2 * number + 1, flush=True)
"""
EXPORTS = """
for number in range(2):
    export(one.world, terminal.home / f"{number}.fde.tar", lambda line: None)
    print("acknowledged", number, flush=True)
"""

Cut = tuple[Terminal, int | None]  # what the cut has left, and the last that was acknowledged before it

pytestmark = pytest.mark.skipif(
    not shutil.which("strace"), reason="strace is not installed: nothing records what a program writes"
)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a cut nobody is writing: there is nothing to wait for."""
    monkeypatch.setattr(power_cut, "WRITING_SECONDS", 0.0)


def cuts(terminal: Terminal, work: str, request: pytest.FixtureRequest, *words: object) -> Iterator[Cut]:
    """Record the work, and cut the power after calls that chance chooses: about 20, or half of all."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance, before = random.Random(seed), terminal.home.parent
    disk = Disk(terminal.home)
    command = [sys.executable, "-c", START + work, str(terminal.home), *map(str, words)]
    record(command, before / "trace", cwd=ROOT, stdout=subprocess.DEVNULL)
    total = sum(1 for _ in deepcopy(disk).play(before / "trace"))
    often = 0.5 if request.config.getoption("--thorough") else 20 / total
    made = 0
    for name in disk.play(before / "trace"):
        if chance.random() > often:
            continue
        made += 1
        left = Terminal(before / f"left-{made}")
        left.home.mkdir()
        disk.after_a_cut(chance, left.home)
        told = re.findall(r"acknowledged (\d+)", disk.said)
        try:
            yield left, int(told[-1]) if told else None
        except BaseException as error:
            error.add_note(f"seed {seed}, cut {made} after {name}")
            raise
        shutil.rmtree(left.home)
    print(f"{made} cuts in {total} calls")
    assert made > 3, "hardly any cut: this proved nothing"


def test_imports(terminal: Terminal, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    beside = opened(tmp_path / "beside").attendee
    whole = [beside.shown()]
    for day, today in ((3, 3), (3, 4), (4, 4)):
        beside.own["day"] = beside.pack.days[today - 1]
        beside.again(day)
        whole.append(beside.shown())
    for left, acknowledged in cuts(terminal, IMPORTS, request):
        one = Attendee(left.home / "worlds" / "learner", Pack(SHOP), {"day": "2022-01-04"})
        newest = lake.newest(one.world.lake, "sales")
        assert newest >= (acknowledged or 2), "an import that was reported done is lost"
        assert any(one.shown().equals(state) for state in whole[(acknowledged or 2) - 2 :]), "half a day is shown"
        one.again(3)
        one.again(4)
        assert one.shown().equals(whole[-1]), "the next run does not heal"


def test_the_first_import_of_a_new_desk(terminal: Terminal, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    shutil.rmtree(terminal.attendee.path)
    for left, acknowledged in cuts(terminal, NEW, request):
        one = left.attendee
        fde.desk.make(one.path, {"pipeline.py": FUNCTIONAL})  # as each start of a workshop does
        if acknowledged:
            assert lake.newest(one.world.lake, "sales") == 1, "an import that was reported done is lost"
        one.run(1)
        assert lake.newest(one.world.lake, "sales") == 1, "the next run does not heal"


def test_an_import_after_one_that_was_killed(terminal: Terminal, request: pytest.FixtureRequest) -> None:
    for left, acknowledged in cuts(terminal, KILLED, request):
        one = left.attendee
        one.own["day"] = "2022-01-04"
        if acknowledged:
            days = [made.day for made in lake.commits_of_days(one.world.lake, "sales", [*one.pack.days], acknowledged)]
            assert "2022-01-04" in days, "an import that was reported done is lost"
        one.again(4)


def test_clocks(terminal: Terminal, request: pytest.FixtureRequest) -> None:
    states = [(None, None), *(("2022-01-02", None), ("2022-01-01", None), ("latest", None))]
    states += [("latest", "2022-01-01"), ("latest", "2022-01-02")]
    for left, acknowledged in cuts(terminal, DEPLOYS, request):
        folder = left.home / "clocks" / "clock-learner"
        keys = {file.name: file.read_text().strip() for file in folder.iterdir() if file.name[0] != "."}
        now = 0 if acknowledged is None else acknowledged + 1
        assert (keys.get("deployed"), keys.get("day")) in states[now : now + 2]


def test_catching_up(terminal: Terminal, made: Path, request: pytest.FixtureRequest) -> None:
    own, (first, second) = content(terminal.attendee.world.desk), [content(made / number) for number in "54"]
    states = [own, first, own, second, own]
    for left, acknowledged in cuts(terminal, CATCHES_UP, request, made):
        one = left.attendee
        desks = [one.world.desk, *(one.path / "kept").iterdir()]
        now = 0 if acknowledged is None else acknowledged + 1
        files = content(one.world.desk).items()
        assert any(files >= state.items() for state in states[now : now + 2]), "it is not the desk that was reported"
        assert any(content(desk).items() >= own.items() for desk in desks), "the desk they had is lost"
        assert len(desks) > now - now // 2, "a former desk is lost"


def test_exports(terminal: Terminal, request: pytest.FixtureRequest) -> None:
    for left, acknowledged in cuts(terminal, EXPORTS, request):
        for number in range(2):
            file = left.home / f"{number}.fde.tar"
            if number <= (-1 if acknowledged is None else acknowledged):
                assert file.exists(), "a file that was reported is lost"
            if file.exists():
                unpack(file, left.home / f"opened-{number}", lambda line: None)
                opened_desk = left.home / f"opened-{number}" / "worlds" / "learner" / "desk"
                assert content(opened_desk) == content(terminal.attendee.world.desk)
