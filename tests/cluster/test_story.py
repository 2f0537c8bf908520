"""The story on a cluster: each task a pod, days by kubectl and by a notebook's terminal."""

from tests.cluster.room import ClusterRoom

DAY_1, DAY_2, DAY_3 = "2022-01-01", "2022-01-02", "2022-01-03"
OAK = 59_950  # cents that Oak spent on day 1, before Oak's status changed


def patch(room: ClusterRoom, clock: str, key: str, value: str) -> None:
    """As the README says it."""
    room.kubectl("patch", "configmap", clock, "--type", "merge", "-p", f'{{"data":{{"{key}":"{value}"}}}}')


def test_the_story(morning: ClusterRoom) -> None:
    room = morning
    room.put_pipeline("green", "mutable")
    assert (room.run("blue"), room.run("green")) == ("success", "success")
    seen = {1: room.shown("blue")}
    assert room.shown("green") == seen[1], "on day 1 both pipelines show the same"

    patch(room, "clock", "day", DAY_2)
    silver = room.cents("green", DAY_1, "silver")
    assert (room.run("blue"), room.run("green")) == ("success", "success")
    assert room.cents("green", DAY_1, "silver") == silver - OAK, "mutable: yesterday's bars move"
    seen[2] = room.shown("blue")
    assert [row for row in seen[2] if row["sales_date"] < DAY_2] == seen[1], "functional: no row of a past day differs"

    assert "it is 2022-01-03 for blue" in room.inside("jupyter-blue", "day-3")
    assert room.run("blue") == "success"
    assert room.cents("blue", DAY_3, "bronze") > 3_600_000, "the fake order is there"
    versions = room.inside("jupyter-blue", "fde versions; find $FDE_WORLD/desk/lake -type f | xargs stat -c '%n %Y'")
    assert DAY_2 in room.inside("jupyter-blue", "roll-back")
    assert room.shown("blue") == seen[2], "rolled back"
    again = room.inside("jupyter-blue", "fde versions; find $FDE_WORLD/desk/lake -type f | xargs stat -c '%n %Y'")
    assert again == versions, "no data was touched"
    assert room.clocks()["clock-green"] is None, "green's clock is the room's"

    room.inside("jupyter-blue", "day 4 && deploy latest")
    assert room.run("blue") == "success"
    assert room.run("blue", DAY_3) == "success"
    assert room.cents("blue", DAY_3, "bronze") == 154_995, "day 3 imported again is clean"
    assert room.cents("blue", DAY_2, "silver") == 46_540 + 14_985, "the late order joined its own day's bar"
    room.inside("jupyter-blue", "deploy v3")
    assert room.cents("blue", DAY_3, "bronze") > 3_600_000, "what was seen on day 3, as it was seen"
    assert "2022-01-02" in room.inside("jupyter-blue", "roll-back"), "v3 shows the days until day 3"
