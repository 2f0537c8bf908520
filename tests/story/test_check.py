"""The check judges the idea: pipelines solved differently are right, subtly wrong ones are wrong by the right law."""

import json
import multiprocessing
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from fde.__main__ import main
from fde.check import check
from fde.check.verdict import Verdict
from fde.pack import Pack
from tests.conftest import ROOT, SHOP, Attendee
from tests.room import wait_until

Make = Callable[..., Attendee]
FUNCTIONAL = (ROOT / "solutions" / "functional.py").read_text()
LAST = '    world.replace("sales", day, sales)\n'
JOIN = '    sales = orders.merge(users, on="user_id")\n'
ORDERS = '    orders = world.source("orders", day)\n'


def functional(**changes: str) -> str:
    """The functional pipeline with lines before one of its own: `last`, `join`, or in place of `orders`."""
    code = FUNCTIONAL.replace(LAST, changes.get("last", "") + LAST).replace(JOIN, changes.get("join", "") + JOIN)
    return changes.get("top", "") + code.replace(ORDERS, changes.get("orders", ORDERS))


def judged(verdict: Verdict, status: str) -> list[str]:
    return [law.name for law in verdict.laws if law.status == status]


@pytest.fixture
def three_days(tmp_path: Path) -> Path:
    """The first three days of the story: enough to be wrong in."""
    pack = tmp_path / "three"
    pack.mkdir()
    for file in SHOP.glob("*_day-[123].csv"):
        shutil.copy(file, pack)
    return pack


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where throw-away desks go. After each test of this file nothing may be left there."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture(autouse=True)
def _nothing_is_left(temporary: Path) -> object:
    yield
    assert not list(temporary.iterdir())


@pytest.mark.parametrize(
    ("stage", "fails", "not_yet"),
    [
        ("mutable", ["rerun", "history", "order"], ["backfill"]),
        ("immutable_users", ["rerun", "history", "order"], ["backfill"]),
        ("functional", [], []),
    ],
)
def test_which_laws_each_stage_fails(stage: str, fails: list[str], not_yet: list[str], attendee: Make) -> None:
    verdict = check(attendee(stage).world)
    assert (judged(verdict, "fails"), judged(verdict, "not judged yet")) == (fails, not_yet)


RUNS = 2 * (3 * 2) + 3 + 1 + 3 + 3  # of three days: each twice on two desks, late and one sent again, forward, backward
#: a pipeline that is functional, too
RIGHT: dict[str, str] = {
    "an anti-join": functional(
        join='    gone = orders.merge(users[users["status"] == "gone"], on="user_id", how="left", indicator=True)\n'
        '    orders = orders[(gone["_merge"] == "left_only").to_numpy()]\n'
    ),
    "one CSV a day in files, written aside and swapped in": functional(
        top="import pandas as pd\n",
        orders="""    orders = world.source("orders", day)
    part, file = world.files / f".{day}.part", world.files / f"orders_{day}.csv"
    orders.to_csv(part, index=False)
    part.replace(file)
    orders = pd.read_csv(file, dtype={"order_id": str})
""",
    ),
    "pyarrow": functional(
        top="import pyarrow as pa\n",
        last="""    orders, users = pa.Table.from_pandas(orders), pa.Table.from_pandas(users)
    joined = orders.join(users, "user_id", join_type="inner")
    sums = [("user_id", "count"), ("quantity", "sum"), ("revenue_cents", "sum")]
    sales = joined.group_by(["sales_date", "status"]).aggregate(sums).to_pandas()
    names = {"user_id_count": "orders", "quantity_sum": "quantity", "revenue_cents_sum": "revenue_cents"}
    sales = sales.rename(columns=names)
""",
    ),
    "functions of its own, and rows in any order": functional(
        join="    orders = twice_shuffled(orders)\n",
        top="def twice_shuffled(rows):\n    return rows.sample(frac=1).sample(frac=1)\n\n\n",
    ),
    "a file beside the pipeline": functional(
        top="import json\n",
        last='    names = json.load(open("names.json"))\n    sales["status"] = sales["status"].replace(names)\n',
    ),
    "it prints, keeps a thread, and goes on twice": functional(
        top="import os, threading, time\n",
        last='    print("x" * 5_000_000)\n    threading.Thread(target=time.sleep, args=[600]).start()\n',
    ).replace(LAST, LAST + "    os.fork()\n"),
}


@pytest.mark.parametrize("how", RIGHT)
def test_solved_differently_is_right(how: str, attendee: Make, three_days: Path) -> None:
    one = attendee(RIGHT[how], three_days)
    (one.path / "desk" / "names.json").write_text('{"none": "nobody"}')
    begun: list[int] = []
    verdict = check(one.world, tell=begun.append)
    assert judged(verdict, "holds") == [law.name for law in verdict.laws], str(verdict)
    assert begun == list(range(1, RUNS + 1)), "a process that the pipeline forked carries out no trial of its own"


#: what is wrong -> (the code, the first law that fails, what stands in the line that the hint points to)
WRONG: dict[str, tuple[str, str, str]] = {
    "the wall clock": (
        functional(top="from datetime import datetime\n", last='    sales["status"] += f"{datetime.now():%d}"\n'),
        "determinism",
        "datetime.now()",
    ),
    "chance": (
        functional(top="import random\n", last='    sales["quantity"] += random.randint(0, 10**9)\n'),
        "determinism",
        "random.randint",
    ),
    "the order of a set": (
        functional(join='    users["status"] = [next(iter({a, str(b)})) for b, a in users.itertuples(index=False)]\n'),
        "determinism",
        "next(iter({a, str(b)}))",
    ),
    "a hash": (
        functional(last='    sales["quantity"] += sales["status"].map(hash) % 1000\n'),
        "determinism",
        "map(hash)",
    ),
    "a counter in a file": (
        functional(
            last="""    counter = world.files / "counter"
    runs = int(counter.read_text()) + 1 if counter.exists() else 1
    counter.write_text(str(runs))
    sales["quantity"] += runs
"""
        ),
        "rerun",
        "counter.read_text()",
    ),
    "a second run refuses": (
        functional(top="import os\n", orders=ORDERS + "    os.mkdir(world.files / day)\n"),
        "rerun",
        "",
    ),
    "sales that are right, in one file": (
        functional().replace(LAST, '    sales.to_csv(world.files / "sales.csv", index=False)\n'),
        "history",
        "sales.to_csv",
    ),
    "the latest users for all days": (
        functional(
            join='    users = world.read("users", until="9999-12-31").sort_values("import_date")\n'
            '    users = users.drop_duplicates("user_id", keep="last").drop(columns="import_date")\n'
        ),
        "order",
        'until="9999-12-31"',
    ),
    "the users of the clock's day": (
        functional(join='    users = world.source("users", world.clock.day).fillna("none")\n'),
        "order",
        "world.clock.day",
    ),
    "duplicates dropped across days, by their id": (
        functional(
            join='    orders = world.read("orders", until=day).drop_duplicates("order_id")\n'
            '    orders = orders[orders["import_date"] == day]\n'
        ),
        "order",
        "until=day",
    ),
    "duplicates dropped across days, by what they look like": (
        functional(
            join='    orders = world.read("orders", until=day)\n'
            '    orders = orders.drop_duplicates(["sales_date", "user_id", "quantity", "revenue_cents"])\n'
            '    orders = orders[orders["import_date"] == day]\n'
        ),
        "order",
        "until=day",
    ),
    "sales that add up": (
        functional(join='    orders = world.read("orders", until=day).drop(columns="import_date")\n'),
        "order",
        "until=day",
    ),
    "the first import of a day wins": (
        functional(
            orders="""    try:
        world.read("orders", day=day)
        return
    except Exception:
        pass
    orders = world.source("orders", day)
"""
        ),
        "backfill",
        "except Exception",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_subtly_wrong_is_wrong_by_the_right_law(what: str, attendee: Make, three_days: Path) -> None:
    code, law, line = WRONG[what]
    verdict = check(attendee(code, three_days).world)
    assert judged(verdict, "fails")[:1] == [law], str(verdict)
    failed = next(one for one in verdict.laws if one.name == law)
    if line:
        assert failed.hint and line in failed.hint.text
        assert failed.hint.text == code.splitlines()[(failed.hint.line or 0) - 1].strip()
    assert failed.rows or "failed" in failed.why


#: what a pipeline does to the check itself -> (the code, what the verdict says of its runs)
HOSTILE: dict[str, tuple[str, str]] = {
    "loops for ever": (
        functional(last="    while True:\n        pass\n"),
        r"pipeline.py, line 2\d, in process_users_orders: .*\nIt had not ended after 20 seconds",
    ),
    "loops and lets nothing stop it": (
        functional(
            top="import time\n",
            last="    while True:\n        try:\n            time.sleep(600)\n"
            "        except BaseException:\n            pass\n",
        ),
        r"pipeline.py, line 2\d, in process_users_orders: time.sleep\(600\)\nIt had not ended after 20 seconds",
    ),
    "stops and waits": (
        functional(top="import os, signal\n", last="    os.kill(os.getpid(), signal.SIGSTOP)\n"),
        "It had not ended after 20 seconds",
    ),
    "exits": (functional(top="import sys\n", last="    sys.exit(0)\n"), r"sys.exit\(0\)\nSystemExit: 0"),
    "exits without a word": (functional(top="import os\n", last="    os._exit(0)\n"), r"ended its process \(code 0\)"),
    "is killed": (functional(top="import os\n", last="    os.kill(os.getpid(), 9)\n"), r"killed \(signal 9\)"),
    "crashes": (
        functional(top="import ctypes\n", last="    ctypes.string_at(0)\n"),
        r"pipeline.py, line 25, in process_users_orders: ctypes.string_at\(0\)\n.*ended its process \(signal 11\)",
    ),
    "closes the pipe": (functional(top="import os\n", last="    os.closerange(3, 99)\n"), "ended its process"),
    "writes into the pipe": (
        functional(
            top="import os\n",
            last="    for n in range(3, 99):\n        try:\n            os.write(n, b'x\\n')\n"
            "        except OSError:\n            pass\n",
        ),
        "wrote where only the check writes",
    ),
    "does not parse": ("def load_users(world, day)\n    pass\n", r"line 1: def load_users.*\nSyntaxError"),
    "swallows its own mistakes": (
        functional().replace(
            LAST, "    try:\n        world.replace(day, sales)\n    except Exception:\n        pass\n"
        ),
        "there is nothing to see",
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_pipeline_that_breaks_the_check_is_told_and_ends(what: str, attendee: Make, three_days: Path) -> None:
    code, says = HOSTILE[what]
    verdict = check(attendee(code, three_days).world, limit=20 if "had not ended" in says else 30)
    assert judged(verdict, "fails") == ["runs"]
    assert len(judged(verdict, "not judged yet")) == 5
    assert re.search(says, verdict.laws[0].why), verdict.laws[0].why
    assert "/temporary/" not in str(verdict)


def test_what_a_pipeline_starts_ends_with_the_check(attendee: Make, three_days: Path) -> None:
    code = functional(
        top="import subprocess\n", last=f'    subprocess.Popen(["sh", "-c", "sleep 600; :", "{three_days}"])\n'
    )
    assert not check(attendee(code, three_days).world).fails
    left = [one for one in psutil.process_iter(["cmdline"]) if str(three_days) in (one.info["cmdline"] or [])]
    assert not psutil.wait_procs(left, 60)[1]


def test_the_desk_is_only_read(attendee: Make, three_days: Path) -> None:
    one = attendee("functional", three_days)
    one.run(1)
    one.uses(
        functional(
            top="from pathlib import Path\n",
            last='    (world.desk / "notes.txt").write_text("mine")\n    Path("here.txt").write_text("mine")\n'
            '    Path("~/home.txt").expanduser().write_text("mine")\n'
            '    Path(__file__).write_text(Path(__file__).read_text() + "# more\\n")\n',
        )
    )
    (one.path / "desk" / "notes.txt").write_text("theirs")
    before = {file: file.read_bytes() for file in one.path.rglob("*") if file.is_file()}
    assert not check(one.world).fails
    assert {file: file.read_bytes() for file in one.path.rglob("*") if file.is_file()} == before
    assert not Path("here.txt").exists()
    assert not Path("~/home.txt").expanduser().exists()


def _check(path: Path, pack: Path) -> None:
    check(Attendee(path, Pack(pack)).world)


def test_killed_the_check_leaves_no_process_and_no_folder(
    attendee: Make, three_days: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    os.mkfifo(tmp_path / "here")
    one = attendee(functional(last=f'    open("{tmp_path}/here", "w").close()\n'), three_days)
    monkeypatch.setenv("TMPDIR", str(temporary))
    asked = multiprocessing.get_context("spawn").Process(target=_check, args=(one.path, three_days))
    asked.start()
    with (tmp_path / "here").open():  # opens when a run opens it to write: they are in the middle of it now
        runs = wait_until(lambda: len(both := psutil.Process(asked.pid).children()) == 2 and both, 60, "both runs")
        asked.kill()
        asked.join()
        assert runs
        assert not psutil.wait_procs(runs, 60)[1]


def test_of_a_story_of_one_day_it_is_said_what_cannot_be_judged(attendee: Make, tmp_path: Path) -> None:
    pack = tmp_path / "one"
    pack.mkdir()
    for file in SHOP.glob("*_day-1.csv"):
        shutil.copy(file, pack)
    verdict = check(attendee("functional", pack).world)
    assert judged(verdict, "holds") == ["runs", "determinism", "rerun"]
    assert judged(verdict, "not judged yet") == ["history", "order", "backfill"]
    assert "the story has one" in str(verdict)


def test_the_command_prints_the_rows_and_the_line_and_exits_1(
    attendee: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    one = attendee("mutable")
    assert main(["check"], lambda: one.world) == 1
    out = capsys.readouterr().out
    assert "✗ fails           rerun " in out
    assert (
        "2022-01-01  silver  orders 14, quantity 31, revenue 1,015.20  orders 28, quantity 62, revenue 2,030.40" in out
    )
    assert 'Hint: pipeline.py, line 15: orders.to_csv(file, index=False, mode="a", header=not file.exists())' in out
    assert "Hint: pipeline.py, line 19: users = pd.read_csv(" in out
    assert 'Hint: pipeline.py, line 27: sales.to_csv(world.files / "sales.csv", index=False)' in out
    assert "and 11 more" in out
    assert "No law can judge whether the chart means what its title says" in out.splitlines()[-1]


def test_for_programs_the_command_prints_json(
    attendee: Make, three_days: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = attendee("functional", three_days)
    assert main(["check", "--json"], lambda: one.world) == 0
    said = json.loads(capsys.readouterr().out)
    assert set(said) == {"code", "days", "laws"}
    assert said["days"] == one.pack.days
    assert [law["name"] for law in said["laws"]] == ["runs", "determinism", "rerun", "history", "order", "backfill"]
    assert set(said["laws"][0]) == {"name", "promise", "status", "why", "day", "rows", "more", "hint"}


def test_a_desk_without_a_pipeline_is_refused_with_exit_2(attendee: Make, capsys: pytest.CaptureFixture[str]) -> None:
    one = attendee()
    (one.path / "desk" / "pipeline.py").unlink()
    assert main(["check"], lambda: one.world) == 2
    assert "pipeline.py: cannot be read" in capsys.readouterr().err
