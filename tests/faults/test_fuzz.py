"""Whatever stands in a file that people write, it is read or refused in words: never a stack trace, never half."""

import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fde import opened, power_cut
from fde.clock import settle
from fde.pack import Pack
from fde.receipt import find
from fde.refused import Refused
from fde.schemas import SOURCES
from tests.conftest import SHOP, Attendee
from workshop import room

BITS = [
    b"",
    b",",
    b'"',
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b" ",
    b"-",
    b".",
    b"0",
    b"9" * 20,
    b"1e3",
    b"0x1F",
    b"NaN",
    b"\xff",
]
BITS += [
    "é".encode(),
    "\u2028".encode(),
    b"\xef\xbb\xbf",
    b"[",
    b"]",
    b"{",
    b"=",
    b":",
    b"&a",
    b"*a",
    b"!!python/",
    b"#",
]
BITS += [b"2022-01-01", b"2022-02-30", b"v1", b"v0", b"latest", b"@", b"/", b"../", b"%", b"'", b"\\", b"\t", b"1_000"]


def spoiled(data: bytes, chance: random.Random) -> bytes:
    """A few changes anywhere: a bit put in, a piece taken out, doubled or moved, a byte changed, the end cut off."""
    found = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 3, 8])):
        start = chance.randrange(len(found) + 1)
        end = min(len(found), start + chance.choice([1, 2, 5, 20, 100]))
        piece = bytes(found[start:end])
        what = chance.randrange(6)
        if what == 0:
            found[start:start] = chance.choice(BITS)
        elif what == 1:
            del found[start:end]
        elif what == 2:
            found[start:start] = piece
        elif what == 3:
            found[start:end] = chance.choice(BITS)
        elif what == 4:
            found[start:end] = chance.randbytes(len(piece))
        elif chance.random() < 0.2:
            del found[start:]
    return bytes(found)


@pytest.fixture
def fuzz(request: pytest.FixtureRequest) -> Callable[[Callable[[random.Random], None]], None]:
    """Repeat for 2 s of processor, or as many minutes as --fuzz says; each time with a seed that is told on failure."""
    seconds = request.config.getoption("--fuzz") * 60 or 2

    def repeat(once: Callable[[random.Random], None]) -> None:
        first, number, end = random.randrange(2**32), 0, time.process_time() + seconds
        while time.process_time() < end:
            seed = f"{first}-{number}"
            number += 1
            try:
                once(random.Random(seed))
            except Exception as error:
                raise AssertionError(f"seed {seed!r}: {type(error).__name__}: {error}") from error
        print(f"{number} times")
        assert number > 20

    return repeat


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("bad_rows", ["refuse", "quarantine"])
def test_a_file_of_a_source(source: str, bad_rows: str, shop: Path, fuzz: Callable) -> None:
    toml = shop / "pack.toml"
    toml.write_text(f'bad_rows = "{bad_rows}"\n')
    file = shop / f"{source}_day-2.csv"
    whole = file.read_bytes()

    def once(chance: random.Random) -> None:
        file.write_bytes(spoiled(whole, chance))
        try:
            sent = Pack(shop).deliver(source, "2022-01-02", "2022-01-05")
        except Refused as error:
            assert str(file.name) in str(error), "it says in which file"
            return
        rows = sent.rows.to_pylist()
        for column in SOURCES[source]:
            if column.frame_name in sent.rows.column_names and not column.blank:
                assert all(row[column.frame_name] is not None for row in rows)
        if bad_rows == "refuse":
            assert not len(sent.refused)

    fuzz(once)


def test_pack_toml(shop: Path, fuzz: Callable) -> None:
    file = shop / "pack.toml"
    whole = file.read_bytes() + b'bad_rows = "quarantine"\n'

    def once(chance: random.Random) -> None:
        file.write_bytes(spoiled(whole, chance))
        pack = Pack(shop)
        try:
            assert pack.days == sorted(set(pack.days))
            assert pack.title
            pack.rows("users", pack.days[0], pack.days[-1])
        except Refused as error:
            assert str(shop) in str(error)

    fuzz(once)


def test_room_yaml(tmp_path: Path, fuzz: Callable) -> None:
    file = tmp_path / "room.yaml"

    def once(chance: random.Random) -> None:
        file.write_bytes(spoiled(b"# who\nattendees: [blue, green, learner-1]\npack: sources/shop\n", chance))
        try:
            found = room.read(file)
        except Refused as error:
            assert str(file) in str(error)
            return
        assert found.attendees and all(room.NAME.fullmatch(name) for name in found.attendees)

    fuzz(once)


def test_clocks(fuzz: Callable) -> None:
    days = " ".join(Pack(SHOP).days)
    room_keys = {
        "days": days,
        "day": "2022-01-03",
        "deployed": "2022-01-02",
        "hold": "2022-01-04",
        "message": "a break",
    }

    def once(chance: random.Random) -> None:
        keys = [{**room_keys, "incidents": "2022-01-03 fake-order blue\n"}, {"day": "2022-01-02", "deployed": "v3"}]
        of = chance.choice(keys)
        key = chance.choice(list(of))
        of[key] = spoiled(of[key].encode(), chance).decode(errors="replace")
        try:
            clock = settle(keys[0], keys[1], "blue")
        except Refused:
            return
        assert clock.day in clock.days
        assert clock.deployed == "latest" or clock.version or clock.deployed in clock.days

    fuzz(once)


def test_names_of_receipts(attendee: Callable[..., Attendee], fuzz: Callable) -> None:
    one = attendee("functional")
    one.run(1, 2)

    def once(chance: random.Random) -> None:
        word = spoiled(chance.choice([b"2022-01-02@v2", b"latest", b"v1", b"2022-01-01"]), chance).decode(
            errors="replace"
        )
        try:
            found = find(one.world.lake, one.world.clock, word)
        except Refused:
            return
        assert found and found.version in (1, 2)

    fuzz(once)


def test_what_imports_recorded(
    attendee: Callable[..., Attendee], monkeypatch: pytest.MonkeyPatch, fuzz: Callable
) -> None:
    """The log of a table, which Delta and we read: what cannot be read is said, and shows nothing."""
    one = attendee("functional")
    one.run(1, 2)
    monkeypatch.setattr(power_cut, "WRITING_SECONDS", 0.0)
    log = one.world.lake / "sales" / "_delta_log" / f"{2:020}.json"
    whole, shown = log.read_bytes(), one.shown()

    def once(chance: random.Random) -> None:
        log.write_bytes(spoiled(whole, chance))
        opened._newest.clear()  # as the next process: it looks whether the newest is whole
        try:
            rows, receipt = one.world.sales()
            str(receipt)
        except Refused:
            return
        assert set(rows["sales_date"]) <= {*shown["sales_date"], *Pack(SHOP).days}

    fuzz(once)
    shutil.rmtree(one.path)
