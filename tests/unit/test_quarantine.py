"""Quarantine: the good rows are imported, the refused ones kept with their reasons, and no row is lost."""

import logging
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fde.run
from fde import lake, quarantine
from fde.__main__ import main
from fde.check import check
from fde.pack import Pack
from fde.refused import Refused
from fde.replay import replay
from fde.schemas import REFUSED
from tests.conftest import SHOP, Attendee, content
from workshop import clock, desk, task

Make = Callable[..., Attendee]
DAY_1, DAY_2 = "2022-01-01", "2022-01-02"
#: what people and programs put into cells, and what they may not: anything but the end of a line or a quote
CELLS = st.sampled_from(["", " ", "1", "-1", "1.5", "1,5", "one", "2022-01-00", "999", "1001", "é", "x" * 200])
CELLS |= st.text(st.characters(codec="utf-8", exclude_characters='"\r\n'), max_size=5)


def quarantines(pack: Path) -> Path:
    """Let a pack quarantine bad rows."""
    file = pack / "pack.toml"
    file.write_text(file.read_text().replace('"refuse"\n', '"quarantine"\n'))
    assert 'bad_rows = "quarantine"' in file.read_text()
    return pack


def spoil(pack: Path, source: str, number: int, **lines: str) -> None:
    """Put other text on lines of a file: `spoil(pack, "orders", 1, line_3="x")`."""
    file = pack / f"{source}_day-{number}.csv"
    rows = file.read_text().splitlines()
    for line, text in lines.items():
        rows[int(line.removeprefix("line_")) - 1] = text
    file.write_text("\n".join(rows) + "\n")


@pytest.fixture
def bad(shop: Path) -> Path:
    """A pack that quarantines, with three bad orders and a bad user on day 1."""
    quarantines(shop)
    spoil(shop, "orders", 1, line_3="2022-01-01,one,24.50,7,1002", line_5="half", line_9="2022-01-01,1,1.00,999,1")
    spoil(shop, "users", 1, line_11="ten,Cypress,bronze")
    return shop


@given(source=st.sampled_from(["users", "orders", "tax_rates"]), data=st.data())
def test_good_rows_and_refused_rows_are_all_rows(
    source: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """And the good ones are those that are delivered when nobody sends the others."""
    folder = tmp_path_factory.mktemp("pack") / "shop"
    shutil.copytree(SHOP, folder)
    file = folder / f"{source}_day-1.csv"
    head, *rows = (line.split(",") for line in file.read_text().splitlines())
    for row in data.draw(st.lists(st.sampled_from(rows), max_size=6)):
        row[data.draw(st.integers(0, len(row) - 1))] = data.draw(CELLS)
    text = "\n".join(",".join(row) for row in (head, *rows))
    file.write_text(text, newline="")
    lines = text.encode().rstrip().decode().split("\n")

    with_refused = Pack(quarantines(folder)).deliver(source, DAY_1, DAY_1)
    refused = with_refused.refused.to_pylist()
    assert with_refused.refused.schema == REFUSED
    assert len(with_refused.rows) + len(refused) == len(lines) - 1
    assert len({row["line"] for row in refused}) == len(refused)
    for row in refused:
        assert (row["file"], row["row"]) == (file.name, lines[row["line"] - 1])
        assert row["reason"]
        assert row["value"] in row["row"]

    (folder / "pack.toml").unlink()
    if refused:
        with pytest.raises(Refused) as told:
            Pack(folder).rows(source, DAY_1, DAY_1)
        first = re.search(r", line (\d+)", str(told.value))
        assert first
        kept = next(row for row in refused if row["line"] == int(first[1]))
        assert kept["reason"] in str(told.value)
    bad = {row["line"] for row in refused}
    file.write_text("\n".join(line for at, line in enumerate(lines, 1) if at not in bad), newline="")
    assert Pack(folder).rows(source, DAY_1, DAY_1) == with_refused.rows


def test_what_is_wrong_with_the_whole_file_is_refused_as_before(shop: Path) -> None:
    pack, file = Pack(quarantines(shop)), shop / "users_day-1.csv"
    text = file.read_text()
    for spoilt, says in (
        (text.replace("status", "state", 1).encode(), "line 1: column 'state' is unknown"),
        (text.replace("Ash", "Äsh").encode("latin-1"), "line 4: not UTF-8"),
        (text.replace(",Ash", ',"Ash').encode(), "line 4: a value goes over more than one line"),
        (text.replace("Ash", '"A\nsh"').encode(), "line 4: a value goes over more than one line"),
        ((text[: text.rindex(",")] + ',"gol').encode(), "line 31: a value goes over more than one line"),
        (b"", "the file is empty"),
    ):
        file.write_bytes(spoilt)
        with pytest.raises(Refused, match=says):
            pack.rows("users", DAY_1, DAY_1)
    file.unlink()
    with pytest.raises(Refused, match=r"users_day-1\.csv is missing"):
        pack.rows("users", DAY_1, DAY_1)


@pytest.mark.parametrize("word", ['"ignore"', "true", "1", '["refuse"]'])
def test_another_word_for_what_becomes_of_bad_rows_is_refused(word: str, shop: Path) -> None:
    (shop / "pack.toml").write_text(f"bad_rows = {word}")
    with pytest.raises(Refused, match=r"pack\.toml: bad_rows is .*'refuse' or 'quarantine'"):
        _ = Pack(shop).days


def test_without_a_word_a_bad_row_refuses_its_file(bad: Path) -> None:
    (bad / "pack.toml").unlink()
    with pytest.raises(Refused, match=r"orders_day-1\.csv, line 5: 'half': 1 values where 5 belong"):
        Pack(bad).rows("orders", DAY_1, DAY_1)


def test_a_run_keeps_what_was_refused_and_says_so(bad: Path, attendee: Make) -> None:
    one, told = attendee(pack=bad), []
    fde.run.run(one.world, tell=told.append)
    assert [line for line in told if "refused" in line] == [
        "1 row of users of 2022-01-01 refused. To see why: fde refused 2022-01-01",
        "3 rows of orders of 2022-01-01 refused. To see why: fde refused 2022-01-01",
    ]
    kept = quarantine.refused(one.world.lake, [DAY_1])
    assert kept[["source", "file", "line", "column", "value"]].values.tolist() == [
        ["users", "users_day-1.csv", 11, "user_id", "ten"],
        ["orders", "orders_day-1.csv", 3, "quantity", "one"],
        ["orders", "orders_day-1.csv", 5, "", "half"],
        ["orders", "orders_day-1.csv", 9, "user_id", "999"],
    ]
    assert kept["row"].tolist()[1] == "2022-01-01,one,24.50,7,1002"
    assert (len(one.world.read("users", day=DAY_1)), len(one.world.read("orders", day=DAY_1))) == (29, 36)


def test_the_log_of_a_task_says_so(
    bad: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FDE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FDE_PACK", str(bad))
    clock.set_days(Pack(bad).days)
    desk.make("blue")
    log = logging.Logger("alone")  # what Airflow's own lets through depends on what was imported before
    log.addHandler(caplog.handler)
    monkeypatch.setattr(task, "log", log)
    task.start_import("blue", None, "a run")
    task.call("blue", "load_orders", "a run")
    assert caplog.messages == [
        "This run imports 2022-01-01.",
        "3 rows of orders of 2022-01-01 refused. To see why: fde refused 2022-01-01",
        "load_orders is done for 2022-01-01.",
    ]


def test_an_order_of_a_user_whose_own_row_is_bad_is_refused_with_it(shop: Path) -> None:
    spoil(quarantines(shop), "users", 1, line_4="3,Ash")
    refused = Pack(shop).deliver("orders", DAY_1, DAY_1).refused.to_pylist()
    assert refused
    assert {(row["value"], row["reason"]) for row in refused} == {("3", "no such user in users_day-1.csv")}


def test_of_two_rows_with_one_number_the_first_good_one_is_imported(shop: Path) -> None:
    same = {"line_3": "2022-01-01,one,1.00,7,1", "line_5": "2022-01-01,2,2.00,7,1", "line_7": "2022-01-01,3,3.00,7,1"}
    spoil(quarantines(shop), "orders", 1, **same)
    sent = Pack(shop).deliver("orders", DAY_1, DAY_1)
    assert sorted((row["line"], row["reason"]) for row in sent.refused.to_pylist()) == [
        (3, "expected a whole number, 0 or more"),
        (7, "it stands twice"),
    ]
    assert [row["quantity"] for row in sent.rows.to_pylist() if row["order_id"] == "1"] == [2]


@pytest.mark.parametrize("stage", ["mutable", "functional"])
def test_each_import_replaces_what_was_refused_of_its_day_and_no_other(stage: str, bad: Path, attendee: Make) -> None:
    one = attendee(stage, pack=bad)
    spoil(bad, "orders", 2, line_2="x")
    one.run(1, 2)
    of_day_2 = quarantine.refused(one.world.lake, [DAY_2])
    assert len(of_day_2) == 1
    one.again(1)
    assert lake.newest(one.world.lake, "refused_orders") == 2, "the same again makes no commit"
    spoil(bad, "orders", 1, line_3="2022-01-01,1,24.50,7,1002", line_9="2022-01-01,1,1.00,2,1")
    one.again(1)
    assert quarantine.refused(one.world.lake, [DAY_1])["line"].tolist() == [11, 5]
    spoil(bad, "orders", 1, line_5="2022-01-01,1,1.00,2,2")
    spoil(bad, "users", 1, line_11="10,Cypress,bronze")
    one.again(1)
    assert quarantine.refused(one.world.lake, [DAY_1]).empty
    assert quarantine.refused(one.world.lake, [DAY_1, DAY_2]).equals(of_day_2)
    versions = range(1, lake.newest(one.world.lake, "refused_orders") + 1)
    rows = [len(lake.read(one.world.lake, "refused_orders", version, day=DAY_1)) for version in versions]
    assert rows == [3, 3, 1, 0], "what was refused then is still on record"


def test_a_lake_without_refused_rows_has_no_table_for_them(attendee: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """So a lake that was made before there were such tables is one of these."""
    one = attendee()
    one.run(1)
    assert {thing.name for thing in one.world.lake.iterdir()} == {"users", "orders", "tax_rates", "sales", "code"}
    assert main(["refused"], lambda: one.world) == 0
    assert main(["refused", "1"], lambda: one.world) == 0
    assert capsys.readouterr().out == "No rows were refused.\nNo rows of 2022-01-01 were refused.\n"


def test_the_command_shows_them_and_the_receipt_says_so(
    bad: Path, attendee: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    one = attendee(pack=bad)
    one.run(1, 2)
    receipt = one.world.sales()[1]
    assert receipt.refused == {DAY_1: 4, DAY_2: 0}
    assert "    without 4 refused rows: fde refused 2022-01-01\n" in str(receipt)
    assert main(["refused", "1"], lambda: one.world) == 0
    assert re.search(r"orders_day-1\.csv +5 +half +1 values where 5 belong", capsys.readouterr().out)
    assert main(["refused", "9"], lambda: one.world) == 2
    spoil(bad, "orders", 1, line_3="2022-01-01,1,24.50,7,1002")
    one.again(1)
    assert one.world.sales()[1].refused == {DAY_1: 3, DAY_2: 0}
    assert one.shown(deployed="v1") is not None
    assert one.world.sales()[1].refused == {DAY_1: 4}, "a receipt is about what was imported then"


def test_tax_rates_that_are_bad_are_told_by_the_receipt_too(shop: Path, attendee: Make) -> None:
    spoil(quarantines(shop), "tax_rates", 5, line_3="2022-01-05,all")
    one = attendee("taxed", pack=shop)
    one.run(5)
    assert one.world.sales()[1].refused == {"2022-01-05": 1}


def test_a_pipeline_that_asks_for_its_rows_where_it_sums_them_has_an_honest_receipt(bad: Path, attendee: Make) -> None:
    asks = (
        "def load_users(world, day): pass\n"
        "def load_orders(world, day): pass\n"
        "def process_users_orders(world, day):\n"
        "    sales = world.source('orders', day).groupby('sales_date', as_index=False).agg(\n"
        "        orders=('user_id', 'size'), quantity=('quantity', 'sum'), revenue_cents=('revenue_cents', 'sum'))\n"
        "    world.replace('sales', day, sales.assign(status='all'))\n"
    )
    one = attendee(asks, pack=bad)
    one.run(1)
    assert one.world.sales()[1].refused == {DAY_1: 3}


def test_two_sources_loaded_at_once_keep_all_that_was_refused(bad: Path, attendee: Make) -> None:
    for name in ("blue", "green", "learner"):
        one = attendee(pack=bad, name=name)
        with ThreadPoolExecutor() as pool:
            loads = [pool.submit(fde.run.call, one.world, f"load_{source}", DAY_1) for source in ("users", "orders")]
            assert [len(load.result()) for load in loads] == [1, 1]
        assert len(quarantine.refused(one.world.lake, [DAY_1])) == 4


def test_days_refused_at_once_in_a_lake_without_a_table_lose_nothing(attendee: Make) -> None:
    one = attendee()
    rows = REFUSED.empty_table().from_pylist(
        [{"file": "f", "line": 2, "column": "", "value": "", "reason": "r", "row": "t"}], schema=REFUSED
    )
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda day: quarantine.keep(one.world.lake, "orders", day, rows, day), one.pack.days))
    assert quarantine.refused(one.world.lake, one.pack.days)["day"].tolist() == one.pack.days
    assert not list(one.world.lake.glob(".*"))


def test_only_a_run_keeps_them_and_only_of_its_day(bad: Path, attendee: Make) -> None:
    one = attendee(pack=bad)
    assert len(one.world.source("orders", DAY_1)) == 36
    one.own["day"] = DAY_2
    one.world.of_run(DAY_2, b"").source("orders", DAY_1)
    assert quarantine.refused(one.world.lake, one.pack.days).empty


def test_a_replay_is_identical_and_writes_nothing(bad: Path, attendee: Make) -> None:
    one, told = attendee(pack=bad), []
    one.uses(
        (one.path / "desk" / "pipeline.py")
        .read_text()
        .replace("    users = world.read", "    world.source('users', day)\n    users = world.read")
    )
    one.run(1)
    spoil(bad, "users", 1, line_11="3")
    before = content(one.world.lake)
    assert replay(one.world, "latest", told.append), told
    assert content(one.world.lake) == before


def test_the_check_judges_a_pipeline_by_the_good_rows(bad: Path, attendee: Make) -> None:
    one = attendee(pack=bad)
    assert not check(one.world).fails
    assert quarantine.refused(one.world.lake, one.pack.days).empty
