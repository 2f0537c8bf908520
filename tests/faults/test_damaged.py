"""A disk that changes what lies on it: rows that are not as they were written are never shown."""

import random

import pandas as pd
import pyarrow.parquet as pq
import pytest

from fde import lake
from fde.opened import opened
from fde.refused import Refused
from tests.faults.conftest import Terminal


def changed(content: bytes, place: int, bit: int) -> bytes:
    """The same with one bit turned."""
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


@pytest.mark.parametrize("table", ["users", "orders", "sales"])
def test_a_bit_that_turns_in_a_file_of_rows_is_found(table: str, terminal: Terminal, share: float) -> None:
    path, day = terminal.attendee.world.lake, terminal.attendee.pack.days[0]
    (file,) = (path / table).glob(f"import_date={day}/*.parquet")
    before, content = lake.read(path, table, 1, day=day), file.read_bytes()
    places, found = round(len(content) * max(share, 0.1)), 0
    for place in random.Random(7).sample(range(len(content)), places):
        for bit in range(8):
            file.write_bytes(changed(content, place, bit))
            try:
                after = lake.read(path, table, 1, day=day)
            except Refused as error:
                assert "gone or damaged" in str(error)
                found += 1
            else:
                assert after.equals(before), f"bit {bit} of byte {place}"
    assert found > places * 8 / 2, "what names the columns, and bounds, may change unseen"


def test_a_file_of_rows_is_mended_wherever_a_bit_has_turned(terminal: Terminal, share: float) -> None:
    path, day = terminal.attendee.world.lake, terminal.attendee.pack.days[0]
    rows, chance = lake.read(path, "users", 1, day=day), random.Random(7)
    for _ in range(round(400 * share)):
        (file,) = lake._files(opened(path, "users"), "=", day)
        content = file.read_bytes()
        file.write_bytes(changed(content, chance.randrange(len(content)), chance.randrange(8)))
        version = lake.replace(path, "users", day, rows.drop_columns("import_date"), read={})
        assert lake.read(path, "users", version, day=day).equals(rows)


def test_running_the_day_again_brings_rows_back(terminal: Terminal) -> None:
    before, days = terminal.shown(), terminal.attendee.pack.days[:2]
    for file in (terminal.attendee.world.lake / "sales").glob("import_date=*/*.parquet"):
        column = pq.read_metadata(file).row_group(0).column(2)
        last = column.dictionary_page_offset + column.total_compressed_size - 1
        file.write_bytes(changed(file.read_bytes(), last, 0))
    for day in days:
        shown = terminal.fde("show")
        assert shown.returncode == 2 and "Run its day again" in shown.stderr, shown.stdout + shown.stderr
        assert terminal.fde("run", "--day", day).returncode == 0
    pd.testing.assert_frame_equal(terminal.shown(), before)
