"""day, deploy and their short forms: the same words everywhere; a mistake is one line, exit 2, nothing changed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fde.clock import Clock
from tests.conftest import ROOT, Attendee
from tests.programs import fake_kubectl
from workshop import clock, desk


class Scripts:
    """The scripts over the clock's folder of one workshop."""

    def __init__(self, home: Path) -> None:
        self.home, self.env = home, {**os.environ, "FDE_HOME": str(home)}
        self.env.pop("FDE_WORLD", None)

    def __call__(self, line: str, *more: str, **env: str) -> subprocess.CompletedProcess[str]:
        name, *words = [*line.split(), *more]
        return subprocess.run(
            [ROOT / "scripts" / name, *words], env={**self.env, **env}, capture_output=True, text=True
        )

    def says(self, line: str, *more: str, **env: str) -> str:
        done = self(line, *more, **env)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refuses(self, line: str, *more: str, **env: str) -> str:
        before = self.keys()
        done = self(line, *more, **env)
        assert (done.returncode, done.stdout) == (2, ""), done
        assert self.keys() == before, "a refusal changes nothing"
        assert len(done.stderr.splitlines()) == 1
        return done.stderr

    def keys(self) -> dict[str, str]:
        clocks = self.home / "clocks"
        return {str(file.relative_to(clocks)): file.read_text() for file in clocks.rglob("*") if file.is_file()}


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scripts:
    monkeypatch.setenv("FDE_HOME", str(tmp_path))
    clock.set_days([f"2022-01-0{n}" for n in range(1, 6)])
    for name in ("blue", "green"):
        clock.folder(name).mkdir()
    return Scripts(tmp_path)


@pytest.fixture(params=["folders", "kubectl"])
def both(scripts: Scripts, request: pytest.FixtureRequest) -> Scripts:
    """The same clocks, as folders and as ConfigMaps."""
    if request.param == "kubectl":
        program = fake_kubectl(scripts.home / "bin", scripts.home / "clocks")
        scripts.env |= {"PATH": f"{program.parent}:{os.environ['PATH']}", "FDE_HOME": str(scripts.home / "cluster")}
    return scripts


def seen(name: str) -> tuple[str, str]:
    one: Clock = clock.read(name)
    return one.day, one.deployed


def test_the_room_moves_everyone_in_it(scripts: Scripts) -> None:
    scripts.says("day-3 blue")
    assert (seen("blue"), seen("green")) == (("2022-01-03", "latest"), ("2022-01-01", "latest"))
    assert "Day 2 of 5: it is 2022-01-02 for everyone in the room" in scripts.says("day-2")
    assert seen("blue") == seen("green") == ("2022-01-02", "latest")


def test_an_attendees_terminal_moves_only_them(scripts: Scripts) -> None:
    world = str(scripts.home / "worlds" / "blue")
    assert "for blue" in scripts.says("day-passes", FDE_WORLD=world)
    scripts.says("day 4", FDE_WORLD=world)
    scripts.says("roll-back", FDE_WORLD=world)
    assert (seen("blue"), seen("green")) == (("2022-01-04", "2022-01-03"), ("2022-01-01", "latest"))
    assert "moves only blue" in scripts.refuses("day 1 green", FDE_WORLD=world)


def test_days_pass_until_the_last(scripts: Scripts) -> None:
    for day in ("02", "03", "04", "05"):
        scripts.says("day-passes")
        assert seen("green")[0] == f"2022-01-{day}"
    assert "2022-01-05 is the last day of the story" in scripts.refuses("day-passes")


def test_roll_back_goes_one_day_back_from_what_is_shown(scripts: Scripts) -> None:
    scripts.says("day 4")
    for day in ("03", "02", "01"):
        assert f"show 2022-01-{day}. No data was touched" in scripts.says("roll-back")
        assert seen("blue") == ("2022-01-04", f"2022-01-{day}")
    assert "roll-back: No day of the story is before the one shown, 2022-01-01" in scripts.refuses("roll-back")
    scripts.says("deploy 3")
    assert seen("blue")[1] == "2022-01-03"
    scripts.says("deploy latest")
    assert seen("blue")[1] == "latest"


def test_a_pinned_dashboard_is_said_when_the_day_moves(scripts: Scripts) -> None:
    scripts.says("deploy 1")
    assert "Dashboards still show what is deployed: 2022-01-01" in scripts.says("day 2")


@pytest.mark.parametrize(
    "word", ["0", "6", "-1", "02", "2022-01-00", "2022-01-06", "tomorrow", "2022", "v1", "*", "1;ls"]
)
def test_a_day_that_is_none_is_refused(word: str, scripts: Scripts) -> None:
    assert f"{word} is no day of the story, which has days 1 to 5" in scripts.refuses(f"day {word}")


@pytest.mark.parametrize("word", ["0", "6", "2022-01-00", "newest", "v", "V1", "v0", "-1", "*"])
def test_a_deployment_that_is_none_is_refused(word: str, scripts: Scripts) -> None:
    assert "neither latest nor a version nor a day" in scripts.refuses(f"deploy {word} blue")


def test_an_attendee_who_is_none_is_refused(scripts: Scripts) -> None:
    for line in ("day 2 red", "deploy 1 red", "roll-back red", "day 2 ../clock"):
        assert "Attendees: blue green" in scripts.refuses(line)


@pytest.mark.parametrize("line", ["day", "day -h", "deploy", "deploy --help", "day 1 blue green"])
def test_without_words_the_usage_is_shown(line: str, scripts: Scripts) -> None:
    assert "usage: " in scripts.refuses(line)


def test_without_a_workshop_the_way_to_one_is_shown(tmp_path: Path) -> None:
    done = Scripts(tmp_path)("day 1", KUBECONFIG="/dev/null")  # no cluster of this machine is meant
    assert done.returncode == 2
    assert "scripts/up" in done.stderr


@pytest.mark.parametrize("half", ["", "2022-0"])
def test_a_half_written_clock_is_said_and_can_be_set_again(half: str, scripts: Scripts) -> None:
    (scripts.home / "clocks" / "clock" / "day").write_text(half)
    if half:
        assert "2022-0" in scripts.refuses("day-passes")
        assert "2022-0" in scripts.refuses("roll-back")
    scripts.says("day 2")
    assert seen("blue")[0] == "2022-01-02"


def test_a_version_is_deployed_for_who_has_it(scripts: Scripts, attendee: Callable[..., Attendee]) -> None:
    one = attendee(name="worlds/blue")
    one.run(1, 2, 3, 4)
    one.again(3)
    scripts.says("day 4")
    scripts.says("deploy v3 blue")
    assert seen("blue")[1] == "v3"
    assert "show 2022-01-02" in scripts.says("roll-back blue"), "v3 shows the days until day 3"
    assert "no version 6" in scripts.refuses("deploy v6 blue")
    assert "no version 1x" in scripts.refuses("deploy v1x blue")
    assert "no version 1" in scripts.refuses("deploy v1 green")
    assert "differ from desk to desk" in scripts.refuses("deploy v3")
    world = str(scripts.home / "worlds" / "blue")
    scripts.says("deploy v5", FDE_WORLD=world)
    assert "show 2022-01-03" in scripts.says("roll-back", FDE_WORLD=world), "v5 shows the days until day 4"


def test_a_stopped_write_leaves_the_old_day(scripts: Scripts) -> None:
    scripts.says("day 2")
    (scripts.home / "clocks" / "clock" / ".day").write_text("2022-0")
    assert seen("blue")[0] == "2022-01-02"
    scripts.says("day 3")
    assert seen("blue")[0] == "2022-01-03"


def test_catch_up_is_for_one_attendee_and_says_what_is_wrong(scripts: Scripts) -> None:
    (scripts.home / "worlds" / "blue").mkdir(parents=True)
    (scripts.home / "hub").mkdir()
    (scripts.home / "hub" / "plan.json").write_text(f'{{\n  "pack": "{ROOT / "sources" / "shop"}"\n}}')
    assert "Whose desk? catch-up 3 ATTENDEE, or everyone. Attendees: blue green" in scripts.refuses("catch-up 3")
    assert "There is no attendee red" in scripts.refuses("catch-up 3 red")
    assert "12 is no step" in scripts.refuses("catch-up 12 blue")
    assert "worlds/blue: no desk here" in scripts.refuses("catch-up 3 blue")
    desk.make("blue")
    (scripts.home / "cluster").write_text("kind-nowhere")  # the room is in a cluster now: no desk of this machine's
    kept = list((scripts.home / "worlds" / "blue" / "kept").iterdir())
    assert scripts("catch-up 4 blue").returncode == 2
    assert list((scripts.home / "worlds" / "blue" / "kept").iterdir()) == kept == []
    (scripts.home / "cluster").unlink()
    assert "This is the desk of step 4" in scripts.says("catch-up 4 blue")
    world = {
        "FDE_WORLD": str(scripts.home / "worlds" / "blue"),
        "PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}",
    }
    assert "Your former desk is back" in scripts.says("catch-up --undo", **world)
    assert "moves only blue" in scripts.refuses("catch-up 3 green", **world)


def test_everyone_catches_up_and_one_who_cannot_stops_nobody(scripts: Scripts) -> None:
    (scripts.home / "hub").mkdir()
    (scripts.home / "hub" / "plan.json").write_text(f'{{"pack": "{ROOT / "sources" / "shop"}"}}')
    desk.make("green")
    done = scripts("catch-up 2 everyone")
    assert done.returncode == 2
    assert "worlds/blue: no desk here" in done.stderr
    assert "--- green\nThis is the desk of step 2" in done.stdout
    desk.make("blue")
    assert scripts.says("catch-up 3 everyone").count("This is the desk of step 3") == 2
    assert scripts.says("catch-up --undo everyone").count("Your former desk is back") == 2
    assert "moves only blue" in scripts.refuses("catch-up 3 everyone", FDE_WORLD=str(scripts.home / "worlds" / "blue"))


def test_nobody_gets_past_a_held_day_and_freed_they_are_where_they_were(both: Scripts) -> None:
    both.says("day 1")
    both.says("day 4 blue")
    assert "The room is held at day 2, 2022-01-02" in both.says("hold 2")
    assert (seen("blue")[0], seen("green")[0]) == ("2022-01-02", "2022-01-01")
    both.says("day-passes green")
    for line in ("day-passes green", "day-passes blue", "day 3", "day-3", "day 2022-01-05 green"):
        refused = both.refuses(line)
        assert "The room is held at day 2, 2022-01-02. It goes on when the instructor says so: hold none." in refused
    both.says("day-passes")
    assert "everybody has the day they had" in both.says("hold")
    both.says("day-passes blue")
    assert (seen("blue")[0], seen("green")[0]) == ("2022-01-03", "2022-01-02")


def test_freed_everybody_has_the_day_they_had(both: Scripts) -> None:
    both.says("day 3")
    both.says("day 5 blue")
    before = both.keys()
    both.says("hold 2022-01-02")
    assert seen("blue")[0] == seen("green")[0] == "2022-01-02"
    assert "The room is held" in both.refuses("day-passes blue")
    assert "show 2022-01-01" in both.says("roll-back blue"), "the day before the one shown, which is the held one"
    (both.home / "clocks" / "clock-blue" / "deployed").unlink()
    both.says("hold none")
    assert both.keys() == before


@pytest.mark.parametrize("word", ["0", "6", "2022-01-06", "v1", "yes"])
def test_a_room_is_held_at_a_day_of_the_story(word: str, scripts: Scripts) -> None:
    assert f"{word} is no day of the story, which has days 1 to 5" in scripts.refuses(f"hold {word}")


def test_in_a_held_room_an_attendees_own_terminal_says_so(scripts: Scripts) -> None:
    world = str(scripts.home / "worlds" / "blue")
    scripts.says("hold 1")
    for line in ("day-passes", "day 2", "day-3"):
        assert "The room is held at day 1, 2022-01-01." in scripts.refuses(line, FDE_WORLD=world)
    for line in ("hold none", "hold 2", "message hello", "incident list", "incident 3 fake-order"):
        assert "This is the terminal of blue" in scripts.refuses(line, FDE_WORLD=world)


WORDS = [
    "Coffee at ten",
    """She said: "it's $HOME & `id` $(id) !! \\n \\\\ \\" """ + "done",
    '<img src=x onerror="alert(1)"> &amp; </script>',
    "Kürbis 😀 👩\u200d💻 日本",
    "-n",
    "*",
    '"}}',
    "😀" * 300,
]


@pytest.mark.parametrize("words", WORDS)
def test_a_message_arrives_as_it_was_written(words: str, both: Scripts) -> None:
    both.says("message", words)
    assert clock.read("blue").message == clock.read("green").message == words
    assert "taken away" in both.says("message")
    assert clock.read("blue").message == ""
    assert clock.keys().get("message") is None


@pytest.mark.parametrize("words", ["x" * 301, "two\nlines", "a\ttab", "\x1b[31mred", "a return\r"])
def test_a_message_is_one_short_line(words: str, both: Scripts) -> None:
    both.says("message", "before")
    assert "message: A message " in both.refuses("message", words)


def test_an_incident_is_of_one_or_of_everyone_and_ends(both: Scripts) -> None:
    both.says("incident 3 fake-order blue")
    both.says("incident 2022-01-03 fake-order blue")
    both.says("incident 4 late-file")
    both.says("incident 4 half-a-file green")
    assert clock.read("blue").incidents == (("2022-01-03", "fake-order"), ("2022-01-04", "late-file"))
    assert clock.read("green").incidents == (("2022-01-04", "late-file"), ("2022-01-04", "half-a-file"))
    assert "Now: 2022-01-03 fake-order blue\n2022-01-04 late-file *\n2022-01-04 half-a" in both.says("incident list")
    both.says("incident --remove 4 late-file")
    both.says("incident --remove green")
    assert "no such incident" in both.refuses("incident --remove 4 late-file")
    assert "no such incident" in both.refuses("incident --remove 3 fake-order green")
    assert (clock.read("blue").incidents, clock.read("green").incidents) == ((("2022-01-03", "fake-order"),), ())
    both.says("incident 5 changed-type")
    both.says("incident --remove")
    assert clock.keys().get("incidents") is None
    assert "Now: none" in both.says("incident list")


def test_an_incident_that_is_none_is_refused(scripts: Scripts) -> None:
    assert "6 is no day of the story" in scripts.refuses("incident 6 fake-order")
    assert "fire is no incident. Incidents: fake-order " in scripts.refuses("incident 3 fire blue")
    assert "There is no attendee red" in scripts.refuses("incident 3 fake-order red")
    assert "There is no attendee red" in scripts.refuses("incident --remove red")
    for line in ("incident", "incident -h", "incident 3", "incident 3 fake-order blue green", "incident lists"):
        assert "usage: " in scripts.refuses(line)


def test_the_script_and_the_library_know_the_same_incidents(scripts: Scripts) -> None:
    known = pytest.importorskip("fde.incidents").INCIDENTS
    assert scripts.says("incident list").splitlines()[0] == f"Incidents: {' '.join(known)}"
