"""A world as one file: it opens as it was, replays the same anywhere, and nothing half or evil gets a name."""

import io
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

import fde.run
from fde import archive
from fde.__main__ import main
from fde.refused import Refused
from fde.world import World
from tests.conftest import ROOT, SHOP, Attendee, content
from workshop import clock, desk

Make = Callable[..., Attendee]
FDE = """
import sys
from fde.__main__ import main
from workshop import desk
sys.exit(max(main(line.split(), desk.open) for line in sys.argv[1:]))
"""
ON_A_SMALL_DISK = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n{FDE}"


def no_world() -> World:
    raise AssertionError("this command needs no world")


def story(one: Attendee) -> None:
    one.run(1, 2, 3, 4)
    one.again(3)


def export(one: Attendee, file: Path) -> str:
    lines: list[str] = []
    archive.export(one.world, file, lines.append)
    return "\n".join(lines)


def unpack(file: Path, folder: Path) -> str:
    lines: list[str] = []
    archive.unpack(file, folder, lines.append)
    return "\n".join(lines)


def fde_at(world: Path, *lines: str, python: str = sys.executable, code: str = FDE) -> subprocess.CompletedProcess[str]:
    """Commands of `fde`, one a line, as somebody gives them at home: one variable, and nothing of a workshop."""
    here = {name: value for name, value in os.environ.items() if not name.startswith("FDE_")}
    env = {**here, "FDE_WORLD": str(world), "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run([python, "-c", code, *lines], env=env, capture_output=True, text=True)


@pytest.fixture
def taken(attendee: Make, tmp_path: Path) -> Path:
    """The exported world of the story."""
    one = attendee()
    story(one)
    export(one, tmp_path / "taken.fde.tar")
    return tmp_path / "taken.fde.tar"


# --- there and back


def test_an_opened_world_is_the_exported_one(attendee: Make, tmp_path: Path) -> None:
    one = attendee()
    story(one)
    one.own["deployed"] = "v3"
    said = export(one, tmp_path / "w.fde.tar")
    assert "desk of learner and its lake, the pack and the clock" in said and "kept/" in said
    assert f"Next: FDE_WORLD={tmp_path}/home/worlds/learner fde show" in unpack(
        tmp_path / "w.fde.tar", tmp_path / "home"
    )
    assert content(tmp_path / "home/worlds/learner/desk") == content(one.world.desk)
    assert content(tmp_path / "home/pack") == content(SHOP)
    shown = fde_at(tmp_path / "home/worlds/learner", "show")
    assert main(["show"], lambda: one.world) == 0
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "deployed v3 = days until 2022-01-03, as of version 3 of sales" in shown.stdout
    assert "37,621.95" in shown.stdout


def test_an_opened_world_replays_and_runs_at_home(taken: Path, tmp_path: Path) -> None:
    unpack(taken, tmp_path / "home")
    world = tmp_path / "home/worlds/learner"
    done = fde_at(world, *(f"replay {word}" for word in ("", "2022-01-03@v3", "2022-01-04@v5", "v1", "2")))
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.count("Identical: ") == 5
    assert fde_at(world, "run --day 5").returncode == 2, "its clock says day 4"
    (tmp_path / "home/clocks/clock-learner/day").write_text("2022-01-05")
    assert fde_at(world, "run").returncode == 0
    assert "Identical: 2022-01-05@v6" in fde_at(world, "replay").stdout


def other_python() -> str | None:
    """A Python of another version that has the packages, on PATH."""
    ask = "import sys, pandas, pyarrow, deltalake, jupytext; print(sys.version_info[1])"
    for minor in (13, 12, 11, 14):
        if minor != sys.version_info[1] and (python := shutil.which(f"python3.{minor}")):
            done = subprocess.run([python, "-c", ask], capture_output=True, text=True)
            if done.stdout.strip() == f"{minor}":
                return python
    return None


def test_another_python_replays_what_this_one_made_and_the_reverse(taken: Path, tmp_path: Path) -> None:
    other = other_python()
    if other is None:
        pytest.skip("no Python of another version with the packages of requirements/workshop.txt is on PATH")
    unpack(taken, tmp_path / "home")
    world = tmp_path / "home/worlds/learner"
    words = [*(f"v{n}" for n in range(1, 6)), "1", "2", "3", "4", "2022-01-03@v3", "2022-01-03@v4"]
    done = fde_at(world, *(f"replay {word}" for word in words), python=other)
    assert done.returncode == 0, done
    assert done.stdout.count("Identical: ") == len(words)
    assert done.stdout.count(f"It was made with python {sys.version.split()[0]} (here 3.") == len(words)
    (tmp_path / "home/clocks/clock-learner/day").write_text("2022-01-05")
    assert fde_at(world, "run", python=other).returncode == 0
    again = fde_at(world, "replay")
    assert again.returncode == 0, again
    assert f"(here {sys.version.split()[0]})" in again.stdout and "Identical: 2022-01-05@v6" in again.stdout


def test_an_opened_world_is_at_home_in_its_own_folder_inside_a_workshop_too(
    taken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FDE_HOME", str(tmp_path / "workshop"))
    monkeypatch.setenv("FDE_PACK", str(tmp_path / "another pack"))
    clock.set_days(["2030-01-01"])
    unpack(taken, tmp_path / "home")
    monkeypatch.setenv("FDE_WORLD", str(tmp_path / "home/worlds/learner"))
    opened = desk.open()
    assert opened.pack.path == tmp_path / "home/pack"
    assert (opened.clock.day, len(opened.clock.days)) == ("2022-01-04", 5)
    subprocess.run([ROOT / "scripts" / "day", "5"], check=True, capture_output=True)
    assert opened.clock.day == "2022-01-05"
    assert [file.name for file in (tmp_path / "workshop/clocks").rglob("*") if file.is_file()] == ["days"]


def test_what_is_no_plain_file_or_belongs_to_others_stays_at_home(
    attendee: Make, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "secret.txt").write_text("not of the pack")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/secret.txt").write_text("mine")
    one = attendee(pack=shop)
    one.run(1)
    (one.path / "kept/1").mkdir(parents=True)
    (one.path / "kept/1/former.txt").touch()
    (one.world.desk / "link.txt").symlink_to(tmp_path / "elsewhere/secret.txt")
    (one.world.desk / "folder").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(one.world.desk / "pipe")
    os.link(one.world.desk / "pipeline.py", one.world.desk / "twin.py")
    monkeypatch.chdir(one.world.desk)
    assert main(["export"], lambda: one.world) == 0
    assert (one.path / "learner-2022-01-01.fde.tar").exists(), "beside the desk, which may be swapped meanwhile"
    assert main(["export", "first.fde.tar"], lambda: one.world) == 0  # onto the desk itself, where a terminal starts
    said = export(one, one.world.desk / "second.tar")
    for name in ("desk/link.txt", "desk/folder", "desk/pipe", "desk/first.fde.tar"):
        assert name in said
    unpack(one.world.desk / "second.tar", tmp_path / "home")
    names = {Path(name).name for name in content(tmp_path / "home")}
    assert {"pipeline.py", "twin.py", "pack.toml"} <= names
    assert not names & {"secret.txt", "link.txt", "pipe", "former.txt", "second.tar", "second.tar.part"}
    assert "folder" not in [path.name for path in (tmp_path / "home").rglob("*")]


# --- refused


def test_no_file_is_overwritten_be_it_there_before_or_meanwhile(
    attendee: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, file = attendee(), tmp_path / "w.fde.tar"
    monkeypatch.setattr(archive, "flush", lambda part: file.write_text("mine"))
    with pytest.raises(Refused, match="is there already, and is left as it is"):
        export(one, file)
    monkeypatch.setattr(archive, "nobody_runs", lambda world: pytest.fail("it is refused before a byte is copied"))
    with pytest.raises(Refused, match="is there already, and is left as it is"):
        export(one, file)
    assert file.read_text() == "mine"
    assert not list(tmp_path.glob("*.part"))


def test_no_folder_is_overwritten(taken: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/mine.txt").write_text("mine")
    for there in ("home", "home/mine.txt"):
        with pytest.raises(Refused, match="not an empty folder"):
            unpack(taken, tmp_path / there)
    assert content(tmp_path / "home") == {"mine.txt": b"mine"}
    (tmp_path / "empty").mkdir()
    unpack(taken, tmp_path / "empty")


def test_in_the_middle_of_a_run_nothing_is_exported(attendee: Make, tmp_path: Path) -> None:
    one = attendee()
    with fde.run.shared_lock(one.path), pytest.raises(Refused, match="a run is going on"):
        export(one, tmp_path / "w.fde.tar")
    assert not list(tmp_path.glob("w*"))


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    one = tarfile.TarInfo(name)
    one.type, one.linkname = kind, link
    return one


EVIL = {
    "out of it": member("worlds/../../evil.txt"),
    "an absolute path": member("/tmp/evil.txt"),
    "a link out": member("worlds/learner/desk/evil", tarfile.SYMTYPE, "/etc"),
    "a link inside": member("worlds/learner/desk/evil", tarfile.SYMTYPE, "files"),
    "a hard link": member("worlds/learner/desk/evil", tarfile.LNKTYPE, "/etc/passwd"),
    "a device": member("worlds/learner/desk/evil", tarfile.CHRTYPE),
    "a pipe": member("worlds/learner/desk/evil", tarfile.FIFOTYPE),
    "a sparse file": member("worlds/learner/desk/evil", tarfile.GNUTYPE_SPARSE),
    "another place": member("bin/evil"),
    "the top": member("."),
    "the same file twice": member("worlds/learner/desk/pipeline.py"),
    "a file for a folder": member("pack/users_day-1.csv/evil"),
    "a folder in a file": member("pack/users_day-1.csv/evil/evil"),
    "a second world": member("worlds/evil/desk/pipeline.py"),
}


@pytest.mark.parametrize("case", EVIL)
def test_an_evil_archive_is_refused_and_nothing_is_left(case: str, taken: Path, tmp_path: Path) -> None:
    with tarfile.open(taken, "a") as tar:
        tar.addfile(EVIL[case])
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Refused, match="is no world that fde export wrote .*Nothing was unpacked"):
        unpack(taken, tmp_path / "home")
    assert sorted(tmp_path.rglob("*")) == before
    assert not Path("/tmp/evil.txt").exists()


def test_another_file_is_no_archive(taken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(SHOP, "pack")
    for text in (b"", b"hello", packed.getvalue(), taken.read_bytes()[:1000]):
        (tmp_path / "other.fde.tar").write_bytes(text)
        assert main(["open", str(tmp_path / "other.fde.tar"), str(tmp_path / "home")], no_world) == 2
        assert "is no world that fde export wrote" in capsys.readouterr().err
    assert main(["open", str(tmp_path / "none.fde.tar"), str(tmp_path / "home")], no_world) == 2
    assert "none.fde.tar: No such file" in capsys.readouterr().err
    assert not list(tmp_path.glob("home")) + list(tmp_path.glob(".opening*"))


def test_an_archive_that_was_cut_off_anywhere_is_refused(taken: Path, tmp_path: Path) -> None:
    whole = taken.read_bytes()
    with tarfile.open(taken) as tar:
        starts = [one.offset for one in tar]
        end = tar.getmembers()[-1].offset_data
    for at in {*starts[:: len(starts) // 8], starts[-1], starts[-1] + 100, end}:
        (tmp_path / "cut.fde.tar").write_bytes(whole[:at])
        with pytest.raises(Refused, match="is no world"):
            unpack(tmp_path / "cut.fde.tar", tmp_path / "home")
        assert not (tmp_path / "home").exists()


# --- killed, and a full disk


def _killed(act: Callable[..., object], name: str, after: int, *args: object) -> None:
    real, calls = getattr(archive, name), []

    def last(*words: object) -> None:
        calls.append(words)
        if len(calls) == after:
            os.kill(os.getpid(), signal.SIGKILL)
        real(*words)

    setattr(archive, name, last)
    act(*args)


def killed(act: Callable[..., object], name: str, after: int, *args: object) -> None:
    """Let something be killed in the middle: at the call number `after` of a function of archive.py."""
    child = multiprocessing.get_context("fork").Process(target=_killed, args=(act, name, after, *args))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("after", [1, 20, 40])
def test_a_killed_export_leaves_no_half_file_and_the_next_one_is_whole(
    after: int, attendee: Make, tmp_path: Path
) -> None:
    one = attendee()
    story(one)
    file = tmp_path / "w.fde.tar"
    killed(export, "_add", after, one, file)
    assert not file.exists()
    export(one, file)
    unpack(file, tmp_path / "home")
    assert content(tmp_path / "home/worlds/learner/desk") == content(one.world.desk)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("after", [1, 30, 60])
def test_a_killed_open_leaves_no_half_world_and_the_next_one_is_whole(after: int, taken: Path, tmp_path: Path) -> None:
    killed(unpack, "_extract", after, taken, tmp_path / "home")
    assert not (tmp_path / "home").exists()
    unpack(taken, tmp_path / "home")
    assert fde_at(tmp_path / "home/worlds/learner", "replay").returncode == 0


def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(attendee: Make, taken: Path, tmp_path: Path) -> None:
    unpack(taken, tmp_path / "home")
    world = tmp_path / "home/worlds/learner"
    (world / "desk/large.bin").write_bytes(bytes(50_000))
    export(Attendee(world, attendee().pack), tmp_path / "large.fde.tar")
    before = sorted(tmp_path.rglob("*"))
    for line in (f"export {tmp_path}/w.fde.tar", f"open {tmp_path}/large.fde.tar {tmp_path}/second"):
        done = fde_at(world, line, code=ON_A_SMALL_DISK)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert len(done.stderr.splitlines()) == 1 and "File too large. Mend that and try again." in done.stderr
        assert sorted(tmp_path.rglob("*")) == before
