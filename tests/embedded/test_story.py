"""The story by Airflow's runs, in one room: blue's pipeline is functional, green's is not; neither sees the other's."""

import shutil
from collections.abc import Iterator

import pandas as pd
import pytest

import fde.desk
from fde.changes import users_changed
from fde.world import World
from tests.people import arrived
from tests.room import ROOT, Room
from workshop import desk

pytestmark = pytest.mark.embedded

DAY_1, DAY_2, DAY_3 = "2022-01-01", "2022-01-02", "2022-01-03"
OAK = 59_950  # cents that Oak spent on day 1, before Oak's status changed


@pytest.fixture(autouse=True)
def first_morning(room: Room, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Empty desks on day 1."""
    monkeypatch.setenv("FDE_HOME", str(room.home))
    for script in ("day-1", "deploy latest"):
        assert room.script(*script.split()).returncode == 0
    begin("blue", "functional")
    begin("green", "mutable")
    yield
    for script in ("day-1", "deploy latest"):
        room.script(*script.split())
    begin("blue", "mutable")
    begin("green", "mutable")


def begin(name: str, stage: str) -> World:
    world = desk.open(name)
    fde.desk.start_over(world.path)
    shutil.copy(ROOT / "solutions" / f"{stage}.py", world.desk / "pipeline.py")
    return world


def run(room: Room, **days: str | None) -> None:
    """Trigger everybody's DAG at once, as themselves; all must succeed."""
    people = {name: arrived(room, name) for name in days}
    try:
        runs = {name: room.trigger(people[name], name, day) for name, day in days.items()}
        assert {name: room.end_of(people[name], name, runs[name]) for name in days} == dict.fromkeys(days, "success")
    finally:
        for person in people.values():
            person.close()


def shown(name: str) -> pd.DataFrame:
    return desk.open(name).sales()[0]


def cents(name: str, day: str, status: str) -> int:
    rows = shown(name).set_index(["sales_date", "status"])["revenue_cents"]
    return int(rows.get((day, status), 0))


def test_the_story(room: Room) -> None:
    blue = desk.open("blue")
    run(room, blue=None, green=None)
    seen = {1: shown("blue")}
    assert shown("green").equals(seen[1]), "on day 1 both pipelines show the same"

    assert room.script("day-2").returncode == 0
    silver, gold = cents("green", DAY_1, "silver"), cents("green", DAY_1, "gold")
    run(room, blue=None, green=None)
    assert (cents("green", DAY_1, "silver"), cents("green", DAY_1, "gold")) == (silver - OAK, gold + OAK)
    seen[2] = shown("blue")
    assert seen[2][seen[2]["sales_date"] < DAY_2].equals(seen[1]), "functional: no row of a past day differs"

    green = begin("green", "immutable_users")
    assert room.script("day-3", "blue").returncode == 0
    run(room, blue=None, green=DAY_1)
    seen[3] = shown("blue")
    assert seen[3][seen[3]["sales_date"] < DAY_3].equals(seen[2])
    assert cents("blue", DAY_3, "bronze") > 3_600_000, "the fake order is there"
    silver, before = cents("green", DAY_1, "silver"), {file: file.stat().st_mtime_ns for file in blue.lake.rglob("*")}
    assert "2022-01-02" in room.script("roll-back", "blue").stdout
    assert shown("blue").equals(seen[2]), "rolled back"
    assert {file: file.stat().st_mtime_ns for file in blue.lake.rglob("*")} == before, "no data was touched"
    assert (green.clock.day, green.clock.deployed) == (DAY_2, "latest"), "green sees nothing of blue's clock"

    assert room.script("day", "4", "blue").returncode == 0
    run(room, blue=None, green=DAY_2)
    assert cents("green", DAY_1, "silver") == silver - OAK, "immutable users: the bars still move"
    changed = users_changed(green, DAY_1, DAY_2)
    assert changed.loc[changed["change"] == "status", "name"].tolist() == ["Oak"], "but the user is named"

    run(room, blue=DAY_3)
    assert shown("blue").equals(seen[2]), "still rolled back"
    assert room.script("deploy", "latest", "blue").returncode == 0
    assert cents("blue", DAY_3, "bronze") == 154_995, "day 3 imported again is clean"
    assert cents("blue", DAY_2, "silver") == 46_540 + 14_985, "the late order joined its own day's bar"
    assert room.script("deploy", "v3", "blue").returncode == 0
    assert shown("blue").equals(seen[3]), "what was seen on day 3, as it was seen"
