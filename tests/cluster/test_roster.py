"""Somebody comes late: one name more in the room's file, and nobody else notices."""

import json
import time
from contextlib import closing, suppress

from tests.cluster.room import ClusterRoom
from tests.people import Person, arrived
from tests.room import wait_until

LATE = "late"


def signs_in(room: ClusterRoom) -> bool:
    password = room.access["attendees"].get(LATE)
    with closing(Person(room.url)) as person:
        return bool(password) and person.sign_in(LATE, password).status_code == 302


def has_a_dag(room: ClusterRoom) -> bool:
    with suppress(Exception), closing(arrived(room, LATE)) as person:
        return person.get(f"/api/v2/dags/user_data_dag.{LATE}").status_code == 200
    return False


def test_an_attendee_who_comes_late(morning: ClusterRoom) -> None:
    room, file = morning, morning.home / "room.yaml"
    before, labs = json.loads(file.read_text()), room.pods("component=singleuser-server")
    room.more["WORKSHOP_IMAGE"] = room.pods("component=scheduler")[0]["spec"]["containers"][0]["image"]
    clocks, passwords = room.clocks(), room.access["attendees"]
    with closing(arrived(room, "blue")) as blue:
        run = room.trigger(blue, "blue")
        try:
            file.write_text(json.dumps({**before, "attendees": [*before["attendees"], LATE]}))
            begin = time.monotonic()
            done = room.script("release", "workshop")  # what Tilt does when it sees the file
            assert done.returncode == 0, done.stderr
            wait_until(lambda: signs_in(room) and has_a_dag(room), 240, "sign-in and DAG")
            took = time.monotonic() - begin
            assert f"clock-{LATE}" in room.clocks()
            assert room.end_of(blue, "blue", run, 300) == "success", "a run that was under way"
            assert room.run(LATE) == "success"
            assert {name: room.clocks()[name] for name in clocks} == clocks
            assert {name: room.access["attendees"][name] for name in passwords} == passwords
            assert [pod["metadata"]["uid"] for pod in room.pods("component=singleuser-server")] == [
                pod["metadata"]["uid"] for pod in labs
            ], "nobody's Lab is touched"
            print(f"sign-in and DAG after {took:.0f} s")
        finally:
            file.write_text(json.dumps(before))
            room.script("release", "workshop")
