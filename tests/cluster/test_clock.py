"""The clock of a cluster: seen at once, moved by whom it belongs to, and by nobody else."""

import textwrap
import threading
from contextlib import closing

from tests.cluster.room import ClusterRoom
from tests.cluster.test_story import DAY_1, DAY_2, DAY_3, patch
from tests.people import arrived

# What a dashboard does, again and again; prints the moment (of the node's clock) in which it saw a day.
WATCH = """
    import pathlib, time
    from workshop import desk
    world, until = desk.open(), time.monotonic() + 30
    pathlib.Path("/tmp/watching").touch()
    while world.clock.day != "{day}" and time.monotonic() < until:
        pass
    print(time.time(), flush=True)
"""


LIMIT = 12  # seconds, on a machine that does much else: a mounted clock would follow after 16
WATCHING = "until rm /tmp/watching 2>/dev/null; do sleep 0.1; done"


def seen_after(room: ClusterRoom, day: str, move: list[str]) -> float:
    """Seconds from the end of a command in blue's terminal until another notebook of blue's sees the day."""
    seen: list[float] = []
    code = textwrap.dedent(WATCH.format(day=day))
    watcher = threading.Thread(target=lambda: seen.append(float(room.python("jupyter-blue", code).split()[-1])))
    watcher.start()
    room.inside("jupyter-blue", WATCHING)
    moved = float(room.inside("jupyter-blue", f"{' '.join(move)} >/dev/null; date +%s.%N"))
    watcher.join(60)
    assert seen, "the other notebook never saw it"
    return seen[0] - moved


def test_a_day_is_seen_by_a_dashboard_at_once(morning: ClusterRoom) -> None:
    room = morning
    assert seen_after(room, DAY_2, ["day-2"]) < LIMIT, "from a terminal of JupyterLab"
    room.inside("jupyter-blue", "day-1")
    room.script("day-1")
    # From the host: the node's clock is the host's.
    seen: list[str] = []
    code = WATCH.format(day=DAY_3)
    watcher = threading.Thread(target=lambda: seen.append(room.python("jupyter-blue", code).split()[-1]))
    watcher.start()
    room.inside("jupyter-blue", WATCHING)
    moved = float(room.inside("jupyter-blue", "date +%s.%N"))
    patch(room, "clock", "day", DAY_3)  # its own 100 ms included
    watcher.join(60)
    assert 0 < float(seen[0]) - moved < LIMIT


def test_the_next_run_always_sees_the_day(morning: ClusterRoom) -> None:
    room = morning
    with closing(arrived(room, "blue")) as blue:
        for day in (DAY_2, DAY_1, DAY_3):
            patch(room, "clock", "day", day)
            run = room.trigger(blue, "blue")  # at once
            assert room.end_of(blue, "blue", run, 300) == "success"
            said = " ".join(str(row.get("event")) for row in room.log(blue, "blue", run, "start_import"))
            assert f"This run imports {day}." in said


def test_the_scripts_say_the_same_on_the_host(morning: ClusterRoom) -> None:
    room = morning
    assert "it is 2022-01-02 for everyone in the room" in room.script("day-2").stdout
    room.script("day-3", "blue")
    assert room.clocks()["clock-blue"] == {"day": DAY_3}
    room.script("day-passes")
    assert (room.clocks()["clock"]["day"], room.clocks()["clock-blue"]) == (DAY_3, None), "the room moves everyone"
    assert "show 2022-01-02" in room.script("roll-back").stdout
    refused = room.script("deploy", "v3", "blue")
    assert refused.returncode == 2 and "sign in as instructor" in refused.stderr
    assert room.script("day", "2", "red").returncode == 2


def test_an_attendee_moves_their_own_clock_and_no_other(morning: ClusterRoom) -> None:
    room, before = morning, morning.clocks()
    assert "moves only blue" in room.inside("jupyter-blue", "day-2 green", check=False)
    by_hand = "env -u FDE_WORLD day-2"  # a curious one calls the script as the instructor would
    assert "orbidden" in room.inside("jupyter-blue", by_hand, check=False)
    assert room.clocks() == before
    room.inside("jupyter-blue", "day-2")
    assert room.clocks() == {**before, "clock-blue": {"day": DAY_2}}
