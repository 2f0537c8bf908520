"""The board's reader: whatever lies in a world costs that world's row, in a line, and nothing of it is run."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fde.refused import Refused
from tests.board import check
from tests.conftest import SHOP, Attendee
from tests.room import wait_until
from workshop.board.facts import Facts
from workshop.board.reader import Broken, Reader

Make = Callable[..., Attendee]
Ask = Callable[[Attendee], Facts]
LOOP = asyncio.new_event_loop()
PATIENT = 60  # seconds for a world, where a test is not about the limit


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    made = Reader(SHOP)
    made.seconds = PATIENT
    yield made
    LOOP.run_until_complete(made.close())


def ask(reader: Reader, one: Attendee) -> Facts:
    """What the reader says of a world, which lies where it is: the copy has tests of its own."""
    return LOOP.run_until_complete(reader.facts(one.path, one.world.clock))


def refusal(reader: Reader, one: Attendee) -> str:
    with pytest.raises(Refused) as refused:
        ask(reader, one)
    assert "\n" not in str(refused.value) and str(one.path) not in str(refused.value)
    return str(refused.value)


def log(one: Attendee, version: int, table: str = "sales") -> Path:
    return one.world.lake / table / "_delta_log" / f"{version:020}.json"


def forge(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change each line of a log."""
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        change(line)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def one(attendee: Make) -> Attendee:
    made = attendee()
    made.run(1, 2, 3)
    return made


def test_facts_are_those_of_the_world(reader: Reader, one: Attendee) -> None:
    found = ask(reader, one)
    assert [done for _, done, _ in found.steps] == [True, True, True, False, False, False]
    assert found.fails is None and "the check of this pipeline has not ended yet" in found.steps[3][2]
    check(one.world)
    found = ask(reader, one)
    assert found.fails == () and [done for _, done, _ in found.steps] == [True] * 4 + [False] * 2
    assert found.versions == {"users": 3, "orders": 3, "tax_rates": 0, "sales": 3}
    assert found.imports["sales"][0] == [1, "2022-01-01", 4]


PATHS = [
    "../../../../other/desk/lake/sales/{file}",
    "/{elsewhere}",
    "file:///{elsewhere}",
    "import_date=2022-01-03/../../../../../../{elsewhere}",
    "import_date=2022-01-03/%2e%2e/%2e%2e/{file}",
    "s3://bucket/import_date=2022-01-03/x.parquet",
    "import_date=2022-01-03/a/b.parquet",
    "",
]


@pytest.mark.parametrize("action", ["add", "remove"])
@pytest.mark.parametrize("path", PATHS)
def test_a_log_leads_nowhere_outside(
    path: str, action: str, reader: Reader, one: Attendee, attendee: Make, tmp_path: Path
) -> None:
    """Another attendee's rows, told by a log, would be shown as one's own."""
    other = attendee(name="other")
    other.run(1, 2, 3)
    file = next((other.world.lake / "sales").glob("import_date=2022-01-03/*.parquet"))
    told = path.format(elsewhere=str(file).lstrip("/"), file=file.relative_to(other.world.lake / "sales"))
    log(one, 3).write_text(
        f"{log(one, 3).read_text()}\n" + json.dumps({action: {"path": told, "dataChange": True}}) + "\n"
    )
    line = refusal(reader, one)
    assert "the log of sales, version 3, is not as an import writes it (path" in line and "fde start-over" in line


FORGED: dict[str, Callable[[dict[str, Any]], object]] = {
    "another action": lambda line: line.update(sidecar={"path": "x"}),
    "a vector of deleted rows": lambda line: line.get("add", {}).update(deletionVector={"storageType": "p"}),
    "a path that is none": lambda line: line.get("add", {}).update(path=["x"]),
    "code that is a path": lambda line: line.get("commitInfo", {"fde": {}})["fde"].update(code="../../../secret"),
    "a day that is none": lambda line: line.get("commitInfo", {"fde": {}})["fde"].update(day="<b>"),
    "rows that are none": lambda line: line.get("commitInfo", {"fde": {}})["fde"].update(rows="many"),
    "versions that are none": lambda line: line.get("commitInfo", {"fde": {}})["fde"].update(read={"users": "x"}),
    "a record that is none": lambda line: line.get("commitInfo", {}).update(fde=[1]),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_log_is_refused(what: str, reader: Reader, one: Attendee) -> None:
    forge(log(one, 3), FORGED[what])
    assert "the log of sales, version 3, is not as an import writes it" in refusal(reader, one)


@pytest.mark.parametrize(
    "text",
    [
        '{"add":{"path":"import_date=2022-01-03/x.parquet","path":"/etc/passwd"}}',
        '{"add":{"path":"/etc/passwd"},"add":{"path":"import_date=2022-01-03/x.parquet"}}',
        '{"txn":{}}{"add":{"path":"/etc/passwd"}}',
        '{"add":\r{"path":"/etc/passwd"}}',
        "[]",
        "null",
        "[" * 100_000,
        "\xff",
        "",
    ],
)
def test_what_delta_might_read_otherwise_is_refused(text: str, reader: Reader, one: Attendee) -> None:
    with log(one, 3).open("ab") as file:
        file.write(b"\n" + text.encode("latin-1") + b"\n")
    assert "the log of sales, version 3, is not as an import writes it" in refusal(reader, one)


def test_rows_that_are_none_leave_the_step_undone_and_say_so(reader: Reader, one: Attendee) -> None:
    next((one.world.lake / "sales").glob("import_date=2022-01-03/*.parquet")).write_bytes(b"PAR1 no rows PAR1")
    check(one.world)
    found = ask(reader, one)
    assert [done for _, done, _ in found.steps] == [True, True, True, False, False, False]
    assert "cannot be read, a file is gone or damaged" in found.steps[3][2]
    assert str(one.path) not in found.steps[3][2]


def test_a_lake_that_eats_memory_costs_its_own_row(reader: Reader, one: Attendee, attendee: Make) -> None:
    """A few kilobytes of parquet that are gigabytes of rows."""
    file = next((one.world.lake / "sales").glob("import_date=2022-01-03/*.parquet"))
    rows, number = pq.read_table(file).slice(0, 1), 2_000_000
    with pq.ParquetWriter(file, rows.schema, compression="zstd") as writer:
        many = pa.table([pa.repeat(column[0], number) for column in rows.columns], schema=rows.schema)
        for _ in range(30):
            writer.write_table(many)
    size = file.stat().st_size
    assert size < 2_000_000
    forge(log(one, 3), lambda line: line.get("add", {}).update(size=size, stats=None))
    try:
        why = str(ask(reader, one).steps)
    except Broken as broken:
        why = str(broken)
    assert "malloc of size" in why or "it takes too much memory" in why
    other = attendee(name="other")
    other.run(1)
    assert ask(reader, other).versions["sales"] == 1


def test_a_reader_that_hangs_or_dies_is_replaced(one: Attendee) -> None:
    reader = Reader(SHOP)
    try:
        reader.seconds = PATIENT
        assert ask(reader, one).versions["sales"] == 3
        reader.seconds = 2
        stopped = reader._process
        assert stopped
        os.kill(stopped.pid, signal.SIGSTOP)
        with pytest.raises(Broken, match="the board could not read this lake within 2 s"):
            ask(reader, one)
        reader.seconds = PATIENT
        assert stopped.returncode == -signal.SIGKILL
        assert ask(reader, one).versions["sales"] == 3
        assert reader._process and reader._process is not stopped
        os.kill(reader._process.pid, signal.SIGKILL)
        assert ask(reader, one).versions["sales"] == 3, "nothing is wrong with this world"
    finally:
        LOOP.run_until_complete(reader.close())


def test_a_reader_ends_with_its_board(one: Attendee, tmp_path: Path) -> None:
    code = f"""
import asyncio, pathlib
from workshop.board.reader import Reader
async def main():
    reader = Reader(pathlib.Path({str(SHOP)!r}))
    await reader.begin()
    print(reader._process.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as board:
        assert board.stdout
        reader = int(board.stdout.readline())
        board.kill()
    with suppress(psutil.NoSuchProcess):
        one = psutil.Process(reader)
        wait_until(lambda: one.status() == psutil.STATUS_ZOMBIE, 60, "the end of the reader")


def test_the_reader_has_no_token_and_the_board_no_pandas(one: Attendee, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret-of-the-board")
    reader = Reader(SHOP)
    try:
        LOOP.run_until_complete(reader.begin())
        assert reader._process
        assert b"secret-of-the-board" not in Path(f"/proc/{reader._process.pid}/environ").read_bytes()
    finally:
        LOOP.run_until_complete(reader.close())
    code = "import sys, workshop.board.watch; sys.exit(bool({'pandas', 'pyarrow', 'deltalake'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize(
    "text", ["{}", "[1]", "null", '{"code": 1}', '{"laws": {"a": 1}}', "{" * 9999, "\x00", "x" * 400_000]
)
def test_a_forged_verdict_or_call_for_help_is_none(text: str, reader: Reader, one: Attendee) -> None:
    code = ask(reader, one).code
    (one.path / ".verdict").mkdir()
    for file in (one.path / ".verdict" / f"{code}.json", one.path / ".help.json"):
        file.write_text(text)
    found = ask(reader, one)
    assert found.fails is None and found.flag is None


def test_nothing_of_the_desk_is_run(reader: Reader, attendee: Make, tmp_path: Path) -> None:
    mark = tmp_path / "was-run"
    code = f"import pathlib\npathlib.Path({str(mark)!r}).write_text('x')\n"
    one = attendee(code)
    one.world.lake.joinpath("sitecustomize.py").write_text(code)
    found = ask(reader, one)
    assert found.code and found.trouble == "" and not mark.exists()
    LOOP.run_until_complete(reader.look(one.path, one.world.clock, ""))
    assert not mark.exists()


def test_without_a_pipeline_it_is_said_what_to_do(reader: Reader, one: Attendee) -> None:
    (one.path / "desk" / "pipeline.py").unlink()
    found = ask(reader, one)
    assert (
        found.code == "" and "pipeline.py is missing" in found.trouble and "solution.take('mutable')" in found.trouble
    )
    assert [done for _, done, _ in found.steps][:3] == [True] * 3
    shutil.rmtree(one.path / "desk")
    assert "pipeline.py is missing" in ask(reader, one).trouble
