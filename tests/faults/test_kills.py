"""kill -9 at random moments: nothing acknowledged is lost, nothing half is ever seen, the next run heals."""

import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import fde.desk
from fde import lake
from fde.archive import export, unpack
from fde.commits import commit
from fde.steps import STEPS
from tests.conftest import ROOT, content
from tests.faults.conftest import Terminal

FUNCTIONAL = (ROOT / "solutions" / "functional.py").read_bytes()
DEPLOYS = (("deploy", "2"), ("roll-back",), ("deploy", "latest"))  # what a dashboard shows then, on day 3:
DEPLOYED = ("2022-01-02", "2022-01-01", "latest")


@dataclass
class Work:
    """Something that is done over and over, and killed.

    once: does it the n-th time and returns what it acknowledges. check: is told the last that was acknowledged (None:
    nothing) and what dashboards showed until the kill; looks at what that has left, and says whether it fell into the
    middle.
    """

    once: Callable[[Terminal, Path, int], Any]
    check: Callable[[Terminal, Path, Any, list[pd.DataFrame]], bool]
    kills: int  # of a thousand


def imports(terminal: Terminal, made: Path, number: int) -> int:
    """Day 3 as sent on day 3, then as sent on day 4, and so on: each import changes the day."""
    one = terminal.attendee
    one.own["day"] = one.pack.days[2 + number % 2]
    one.again(3)
    return lake.newest(one.world.lake, "sales")


def whole_days_only(terminal: Terminal, made: Path, acknowledged: int | None, seen: list[pd.DataFrame]) -> bool:
    one = terminal.attendee
    newest = {table: lake.newest(one.world.lake, table) for table in ("users", "orders", "sales")}
    assert newest["sales"] >= (acknowledged or 0), "an import that was reported done is lost"
    half = commit(one.world.lake, "sales", newest["sales"]).read["orders"] != newest["orders"]
    seen = [*seen, one.shown()]
    day_3: list[pd.DataFrame] = []
    for today in (2, 3):
        one.own["day"] = one.pack.days[today]
        one.again(3)
        day_3.append(one.shown())
    states = [before_day_3(terminal), *day_3]
    assert all(any(shown.equals(state) for state in states) for shown in seen), "half a day is shown"
    return half or (acknowledged is not None and newest["sales"] != acknowledged)


def before_day_3(terminal: Terminal) -> pd.DataFrame:
    return terminal.attendee.shown(deployed="v2")


def deploys(terminal: Terminal, made: Path, number: int) -> int:
    done = terminal.script(*DEPLOYS[number % 3], "learner")
    assert done.returncode == 0, done.stderr
    return number


def one_pointer_or_the_other(
    terminal: Terminal, made: Path, acknowledged: int | None, seen: list[pd.DataFrame]
) -> bool:
    file = terminal.home / "clocks" / "clock-learner" / "deployed"
    shown = file.read_text().strip() if file.exists() else "latest"
    before = DEPLOYED[acknowledged % 3] if acknowledged is not None else "latest"
    after = DEPLOYED[(acknowledged + 1) % 3] if acknowledged is not None else DEPLOYED[0]
    assert shown in (before, after), "what is deployed is neither the former nor the next"
    assert terminal.script("deploy", "latest", "learner").returncode == 0
    assert file.read_text().strip() == "latest"
    return shown == after


def catches_up(terminal: Terminal, made: Path, number: int) -> int:
    path = terminal.attendee.path
    if number % 3 == 2:
        fde.desk.undo(path)
    else:
        fde.desk.catch_up(path, made / str(1 + number % len(STEPS)))
    return len(list((path / "kept").iterdir()))


def a_whole_desk(terminal: Terminal, made: Path, acknowledged: int | None, seen: list[pd.DataFrame]) -> bool:
    one = terminal.attendee
    whole = [content(made / str(step.number)) for step in STEPS]
    desks = [one.world.desk, *(one.path / "kept").iterdir()]
    assert len(desks) > (acknowledged or 0), "a former desk is gone"
    for desk in desks:
        files = content(desk)
        own = files["pipeline.py"] == FUNCTIONAL and lake.newest(desk / "lake", "sales") == 2
        assert own or any(opening.items() <= files.items() for opening in whole), f"{desk} is half"
    half = any(one.path.glob(".building-*"))
    fde.desk.catch_up(one.path, made / "5")
    assert not any(one.path.glob(".building-*"))
    one.own["day"] = one.pack.days[2]
    one.again(3)
    return half or len(desks) != 1 + (acknowledged or 0)


def exports(terminal: Terminal, made: Path, number: int) -> str:
    file = terminal.home / f"world-{os.getpid()}-{number}.fde.tar"
    export(terminal.attendee.world, file, lambda line: None)
    return str(file)


def whole_files_only(terminal: Terminal, made: Path, acknowledged: str | None, seen: list[pd.DataFrame]) -> bool:
    files = list(terminal.home.glob("world-*.fde.tar"))
    assert acknowledged is None or Path(acknowledged) in files, "a file that was reported is lost"
    for number, file in enumerate(files):
        unpack(file, terminal.home / f"opened-{number}", lambda line: None)
        desk = terminal.home / f"opened-{number}" / "worlds" / "learner" / "desk"
        assert content(desk) == content(terminal.attendee.world.desk)
    parts = list(terminal.home.glob("world-*.part"))
    for file in (*files, *parts):
        file.unlink()
    for number in range(len(files)):
        shutil.rmtree(terminal.home / f"opened-{number}")
    return bool(parts)


WORKS = {
    "imports": Work(imports, whole_days_only, 400),
    "deploys": Work(deploys, one_pointer_or_the_other, 200),
    "catches up": Work(catches_up, a_whole_desk, 200),
    "exports": Work(exports, whole_files_only, 200),
}


def for_ever(work: str, home: Path, made: Path, first: int, done: Connection) -> None:
    os.setsid()  # what it starts is killed with it
    number = first
    while True:
        done.send(WORKS[work].once(Terminal(home), made, number))
        number += 1


def seconds_of_one(name: str, terminal: Terminal, made: Path) -> float:
    """How long one piece of work takes here and now: a kill within that time falls into it, however slow a machine."""
    work = WORKS[name]
    work.once(terminal, made, 0)
    begin = time.monotonic()
    acknowledged = work.once(terminal, made, 1)
    took = time.monotonic() - begin
    work.check(terminal, made, acknowledged, [])
    return took


@pytest.mark.parametrize("name", WORKS)
def test_kills_lose_nothing_and_leave_nothing_half(name: str, terminal: Terminal, made: Path, share: float) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance, work = random.Random(seed), WORKS[name]
    terminal.day(3)
    # forkserver: a child starts in milliseconds, so that kills fall into the work and not into `import pandas`
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.test_kills"])
    in_the_middle = kill = 0
    kills = round(work.kills * share)
    longest = 1.2 * seconds_of_one(name, terminal, made)
    while kill < kills or (not in_the_middle and kill < 50 * kills):
        kill += 1
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=for_ever, args=(name, terminal.home, made, 0, theirs), daemon=True)
        child.start()
        theirs.close()
        acknowledged = None
        if chance.random() < 0.8:
            acknowledged = ours.recv()
        end, seen = time.monotonic() + chance.uniform(0, longest), []  # the moment is what is tried out
        while (left := end - time.monotonic()) > 0:
            if name == "imports":
                seen.append(terminal.shown())
            else:
                time.sleep(left)
        with_all = child.pid or 0
        try:
            os.killpg(with_all, signal.SIGKILL)
        except ProcessLookupError:  # it has not begun
            os.kill(with_all, signal.SIGKILL)
        child.join()
        try:
            while True:
                acknowledged = ours.recv()
        except EOFError:
            pass
        try:
            in_the_middle += work.check(terminal, made, acknowledged, seen)
        except BaseException as error:
            error.add_note(f"seed {seed}, kill {kill}")
            raise
    print(f"{in_the_middle} of {kill} fell into the middle")
    assert in_the_middle, "no kill fell into the middle: this run proved nothing"
