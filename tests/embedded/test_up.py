"""What `scripts/up` and `scripts/down` promise, and what becomes of a workshop when its parts are killed."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from fde.refused import Refused
from tests.people import Person, arrived
from tests.room import ROOT, Room, wait_until
from workshop import ready

pytestmark = pytest.mark.embedded

DAY_1, DAY_2 = "2022-01-01", "2022-01-02"
HEALED_SECONDS = 240  # on a slow machine that does much else; a quick one needs 30
MUTABLE = (ROOT / "solutions" / "mutable.py").read_text()


def one_line(done: "subprocess.CompletedProcess[str]") -> str:
    """What was said to somebody who has to change something first."""
    assert done.returncode == 2, done.stdout + done.stderr
    said = done.stderr.strip()
    assert said and "\n" not in said, said
    return said


def pipeline(room: Room, attendee: str) -> Path:
    return room.home / "worlds" / attendee / "desk" / "pipeline.py"


@contextmanager
def written(file: Path, code: str) -> Iterator[None]:
    """The attendee's pipeline, as long as this lasts."""
    file.write_text(code)
    try:
        yield
    finally:
        file.write_text(MUTABLE)


@contextmanager
def import_under_way(room: Room, person: Person, attendee: str) -> Iterator[tuple[str, psutil.Process]]:
    """A run whose load_users hangs: gives its id and the task's process. Nothing hangs in later runs.

    Nor in a check, which the board may start at any moment: it is no import, and killing it would end none.
    """
    sign = room.home / "under-way"
    own = str(pipeline(room, attendee).parents[1])
    hangs = (
        f"import os, time\n    if str(world.path) == {own!r}:\n"
        f"        open({str(sign)!r}, 'w').write(str(os.getpid()))\n        time.sleep(900)\n    "
    )
    marked = MUTABLE.replace("def load_users(world, day):\n    ", f"def load_users(world, day):\n    {hangs}")
    assert marked != MUTABLE
    with written(pipeline(room, attendee), marked):
        run = room.trigger(person, attendee, DAY_1)
        pid = wait_until(lambda: sign.exists() and sign.read_text(), 120, "load_users under way")
    sign.unlink()
    yield run, psutil.Process(int(pid))


# --- what it promises


def test_who_takes_part_has_a_password_that_only_the_owner_reads(room: Room) -> None:
    access = room.access
    assert access["url"] == room.url
    assert list(access["attendees"]) == ["blue", "green"]
    assert list(access["instructor"]) == ["instructor"]
    passwords = [*access["attendees"].values(), *access["instructor"].values()]
    assert len(set(passwords)) == 3
    for name in ("access.json", "secrets.json"):
        assert stat.S_IMODE((room.home / name).stat().st_mode) == 0o600


def test_only_this_machine_can_reach_it(room: Room) -> None:
    heard = set()
    for process in room.processes():
        with suppress(psutil.NoSuchProcess):  # Airflow's parsers come and go
            heard |= {one.laddr.ip for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN}
    assert heard == {"127.0.0.1"}


def test_a_second_up_says_where_the_first_one_is(room: Room) -> None:
    passwords = room.access
    again = room.script("up", "--detach")
    assert again.returncode == 0
    assert "running already" in again.stdout and room.url in again.stdout
    assert room.access == passwords


def test_a_second_up_makes_a_world_that_is_missing(room: Room) -> None:
    desk = room.home / "worlds" / "green" / "desk"
    aside = desk.rename(desk.with_name("aside"))
    try:
        assert room.script("up", "--detach").returncode == 0
        assert (desk / "pipeline.py").exists()
    finally:
        shutil.rmtree(desk, ignore_errors=True)
        aside.rename(desk)


def test_deaths_of_long_ago_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second `up` reads a hub.log of days, and Airflow's database while Airflow may hold it."""
    log = tmp_path / "logs" / "hub.log"
    log.parent.mkdir()
    log.write_text("Service scheduler exited with status -9\n" * ready.DEATHS)
    monkeypatch.setattr(ready.supervised, "find", lambda *_: ["hub"])
    polls = iter([False, True])
    ready.wait(tmp_path, "Airflow", lambda: next(polls))

    def dies() -> bool:
        log.write_text(log.read_text() + "Service scheduler exited with status 1\n")
        return False

    with pytest.raises(Refused, match="keeps ending while it starts"):
        ready.wait(tmp_path, "Airflow", dies)
    assert ready.known_dags(tmp_path) == set()


def test_other_attendees_while_it_runs_are_refused(room: Room) -> None:
    said = one_line(room.script("up", "--detach", "--attendees", "blue,red"))
    assert "blue, green" in said and "scripts/down" in said


# --- what a run shows


def test_a_run_imports_the_day_of_the_clock(room: Room) -> None:
    assert room.import_day("green") == "success"
    assert (room.home / "worlds" / "green" / "desk" / "files" / "sales.csv").exists()


def test_a_cleared_run_imports_its_own_day_again(room: Room) -> None:
    """Though the clock says another day by then, and nobody named a day when it was triggered."""
    with closing(arrived(room, "green")) as person:
        run = room.trigger(person, "green")
        assert room.end_of(person, "green", run) == "success"
        try:
            assert room.script("day-2").returncode == 0
            address = f"/api/v2/dags/user_data_dag.green/dagRuns/{run}"
            assert person.post(f"{address}/clear", json={"dry_run": False}).status_code == 200
            assert room.end_of(person, "green", run) == "success"
        finally:
            room.script("day-1")
        told = [line["event"] for line in room.log(person, "green", run, "start_import", time=2)]
        settled = person.get(f"{address}/taskInstances/start_import/xcomEntries/return_value").json()["value"]
    assert f"This run imports {DAY_1}." in told and DAY_1 in settled
    sales = (room.home / "worlds" / "green" / "desk" / "files" / "sales.csv").read_text()
    assert DAY_1 in sales and DAY_2 not in sales


def test_a_backfill_imports_the_days_it_names(room: Room) -> None:
    with closing(arrived(room, "green")) as person:
        asked = {"dag_id": "user_data_dag.green", "from_date": f"{DAY_1}T00:00:00Z", "to_date": f"{DAY_1}T00:00:00Z"}
        made = person.post("/api/v2/backfills", json=asked | {"reprocess_behavior": "completed"})
        assert made.status_code == 200, made.text

        def backfilled() -> list[dict[str, str]]:
            runs = person.get("/api/v2/dags/user_data_dag.green/dagRuns").json()["dag_runs"]
            return [run for run in runs if run["run_type"] == "backfill" and run["state"] in ("success", "failed")]

        runs = wait_until(backfilled, 120, "a backfilled run")
    assert [(run["partition_key"], run["state"]) for run in runs] == [(DAY_1, "success")]


@pytest.mark.parametrize(
    ("code", "day", "task", "said"),
    [
        (MUTABLE, DAY_2, "start_import", f"{DAY_2} has not happened yet"),
        (MUTABLE.replace("def load_users", "def load_nobody"), DAY_1, "load_users", "there is no function load_users"),
        ("def load_users(world, day):\n    return 1 / 0\n", DAY_1, "load_users", "line 2, in load_users: return 1 / 0"),
    ],
    ids=["a day that has not happened", "a missing function", "an error of one's own"],
)
def test_the_message_for_the_attendee_comes_first(room: Room, code: str, day: str, task: str, said: str) -> None:
    with closing(arrived(room, "green")) as person, written(pipeline(room, "green"), code):
        run = room.trigger(person, "green", day)
        assert room.end_of(person, "green", run) == "failed"
        log = room.log(person, "green", run, task)
    first = next(line for line in log if line.get("level") in ("warning", "error", "critical"))
    assert said in first["event"]
    assert first["event"].startswith(DAY_2 if task == "start_import" else "pipeline.py")  # not with a long path
    assert not [line for line in log if "fde/run.py" in line["event"]]
    assert not [line for line in log if line.get("error_detail")]  # no stack trace of Airflow's


# --- what is killed heals


def alive(process: psutil.Process) -> bool:
    """Whether it still does anything: one that has ended, and that nobody has asked how, does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_killed_import_fails_and_the_next_one_works(room: Room) -> None:
    with closing(arrived(room, "blue")) as person, import_under_way(room, person, "blue") as (run, task):
        since = time.monotonic()
        task.kill()
        assert room.end_of(person, "blue", run, HEALED_SECONDS) == "failed"
        assert room.import_day("blue", DAY_1) == "success"
        assert time.monotonic() - since < HEALED_SECONDS


def test_a_killed_scheduler_is_started_again_and_ends_what_it_had_begun(room: Room) -> None:
    with closing(arrived(room, "blue")) as person, import_under_way(room, person, "blue") as (run, task):
        since = time.monotonic()
        (hub,) = room.processes("hub")
        (scheduler,) = [child for child in hub.children() if child in room.processes("scheduler")]
        scheduler.kill()
        room.end_of(person, "blue", run, HEALED_SECONDS)
        assert room.import_day("blue", DAY_1) == "success"
        assert time.monotonic() - since < HEALED_SECONDS
        assert not alive(task)  # it would write on, beside the one that replaced it


def test_after_the_hub_was_killed_up_heals(room: Room) -> None:
    before = room.access
    for hub in room.processes("hub"):
        hub.kill()
    orphans = room.processes()
    since = time.monotonic()
    healed = room.script("up", "--detach", "--attendees", "blue,green")
    assert time.monotonic() - since < HEALED_SECONDS
    assert healed.returncode == 0, healed.stderr
    assert "of a killed workshop ended" in healed.stdout
    assert not [process for process in orphans if alive(process)]
    assert room.access == before
    assert room.import_day("blue") == "success"


# --- the first start, interrupted; the foreground; the end


def test_an_interrupted_first_start_is_made_good_and_ctrl_c_leaves_nothing(another_room: Room) -> None:
    first = another_room.begin("--attendees", "red")
    database = another_room.home / "airflow" / "airflow.db"
    wait_until(lambda: database.exists() and database.stat().st_size, 180, "a database half made")
    os.killpg(first.pid, signal.SIGKILL)  # and what it had started goes on, as after a crash
    first.communicate()

    second = another_room.begin("--attendees", "red")
    assert second.stdout
    said = ""
    while "Ctrl-C stops it" not in said:
        line = second.stdout.readline()
        assert line, said + second.communicate()[1]
        said += line
    password = another_room.access["attendees"]["red"]
    assert another_room.url in said and password in said

    os.killpg(second.pid, signal.SIGINT)
    rest, _ = second.communicate(timeout=120)
    assert "Stopped." in rest
    assert second.returncode == 130
    assert another_room.processes() == []
    assert (another_room.home / "worlds" / "red" / "desk" / "pipeline.py").exists()
    assert "Nothing is running" in another_room.script("down").stdout


# --- what somebody has to change first


def test_a_taken_port_is_said_before_anything_starts(another_room: Room) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", another_room.port))
        other.listen()
        said = one_line(another_room.script("up", "--detach"))
    assert f"port {another_room.port}" in said and "FDE_PORT=" in said
    assert another_room.processes() == []


@pytest.mark.parametrize(
    ("arguments", "more", "said"),
    [
        (["--kind"], {}, "--kind"),
        (["--attendees", "Blue"], {}, "'Blue' cannot be an attendee's name"),
        (["--attendees", "blue,blue"], {}, "listed twice"),
        ([], {"FDE_PORT": "http"}, "FDE_PORT=http is no port"),
        ([], {"FDE_PORT": "70000"}, "FDE_PORT=70000 is no port"),
        ([], {"FDE_PACK": "/nowhere"}, "/nowhere"),
        ([], {"FDE_HOST": "192.0.2.1"}, "192.0.2.1"),
        ([], {"FDE_HOME": "/dev/null/home"}, "/dev/null"),
    ],
)
def test_a_mistake_is_one_line(another_room: Room, arguments: list[str], more: dict[str, str], said: str) -> None:
    another_room.more = more
    assert said in one_line(another_room.script("up", "--detach", *arguments))
    assert another_room.processes() == []


def checkout(folder: Path) -> Path:
    """What scripts/install needs of the repository."""
    for part in ("scripts", "requirements"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_a_full_disk_is_said(another_room: Room, full_disk: Path) -> None:
    another_room.home = full_disk / "home"
    assert "disk is too full" in one_line(another_room.script("up", "--detach"))
    install = [str(checkout(full_disk / "clone") / "scripts" / "install")]
    assert "disk is too full" in one_line(subprocess.run(install, capture_output=True, text=True))


def test_no_python_is_said_even_where_a_shim_bears_its_name(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "env", "dirname", "cat"):
        (programs / name).symlink_to(shutil.which(name) or name)
    shim = programs / "python3"
    shim.write_text("#!/bin/sh\necho 'python3: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    install = [str(checkout(tmp_path / "clone") / "scripts" / "install")]
    done = subprocess.run(install, env={"PATH": str(programs)}, capture_output=True, text=True)
    assert one_line(done).startswith("No Python 3.11 or newer")


def test_installing_again_does_nothing() -> None:
    stamps = set()
    for _ in range(2):  # in a fresh clone, the first installs
        done = subprocess.run([str(ROOT / "scripts" / "install")], capture_output=True, text=True)
        stamps.add((ROOT / ".venv" / "installed-workshop").stat().st_mtime_ns)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(stamps) == 1, "the second looks at a stamp, and does nothing"
