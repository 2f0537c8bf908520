"""Code in one pipeline.py that takes what it can: nobody else's run is harmed, its owner is told why theirs ended."""

from contextlib import closing

import pytest

from tests.cluster.room import ClusterRoom
from tests.people import arrived
from tests.room import wait_until

ABUSE = {
    "a fork bomb": (
        """
        import os
        def load_users(world, day):
            while True:
                os.fork()
        def load_orders(world, day): pass
        """,
        ["Resource temporarily unavailable"],
    ),
    "ten gigabytes of memory": (
        """
        def load_users(world, day):
            held = [bytearray(2**28) for _ in range(40)]
        """,
        ["memory"],
    ),
    "an endless loop": (
        """
        def load_users(world, day):
            while True:
                pass
        """,
        ["longer than", "seconds"],
    ),
    "an endless loop that listens to nobody": (
        """
        def load_users(world, day):
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    pass
        """,
        [],
    ),
    "an end without a word": (
        """
        import os
        def load_users(world, day):
            os._exit(1)
        """,
        [],
    ),
    "deleting all it can see": (
        """
        import pathlib, shutil
        def load_users(world, day):
            for place in pathlib.Path("/").iterdir():
                shutil.rmtree(place, ignore_errors=True)
        """,
        [],
    ),
}


@pytest.mark.parametrize("name", ABUSE)
def test_nobody_else_is_harmed(morning: ClusterRoom, name: str) -> None:
    room, (code, words) = morning, ABUSE[name]
    room.inside("jupyter-blue", "cp -a $FDE_WORLD/. /tmp/kept")
    room.put_pipeline("blue", code)
    with closing(arrived(room, "blue")) as blue, closing(arrived(room, "green")) as green:
        theirs = room.trigger(blue, "blue")
        for _ in range(2):  # while blue's goes on
            assert room.end_of(green, "green", room.trigger(green, "green"), 300) == "success"
        assert room.end_of(blue, "blue", theirs, 480) == "failed"
        said = room.python("jupyter-blue", TOLD % theirs)
    wait_until(
        lambda: not room.pods("component=worker,workshop/attendee=blue"), 300, "the end of blue's pods", pause=0.5
    )
    room.inside("jupyter-blue", "cp -a /tmp/kept/. $FDE_WORLD && rm -rf /tmp/kept")
    assert len(room.shown("green")) > 0
    assert all(word in said for word in words), said
    assert said.strip(), "something is said"
    room.put_pipeline("blue", "functional")
    assert room.run("blue") == "success", "and the next run of blue's goes well"


# What `airflow.run()` prints in a notebook when a run has failed.
TOLD = """
    import httpx
    from workshop import airflow, airflow_api, settings
    with httpx.Client(base_url=settings.airflow_url(), trust_env=False, timeout=30) as client:
        client.headers["Authorization"] = f"Bearer {airflow_api.bought_token(client)}"
        airflow.watch(client, "/api/v2/dags/user_data_dag.blue/dagRuns/%s")
"""
