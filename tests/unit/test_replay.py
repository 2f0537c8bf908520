"""A replay: every receipt of the story comes out identical; when one does not, the reason is the real one."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fde import again, lake
from fde.__main__ import main
from fde.clock import Clock
from fde.commits import commit, libraries, log_file
from fde.refused import Refused
from fde.replay import replay
from fde.rows import write_file
from fde.world import World
from tests.conftest import ROOT, Attendee, content

Make = Callable[..., Attendee]
DAY_1, DAY_2, DAY_3, DAY_4 = (f"2022-01-0{n}" for n in range(1, 5))
FUNCTIONAL = (ROOT / "solutions" / "functional.py").read_text()
SALES = '    world.replace("sales", day, sales)\n'


def story(one: Attendee) -> None:
    """Four days, and day 3 as the source sends it on day 4."""
    one.run(1, 2, 3, 4)
    one.again(3)


def told(one: Attendee, word: str | None = None) -> tuple[bool, str]:
    lines: list[str] = []
    return replay(one.world, word, lines.append), "\n".join(lines)


def differs(one: Attendee, word: str | None = None) -> str:
    identical, text = told(one, word)
    assert not identical
    assert text.splitlines()[-1].startswith("Differs: ")
    return text


def kept_code(one: Attendee, version: int = 1) -> Path:
    return one.world.lake / "code" / f"{commit(one.world.lake, 'sales', version).code}.py"


def file_of(one: Attendee, table: str, day: str = DAY_1) -> Path:
    (file,) = (one.world.lake / table).glob(f"import_date={day}/*.parquet")
    return file


# --- identical


def test_every_receipt_of_the_story_is_identical(attendee: Make) -> None:
    one = attendee()
    names = set()
    for number in range(1, 6):
        one.run(number)
        if number == 4:
            one.again(3)
        for deployed in ("latest", *one.pack.days[:number], *(f"v{n}" for n in range(1, number + 1))):
            one.own["deployed"] = deployed
            name = one.world.sales()[1].name
            assert told(one) == told(one, name)
            identical, text = told(one, name)
            assert identical, text
            assert text.splitlines()[-1].startswith(f"Identical: {name}, ")
            names.add(name)
        one.own["deployed"] = "latest"
    assert {f"{DAY_1}@v1", f"{DAY_3}@v3", f"{DAY_3}@v5", f"{DAY_4}@v5", f"{DAY_4}@v4"} <= names


def test_a_replay_tells_a_line_a_day_in_money_of_the_dashboard(attendee: Make) -> None:
    one = attendee()
    story(one)
    assert told(one, f"{DAY_3}@v3")[1].splitlines() == [
        f"{DAY_1}: sales v1, 4 rows, 1,803.60: identical",
        f"{DAY_2}: sales v2, 4 rows, 2,177.25: identical",
        f"{DAY_3}: sales v3, 3 rows, 38,182.75: identical",
        f"Identical: {DAY_3}@v3, 42,163.60 in all, from the versions and the code kept.",
    ]


def test_the_name_of_a_receipt_stands_under_the_dashboard_and_can_be_copied(attendee: Make) -> None:
    one = attendee()
    story(one)
    (name,) = re.findall(r"fde replay (\S+)$", str(one.world.sales()[1]), re.M)
    assert name == f"{DAY_4}@v5"
    one.own["day"] = DAY_1  # a receipt means the same whatever the clock says
    assert told(one, name)[0]


def test_days_that_other_code_made_are_computed_by_that_code(attendee: Make) -> None:
    one = attendee()
    one.run(1)
    one.uses(FUNCTIONAL.replace("sales = orders.merge", "orders['revenue_cents'] *= 2\n    sales = orders.merge"))
    one.run(2)
    one.uses("def process_users_orders(world, day): raise ValueError\n")
    assert told(one)[0]
    assert kept_code(one, 1) != kept_code(one, 2)


def test_a_pipeline_that_reads_its_own_sales_of_before_is_computed_from_the_same_ones(attendee: Make) -> None:
    one = attendee()
    one.uses(
        FUNCTIONAL.replace(
            SALES,
            '    sales["orders"] += len(world.read("sales", until=day)) if day > "2022-01-01" else 0\n' + SALES,
        )
    )
    story(one)
    assert commit(one.world.lake, "sales", 5).read["sales"] == 4
    for version in range(1, 6):
        assert told(one, f"v{version}")[0]


def test_a_pipeline_that_asks_the_source_is_answered_as_of_the_day_of_its_import(attendee: Make, shop: Path) -> None:
    one = attendee(pack=shop)
    one.uses(FUNCTIONAL.replace('orders = world.read("orders", day=day)', 'orders = world.source("orders", day)'))
    story(one)
    assert told(one, "v3")[0] and told(one, "v5")[0]
    (shop / "orders_day-1.csv").write_text("sales_date,quantity,revenue,user_id\n")
    assert "not on record" in (text := differs(one))
    assert "it asked the source for orders" in text


def test_a_day_without_sales_is_identical_too(attendee: Make, shop: Path) -> None:
    (shop / "orders_day-1.csv").write_text("sales_date,quantity,revenue,user_id\n")
    one = attendee(pack=shop)
    one.run(1)
    assert f"{DAY_1}: sales v1, 0 rows, 0.00: identical" in told(one)[1]


def test_a_replay_writes_nothing_whatever_its_code_writes(attendee: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one = attendee()
    writes = """
    from pathlib import Path
    for file in world.files / "mine.txt", Path(__file__).with_name("beside.txt"), Path("here.txt"):
        with file.open("a") as opened:
            opened.write(day)
    world.replace("orders", day, orders)
"""
    one.uses(FUNCTIONAL + writes)
    monkeypatch.chdir(one.world.desk)
    story(one)
    before = content(one.path)
    assert {"desk/files/mine.txt", "desk/beside.txt", "desk/here.txt"} <= set(before)
    assert told(one)[0]
    assert content(one.path) == before
    assert Path.cwd() == one.world.desk


# --- refused


def test_a_pipeline_without_history_is_refused(attendee: Make, capsys: pytest.CaptureFixture[str]) -> None:
    for stage in ("mutable", "immutable_users"):
        one = attendee(stage, name=stage)
        one.run(1)
        assert main(["replay"], lambda one=one: one.world) == 2
        assert "keeps no history" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("yesterday", "'yesterday' is no receipt"),
        ("2022-02-01@v1", "is no receipt"),
        (f"{DAY_1}@v0", "is no receipt"),
        (f"{DAY_1}@1", "is no receipt"),
        (f"{DAY_1}@v9", "no version 9"),
        ("v9", "no version 9"),
        (f"{DAY_1}@v1", f"days until {DAY_1}, and none"),
    ],
)
def test_a_word_that_means_no_receipt_is_refused(word: str, says: str, attendee: Make) -> None:
    one = attendee()
    one.run(2)
    with pytest.raises(Refused, match=says):
        told(one, word)


def test_identical_is_0_and_different_is_1(attendee: Make, capsys: pytest.CaptureFixture[str]) -> None:
    one = attendee()
    one.run(1)
    for word in ([], ["1"], ["v1"], [f"{DAY_1}@v1"]):
        assert main(["replay", *word], lambda: one.world) == 0
    kept_code(one).unlink()
    assert main(["replay"], lambda: one.world) == 1
    said = capsys.readouterr()
    assert said.err == ""
    assert "Differs" in said.out


# --- different, and why


def test_code_that_is_gone_or_altered_is_named_and_never_run(attendee: Make, tmp_path: Path) -> None:
    one = attendee()
    story(one)
    file = kept_code(one)
    file.write_text(FUNCTIONAL + f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    text = differs(one)
    assert text.count(f"code: {file} is not what it was") == 4
    assert not (tmp_path / "ran").exists()
    file.unlink()
    assert differs(one).count(f"code: {file} is gone") == 4


@pytest.mark.parametrize("table", ["users", "orders", "sales"])
def test_rows_that_are_gone_are_named(table: str, attendee: Make) -> None:
    one = attendee()
    story(one)
    file_of(one, table).unlink()
    text = differs(one)
    assert re.search(rf"{DAY_1}: sales v1: differs\n  data: \S*/{table}: rows of {DAY_1} cannot be read", text)
    assert text.count("differs") == 1 and "1 of its days (4)" in text
    assert "not on record" not in text and "library" not in text


@pytest.mark.parametrize("table", ["users", "orders", "sales"])
def test_rows_that_are_others_are_named(table: str, attendee: Make) -> None:
    one = attendee()
    story(one)
    file = file_of(one, table)
    rows = pq.ParquetFile(file).read()
    column = {"users": "user_id", "orders": "quantity", "sales": "revenue_cents"}[table]
    double = pc.multiply(rows[column], 2)
    rows = rows.set_column(rows.column_names.index(column), rows.schema.field(column), double)
    size = file.stat().st_size
    write_file(file, rows)
    log = log_file(one.world.lake, table, 1)
    log.write_text(log.read_text().replace(f'"size":{size}', f'"size":{file.stat().st_size}'))
    text = differs(one)
    assert f"data: {table} of {DAY_1} are not the rows that v1 imported" in text
    assert text.count("data: ") == 1
    if table == "sales":
        assert f"silver of {DAY_1}: shown 2,030.40 (14 orders, 31 pieces), computed again 1,015.20 (14 orders" in text


def test_damage_of_days_that_a_receipt_does_not_show_is_not_its_matter(attendee: Make) -> None:
    one = attendee()
    story(one)
    for table in ("users", "orders", "sales"):
        file_of(one, table, DAY_4).unlink()
    assert told(one, DAY_2)[0]
    assert f"{DAY_4}: sales v4: differs" in differs(one)


def test_a_flipped_bit_is_called_data_or_changes_nothing(attendee: Make) -> None:
    one = attendee()
    one.run(1)
    found = set()

    @given(st.sampled_from(["users", "orders", "sales"]), st.floats(0, 1, exclude_max=True), st.integers(0, 7))
    def flip(table: str, place: float, bit: int) -> None:
        file = file_of(one, table)
        whole = file.read_bytes()
        spoilt = bytearray(whole)
        spoilt[int(len(whole) * place)] ^= 1 << bit
        file.write_bytes(spoilt)
        identical, text = told(one)
        file.write_bytes(whole)
        assert identical or "\n  data: " in text
        assert "not on record" not in text and "library" not in text
        found.add(identical)

    flip()
    flip.hypothesis.inner_test("sales", 0.5, 0)  # by chance alone, each might fall where nothing is read
    assert False in found, "no bit that was flipped mattered: this run proved nothing"


#: what a pipeline uses that nobody recorded -> what the replay says of it
UNRECORDED = {
    "the time": ("import time\n", "time.time_ns() % 10**9", "a file of its own, the time, or chance"),
    "chance": ("import random\n", "random.randrange(10**9)", "a file of its own, the time, or chance"),
    "a file": ("", 'len((world.files / "mine.txt").read_text())', "it stopped: .*No such file or directory.*mine.txt"),
    "a counter": (
        "",
        'int((world.files / "mine.txt").read_text() if (world.files / "mine.txt").exists() else 0)',
        "a file of its own, the time, or chance",
    ),
}


@pytest.mark.parametrize("case", UNRECORDED)
def test_what_nobody_recorded_is_said(case: str, attendee: Make) -> None:
    head, value, says = UNRECORDED[case]
    one = attendee()
    one.uses(head + FUNCTIONAL.replace(SALES, f'    sales["revenue_cents"] += {value}\n' + SALES))
    (one.world.files / "mine.txt").write_text("12")
    one.run(1)
    text = differs(one)
    assert re.search(f"not on record: versions, code and libraries are as they were; .*{says}", text)
    if case == "a counter":
        assert f"none of {DAY_1}: shown 78.12 (2 orders, 2 pieces), computed again 78.00 (2 orders, 2 pieces)" in text


def test_a_read_that_was_not_recorded_is_said(attendee: Make) -> None:
    one = attendee()
    more = '    if not (world.files / "mine.txt").exists():\n        sales["orders"] += len(world.read("sales"'
    more += ", until=day)) + 1\n"
    one.uses(FUNCTIONAL.replace(SALES, more + SALES))
    (one.world.files / "mine.txt").touch()
    one.run(1)
    assert "it read sales, which its import did not record" in differs(one)


def test_code_that_stops_is_told_by_its_line(attendee: Make) -> None:
    one = attendee()
    one.uses(FUNCTIONAL.replace(SALES, SALES + '    assert (world.files / "mine.txt").exists(), "where is it?"\n'))
    (one.world.files / "mine.txt").touch()
    one.run(1)
    text = differs(one)
    line = FUNCTIONAL.count("\n") + 1
    assert f"it stopped: {kept_code(one)}, line {line}, in process_users_orders: assert" in text
    assert "AssertionError: where is it?" in text
    assert "Traceback" not in text


def test_another_library_that_computes_otherwise_is_named(attendee: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one = attendee()
    one.uses(
        FUNCTIONAL.replace(SALES, '    sales["quantity"] += pd.extra\n' + SALES).replace(
            "def", "import pandas as pd\n\n\ndef", 1
        )
    )
    monkeypatch.setattr(pd, "extra", 0, raising=False)
    one.run(1)
    monkeypatch.setattr(again, "libraries", lambda: {**libraries(), "pandas": "99.1"})
    identical, text = told(one)
    assert identical and f"It was made with pandas {pd.__version__} (here 99.1)." in text
    monkeypatch.setattr(pd, "extra", 1, raising=False)
    text = differs(one)
    assert f"library: made with pandas {pd.__version__} (here 99.1); versions and code are as they were." in text
    assert f"gold of {DAY_1}: shown 59.85 (2 orders, 3 pieces), computed again 59.85 (2 orders, 4 pieces)" in text


def test_all_that_differs_is_told_and_no_more_than_can_be_read(attendee: Make, shop: Path) -> None:
    orders = "".join(f"2022-01-01,1,2.00,{n}\n" for n in range(1, 31))
    (shop / "orders_day-1.csv").write_text(f"sales_date,quantity,revenue,user_id\n{orders}")
    (shop / "users_day-1.csv").write_text("user_id,name,status\n" + "".join(f"{n},n,s{n}\n" for n in range(1, 31)))
    one = attendee(pack=shop)
    one.uses("import random\n" + FUNCTIONAL.replace(SALES, '    sales["orders"] += random.randrange(10**9)\n' + SALES))
    one.run(1)
    text = differs(one)
    assert text.count("computed again") == 10
    assert "    and 20 rows more" in text


def test_days_that_the_story_does_not_have_are_not_hidden(attendee: Make) -> None:
    one = attendee()
    one.run(1, 2, 3)
    world = World(one.path, one.pack, lambda: Clock((DAY_1, DAY_3), DAY_3))
    lines: list[str] = []
    assert not replay(world, None, lines.append)
    assert lines[-1] == (
        f"Differs: {DAY_3}@v3. Its days are identical, but the dashboard shows days that the story has not."
    )


# --- lakes of before


def test_an_import_records_the_libraries_that_made_it(attendee: Make) -> None:
    one = attendee()
    one.run(1)
    for table in ("users", "orders", "sales"):
        made = commit(one.world.lake, table, 1)
        assert set(made.libraries) == {"python", "pandas", "pyarrow", "deltalake"}
        assert made.libraries["pandas"] == pd.__version__


def test_a_lake_written_before_libraries_were_recorded_is_read_and_replayed(attendee: Make) -> None:
    one = attendee()
    story(one)
    shown = one.shown()
    for table in ("users", "orders", "sales"):
        for version in range(1, lake.newest(one.world.lake, table) + 1):
            file = log_file(one.world.lake, table, version)
            lines = [json.loads(line) for line in file.read_text().splitlines()]
            for line in lines:
                line.get("commitInfo", {}).get("fde", {}).pop("libraries", None)
            file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert commit(one.world.lake, "sales", 5).libraries == {}
    assert one.shown().equals(shown)
    assert told(one)[0]
    one.run(5)
    assert told(one)[0]


def test_the_kept_code_is_the_one_whose_sha256_is_its_name(attendee: Make) -> None:
    one = attendee()
    one.run(1)
    assert hashlib.sha256(kept_code(one).read_bytes()).hexdigest() == kept_code(one).stem
