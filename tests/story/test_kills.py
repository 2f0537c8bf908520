"""kill -9 in the middle of imports: nothing reported done is lost, no half day is ever seen, the next run heals."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pandas as pd
import pytest

from fde import lake
from fde.pack import Pack
from tests.conftest import SHOP, Attendee

Make = Callable[..., Attendee]
DAY_3, DAY_4 = "2022-01-03", "2022-01-04"


def _import_for_ever(path: Path, done: Connection) -> None:
    """Imports day 3 as sent on day 3, then as sent on day 4, and so on: each import changes the day."""
    one = Attendee(path, Pack(SHOP))
    while True:
        for today in (DAY_3, DAY_4):
            one.own["day"] = today
            one.again(3)
            done.send(lake.newest(one.world.lake, "sales"))


def test_20_kills_lose_nothing_and_show_no_half_day(attendee: Make, request: pytest.FixtureRequest) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    one = attendee("functional")
    one.run(1, 2)
    whole: list[pd.DataFrame] = []
    for today in (3, 4):
        one.own["day"] = one.pack.days[today - 1]
        one.again(3)
        whole.append(one.shown())
    # forkserver: a child starts in milliseconds, so that kills fall into imports and not into `import pandas`
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.conftest"])
    acknowledged = in_the_middle = 0
    for _ in range(200 if request.config.getoption("--long") else 20):
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_import_for_ever, args=(one.path, theirs), daemon=True)
        child.start()
        theirs.close()
        acknowledged = ours.recv()
        deadline = time.monotonic() + chance.uniform(0, 0.12)
        while time.monotonic() < deadline:
            assert any(one.shown().equals(state) for state in whole), "a reader sees whole days only"
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        try:
            while True:
                acknowledged = ours.recv()
        except EOFError:
            pass
        newest = {table: lake.newest(one.world.lake, table) for table in ("users", "orders", "sales")}
        in_the_middle += newest["orders"] != newest["sales"] or newest["sales"] != acknowledged
        assert newest["sales"] >= acknowledged, "nothing reported done is lost"
        assert any(one.shown().equals(state) for state in whole)
        one.own["day"] = DAY_4
        one.again(3)
        assert one.shown().equals(whole[1]), "the next run heals"
    assert in_the_middle, "no kill fell into an import: this run proved nothing"
