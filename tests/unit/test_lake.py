"""The lake's laws: an import changes its own day and no other, in one commit, and nothing is ever forgotten."""

import hashlib
import json
import multiprocessing
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake
from hypothesis import given
from hypothesis import strategies as st

from fde import disk, lake, opened, power_cut, rows
from fde.commits import commit, log_file
from fde.refused import Refused
from fde.schemas import TABLES

DAYS = [f"2022-01-0{n}" for n in range(1, 4)]


def users(*statuses: str) -> pa.Table:
    numbers = range(1, len(statuses) + 1)
    return pa.table(
        {"user_id": list(numbers), "name": [f"user {n}" for n in numbers], "status": list(statuses)},
        schema=TABLES["users"],
    )


def put(path: Path, day: str, *statuses: str) -> int:
    return lake.replace(path, "users", day, users(*statuses), read={})


def day_of(path: Path, day: str, version: int) -> list[str]:
    return lake.read(path, "users", version, day=day)["status"].to_pylist()


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    lake.create(tmp_path / "lake")
    return tmp_path / "lake"


@given(st.lists(st.tuples(st.sampled_from(DAYS), st.lists(st.sampled_from("abc"), max_size=4)), max_size=12))
def test_each_version_reads_the_same_for_ever(tmp_path_factory: pytest.TempPathFactory, imports: list) -> None:
    path = tmp_path_factory.mktemp("lake") / "lake"
    lake.create(path)
    expected: list[dict[str, list[str]]] = [{}]
    for day, statuses in imports:
        version = put(path, day, *statuses)
        now = {**expected[-1], day: statuses}
        if expected[-1].get(day) == statuses:
            assert version <= len(expected) - 1, "the same rows again make no commit"
        else:
            assert version == len(expected), "an import is one commit"
            expected.append(now)
    for version, content in enumerate(expected):
        for day in DAYS:
            assert day_of(path, day, version) == content.get(day, [])
            made = lake.commit_of_day(path, "users", day, version)
            assert (made is None) == (day not in content)
            assert made is None or made.day == day
        if version:
            assert commit(path, "users", version).newest == max(content)


def test_the_same_rows_in_another_order_make_no_commit(empty: Path) -> None:
    rows = users("a", "b", "c")
    version = lake.replace(empty, "users", DAYS[0], rows, read={})
    assert (
        lake.replace(empty, "users", DAYS[0], rows.take([2, 0, 1]), read={}) == version == lake.newest(empty, "users")
    )


def test_a_day_without_rows_counts_as_imported(empty: Path) -> None:
    version = put(empty, DAYS[0])
    made = lake.commit_of_day(empty, "users", DAYS[0])
    assert made is not None
    assert (made.version, made.rows) == (version, 0)


def _import_many(path: Path, day: str, start: object) -> None:
    start.wait()  # type: ignore[attr-defined]
    for n in range(5):
        put(path, day, *[f"{day} {n}"] * (n + 1))


def test_imports_of_different_days_at_once_lose_nothing(empty: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    start = spawn.Barrier(len(DAYS))
    writers = [spawn.Process(target=_import_many, args=(empty, day, start)) for day in DAYS]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    newest = lake.newest(empty, "users")
    assert newest == 5 * len(DAYS), "each import is one version"
    for day in DAYS:
        assert day_of(empty, day, newest) == [f"{day} 4"] * 5


def in_the_middle(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let something happen between the first look at the table and the commit of the next import."""
    write = lake._write_file

    def interrupted(*args: object) -> object:
        monkeypatch.setattr(lake, "_write_file", write)
        act()
        return write(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(lake, "_write_file", interrupted)


def test_an_import_that_was_overtaken_lands_on_top(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_the_middle(monkeypatch, lambda: put(empty, DAYS[1], "b"))
    assert put(empty, DAYS[0], "a") == 2
    made = lake.commit_of_day(empty, "users", DAYS[0])
    assert made is not None
    assert (made.version, made.day, made.newest) == (2, DAYS[0], DAYS[1])


def test_two_imports_of_the_same_rows_at_once_do_not_touch_each_others_file(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(file: Path, rows: pa.Table) -> None:
        file.write_bytes(b"PAR1")  # opened, and not a row written
        raise KeyboardInterrupt

    def other() -> None:
        put(empty, DAYS[0], "same")
        monkeypatch.setattr(lake, "write_file", killed)

    in_the_middle(monkeypatch, other)
    with pytest.raises(KeyboardInterrupt):
        put(empty, DAYS[0], "same")
    assert day_of(empty, DAYS[0], 1) == ["same"]


def test_two_imports_of_the_same_day_at_once_are_not_merged(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_the_middle(monkeypatch, lambda: put(empty, DAYS[0], "other"))
    with pytest.raises(Refused, match="someone else at the same time"):
        put(empty, DAYS[0], "mine")
    assert day_of(empty, DAYS[0], lake.newest(empty, "users")) == ["other"]


def test_a_commit_records_what_it_was_made_from(empty: Path) -> None:
    code = "ab" * 32
    version = lake.replace(empty, "users", DAYS[0], users("a"), read={"orders": 3}, code=code)
    made = commit(empty, "users", version)
    assert (made.day, made.newest, made.rows, made.read, made.code) == (DAYS[0], DAYS[0], 1, {"orders": 3}, code)
    assert made.sha256 == lake.digest(lake.sort(users("a")))


def test_nothing_expires(empty: Path) -> None:
    for name in TABLES:
        settings_of = DeltaTable(str(empty / name)).metadata().configuration
        assert settings_of["delta.logRetentionDuration"] == "interval 36500 days"
        assert settings_of["delta.deletedFileRetentionDuration"] == "interval 36500 days"
        assert settings_of["delta.enableExpiredLogCleanup"] == "false"


def test_a_foreign_engine_reads_what_we_wrote(empty: Path) -> None:
    put(empty, DAYS[0], "a", "b")
    put(empty, DAYS[1], "c")
    rows = DeltaTable(str(empty / "users")).to_pyarrow_table().to_pylist()
    assert sorted((row["import_date"], row["status"]) for row in rows) == [
        (date(2022, 1, 1), "a"),
        (date(2022, 1, 1), "b"),
        (date(2022, 1, 2), "c"),
    ]


def test_a_version_that_is_none_is_named(empty: Path) -> None:
    put(empty, DAYS[0], "a")
    for version in (0, 2, 99):
        with pytest.raises(Refused, match=f"no version {version}: there is versions 1 to 1"):
            commit(empty, "users", version)


def test_a_version_of_another_program_is_told_apart(empty: Path) -> None:
    write_deltalake(
        str(empty / "users"), pa.table({"import_date": [date(2022, 1, 1)], **users("x").to_pydict()}), mode="append"
    )
    with pytest.raises(Refused, match="not written by an import"):
        commit(empty, "users", 1)


#: how a table can be damaged -> what is done to lake/users
DAMAGES = {
    "gone": lambda path: shutil.rmtree(path),
    "another folder": lambda path: (shutil.rmtree(path), path.mkdir(), (path / "notes.txt").write_text("hello")),
    "a file": lambda path: (shutil.rmtree(path), path.write_text("hello")),
    "log damaged": lambda path: log_file(path.parent, "users", 1).write_text('{"commitInfo": {"fde"\n{"txn": {}}'),
    "log emptied": lambda path: log_file(path.parent, "users", 0).write_text(""),
    "a foreign table": lambda path: (shutil.rmtree(path), write_deltalake(str(path), pa.table({"a": [1]}))),
    "retention taken off": lambda path: (
        shutil.rmtree(path),
        write_deltalake(str(path), pa.table({"import_date": [date(2022, 1, 1)], **users("x").to_pydict()})),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_foreign_table_is_named_and_left_alone(damage: str, empty: Path) -> None:
    put(empty, DAYS[0], "a")
    DAMAGES[damage](empty / "users")
    content = {file: file.read_bytes() for file in empty.rglob("*") if file.is_file()}
    with pytest.raises(Refused, match=r"lake/users .*fde start-over"):
        put(empty, DAYS[1], "b")
    assert {file: file.read_bytes() for file in empty.rglob("*") if file.is_file()} == content


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda file: file.write_bytes(b""), lambda file: file.write_bytes(b"PAR1" * 9)]
)
def test_lost_rows_are_said_and_running_the_day_again_brings_them_back(
    damage: Callable[[Path], object], empty: Path
) -> None:
    for day in DAYS:
        put(empty, day, "a", day)
    (file,) = (empty / "users").glob(f"import_date={DAYS[0]}/*.parquet")
    damage(file)
    for ask in ({"day": DAYS[0]}, {"until": DAYS[1]}):
        with pytest.raises(Refused, match="a file is gone or damaged .*Run its day again"):
            lake.read(empty, "users", 3, **ask)
    assert put(empty, DAYS[0], "a", DAYS[0]) == 4
    assert day_of(empty, DAYS[0], 4) == sorted(["a", DAYS[0]], key=["a", DAYS[0]].index)
    assert put(empty, DAYS[0], "a", DAYS[0]) == 4, "and no more commits after that"


def test_rows_with_a_blank_where_none_may_be_are_damaged_ones(empty: Path) -> None:
    put(empty, DAYS[0], "a")
    (file,) = (empty / "users").glob(f"import_date={DAYS[0]}/*.parquet")
    size, log = file.stat().st_size, log_file(empty, "users", 1)
    pq.write_table(pa.table({"user_id": pa.array([None], pa.int64()), "name": ["a"], "status": ["a"]}), file)
    log.write_text(log.read_text().replace(f'"size":{size}', f'"size":{file.stat().st_size}'))
    with pytest.raises(Refused, match="a file is gone or damaged .*Run its day again"):
        day_of(empty, DAYS[0], 1)


def test_a_folder_may_have_a_blank_in_its_name(tmp_path: Path) -> None:
    lake.create(tmp_path / "my lake")
    assert put(tmp_path / "my lake", DAYS[0], "a") == put(tmp_path / "my lake", DAYS[0], "a") == 1


def test_rows_are_on_disk_before_the_commit_and_the_commit_before_it_is_reported(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fde.rows

    synced: list[str] = []
    flush = fde.rows.flush

    def spy(file: Path) -> None:
        flush(file)
        synced.append(file.name)
        if file.suffix == ".parquet":
            assert lake.newest(empty, "users") == 0, "the rows are flushed before the commit"

    monkeypatch.setattr(fde.rows, "flush", spy)
    monkeypatch.setattr(lake, "flush", spy)
    put(empty, DAYS[0], "a")
    before, rows_of_it, *_, made = synced
    assert before == "00000000000000000000.json", "who made the version before may have been killed before they flushed"
    assert rows_of_it.endswith(".parquet")
    assert made == "00000000000000000001.json"
    assert json.loads(log_file(empty, "users", 1).read_text().splitlines()[0])


def test_two_imports_keep_the_same_code_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In two pods, where both are process 11 and write at the same moment."""
    sync, other = disk._sync, [b"the same"]

    def meanwhile(path: Path) -> None:
        if other:
            rows.keep_code(tmp_path, other.pop())
        sync(path)

    monkeypatch.setattr(disk, "_sync", meanwhile)
    sha256 = rows.keep_code(tmp_path, b"the same")
    assert [file.name for file in (tmp_path / "code").iterdir()] == [f"{sha256}.py"]


CUTS = {
    "nothing": lambda whole: b"",
    "half a line": lambda whole: whole[:40],
    "half of it": lambda whole: whole[: len(whole) // 2],
    "all but its last line": lambda whole: whole[: whole.rindex(b"\n")],
    "all but a letter": lambda whole: whole[:-1],
    "zeros": lambda whole: bytes(len(whole)),
    "half of it, then zeros": lambda whole: whole[: len(whole) // 2] + bytes(len(whole) // 2),
    "zeros, then half of it": lambda whole: bytes(len(whole) // 2) + whole[len(whole) // 2 :],
}


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is writing: there is nothing to wait for."""
    monkeypatch.setattr(power_cut, "WRITING_SECONDS", 0.01)


def next_process() -> None:
    opened._newest.clear()
    opened._kept.cache_clear()


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.usefixtures("soon")
def test_an_import_that_a_power_cut_has_cut_off_never_was(cut: str, empty: Path) -> None:
    put(empty, DAYS[0], "a")
    put(empty, DAYS[1], "b")
    file = log_file(empty, "users", 2)
    file.write_bytes(CUTS[cut](file.read_bytes()))
    left = file.read_bytes()
    next_process()
    assert lake.newest(empty, "users") == 1
    assert day_of(empty, DAYS[1], 1) == [] and day_of(empty, DAYS[0], 1) == ["a"]
    assert file.with_suffix(".cut-off").read_bytes() == left, "it is set aside, not thrown away"
    assert put(empty, DAYS[1], "b") == 2
    assert day_of(empty, DAYS[1], 2) == ["b"]


@pytest.mark.parametrize("what", ["checkpoint.parquet", "_last_checkpoint"])
@pytest.mark.parametrize("cut", ["nothing", "half of it", "zeros"])
def test_a_checkpoint_that_a_power_cut_has_cut_off_is_made_again(what: str, cut: str, empty: Path) -> None:
    for number in range(11):
        put(empty, DAYS[number % 3], f"{number}")
    (file,) = (empty / "users" / "_delta_log").glob(f"*{what}")
    file.write_bytes(CUTS[cut](file.read_bytes()))
    next_process()
    assert day_of(empty, DAYS[10 % 3], lake.newest(empty, "users")) == ["10"]
    for number in range(11, 22):
        put(empty, DAYS[number % 3], f"{number}")
    assert day_of(empty, DAYS[21 % 3], 22) == ["21"]
    assert day_of(empty, DAYS[0], 1) == ["0"]


def test_what_names_a_checkpoint_that_is_not_there_does_no_harm(empty: Path) -> None:
    """As `cp` leaves it when a checkpoint was made meanwhile; or a healer that was killed."""
    for number in range(11):
        put(empty, DAYS[number % 3], f"{number}")
    (file,) = (empty / "users" / "_delta_log").glob("*.checkpoint.parquet")
    file.unlink()
    next_process()
    assert day_of(empty, DAYS[10 % 3], lake.newest(empty, "users")) == ["10"]
    assert put(empty, DAYS[0], "more") == 12


def test_what_somebody_else_has_healed_and_imported_is_left_alone(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(empty, DAYS[0], "a")
    put(empty, DAYS[1], "b")
    file = log_file(empty, "users", 2)
    whole = file.read_bytes()
    file.write_bytes(whole[:40])
    monkeypatch.setattr(power_cut.time, "sleep", lambda seconds: file.write_bytes(whole))
    next_process()
    assert lake.newest(empty, "users") == 2
    assert day_of(empty, DAYS[1], 2) == ["b"]
    assert not file.with_suffix(".cut-off").exists()


@pytest.mark.usefixtures("soon")
def test_who_may_only_read_sees_what_was_before_a_cut(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(empty, DAYS[0], "a")
    put(empty, DAYS[1], "b")
    file = log_file(empty, "users", 2)
    file.write_bytes(file.read_bytes()[:40])

    def read_only(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "rename", read_only)
    next_process()
    assert lake.newest(empty, "users") == 1
    assert day_of(empty, DAYS[0], lake.newest(empty, "users")) == ["a"]


def test_a_copy_of_a_file_of_the_log_is_none(empty: Path) -> None:
    put(empty, DAYS[0], "a")
    file = log_file(empty, "users", 1)
    shutil.copy(file, file.with_stem(f"{file.stem}-Copy1"))  # as JupyterLab names it
    next_process()
    assert lake.newest(empty, "users") == 1


def test_rows_that_a_foreign_engine_appended_are_read_beside_ours(empty: Path) -> None:
    put(empty, DAYS[0], "a")
    theirs = {"import_date": [date(2022, 1, 2)], "user_id": [7], "name": ["a\u2028b"], "status": ["gold"]}
    write_deltalake(str(empty / "users"), pa.table(theirs), mode="append")
    next_process()
    rows = lake.read(empty, "users", lake.newest(empty, "users"), until=DAYS[2])
    assert rows["status"].to_pylist() == ["a", "gold"]
    assert [made.version for made in lake.commits_of_days(empty, "users", DAYS, 2)] == [1]


def test_who_loses_the_race_leaves_no_rows_behind(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_the_middle(monkeypatch, lambda: put(empty, DAYS[1], "other"))
    put(empty, DAYS[0], "mine")
    assert len(list((empty / "users").glob("*/*.parquet"))) == 2


def test_imports_of_days_are_found_whatever_lies_between(empty: Path) -> None:
    put(empty, DAYS[0], "first")
    for number in range(30):
        put(empty, DAYS[2], f"{number}")
    newest = lake.newest(empty, "users")
    found = lake.commits_of_days(empty, "users", DAYS, newest)
    assert [(made.day, made.version) for made in found] == [(DAYS[0], 1), (DAYS[2], 31)], "one was never imported"
    log_file(empty, "users", 15).write_text("damaged")
    assert lake.commits_of_days(empty, "users", DAYS, newest) == found, "of no day that is shown"


def test_the_digest_is_of_rows_sorted_from_left_to_right(empty: Path) -> None:
    """However they lie in the file: a digest is on record, and shall mean the same for ever."""
    orders = pa.table([[date(2022, 1, 2), date(2022, 1, 1)], [1, 2], [5, 6], [1, 2], ["a", None]], TABLES["orders"])
    text = '"sales_date","quantity","revenue_cents","user_id","order_id"\n2022-01-01,2,6,2,\n2022-01-02,1,5,1,"a"\n'
    assert rows.digest(orders) == hashlib.sha256(text.encode()).hexdigest()
    assert rows.sort(orders)["user_id"].to_pylist() == [1, 2]


def spoilt(text: str) -> str:
    return text.replace('"rows":2', '"rows":"2"')


def without_info(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if "commitInfo" not in line)


@pytest.mark.parametrize("spoil", [spoilt, without_info])
def test_what_nobody_can_read_of_an_import_stops_no_other(spoil: Callable[[str], str], empty: Path) -> None:
    put(empty, DAYS[0], "a", "b")
    put(empty, DAYS[2], "a", "c")
    log = log_file(empty, "users", 2)
    log.write_text(spoil(log.read_text()))
    next_process()
    assert put(empty, DAYS[1], "a", "d") == 3
    assert commit(empty, "users", 3).newest == DAYS[2], "the damaged one had the latest day"
    assert put(empty, DAYS[2], "a", "c") == 4, "nobody knows that these are the same rows"
    assert put(empty, DAYS[2], "a", "c") == 4
    assert day_of(empty, DAYS[2], 4) == ["a", "c"]


def test_imports_go_on_upon_what_a_foreign_engine_appended(empty: Path) -> None:
    put(empty, DAYS[0], "a")
    theirs = {"import_date": [date(2022, 1, 3)], "user_id": [7], "name": ["a"], "status": ["gold"]}
    write_deltalake(str(empty / "users"), pa.table(theirs), mode="append")
    next_process()
    assert put(empty, DAYS[1], "b") == 3
    assert commit(empty, "users", 3).newest == "2022-01-03"


@pytest.mark.parametrize("info", ["null", '"x"', "{}", '{"fde":null}', '{"fde":[]}', "7"])
def test_a_commit_of_somebody_else_is_never_taken_out(info: str, empty: Path) -> None:
    put(empty, DAYS[0], "a")
    log = log_file(empty, "users", 2)
    log.write_text(f'{{"commitInfo":{info}}}\n')
    next_process()
    assert lake.newest(empty, "users") == 2
    assert log.exists()


def test_rows_that_are_taken_out_in_other_ways_than_ours_are_not_shown(empty: Path) -> None:
    put(empty, DAYS[0], "a")
    features = {"minReaderVersion": 3, "minWriterVersion": 7}
    features |= {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    log_file(empty, "users", 2).write_text(json.dumps({"commitInfo": {}}) + "\n" + json.dumps({"protocol": features}))
    next_process()
    with pytest.raises(Refused, match="not as this version makes it"):
        day_of(empty, DAYS[0], 2)
