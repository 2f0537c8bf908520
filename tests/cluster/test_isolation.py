"""What blue's code reaches, from their notebook and from a task: their own, and nothing else.

Each refusal has a control: the same question asked by somebody who may, so that a dead address proves nothing.
"""

import json
import textwrap
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.cluster.room import NODE, ClusterRoom
from tests.people import arrived

PORTS = """
    import json, socket
    def opens(host, port):
        try:
            socket.create_connection((host, port), timeout=3).close()
            return True
        except OSError:
            return False
    from concurrent.futures import ThreadPoolExecutor
    places = json.loads('%s')
    with ThreadPoolExecutor(len(places)) as pool:
        result = {f"{host}:{port}": found for (host, port), found in zip(places, pool.map(lambda p: opens(*p), places))}
"""
# A pipeline that is none: runs a probe in the task and keeps what it found.
PROBE = """
    def load_users(world, day):
        import textwrap
        found = {}
        exec(textwrap.dedent(%r), found)
        import json
        (world.files / "probe.json").write_text(json.dumps(found["result"]))
    def load_orders(world, day): pass
    def process_users_orders(world, day): pass
"""


def from_notebook(room: ClusterRoom, code: str) -> Any:
    return json.loads(room.python("jupyter-blue", f"{textwrap.dedent(code)}\nprint(json.dumps(result))"))


def from_task(room: ClusterRoom, code: str) -> Any:
    room.put_probe("blue", PROBE % code)
    room.inside("jupyter-blue", "rm -f $FDE_WORLD/desk/files/probe.json")
    state = room.run("blue")
    assert state == "success", room.inside("jupyter-blue", "cat $FDE_WORLD/desk/pipeline.py")
    return json.loads(room.inside("jupyter-blue", "cat $FDE_WORLD/desk/files/probe.json"))


ASKERS = pytest.mark.parametrize("ask", [from_notebook, from_task])
Ask = Callable[[ClusterRoom, str], Any]


def address(room: ClusterRoom, selector: str) -> str:
    return str(room.pods(selector)[0]["status"]["podIP"])


def node_address(room: ClusterRoom) -> str:
    (node,) = json.loads(room.kubectl("get", "nodes", "-o", "json"))["items"]
    return str(next(a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP"))


def places(room: ClusterRoom) -> dict[str, tuple[str, int]]:
    """Where the parts of the room listen."""
    node = node_address(room)
    return {
        "postgres": ("postgres", 5432),
        "postgres, by its address": (address(room, "app=postgres"), 5432),
        "scheduler's health": (address(room, "component=scheduler,tier=airflow"), 8974),
        "proxy's api": (address(room, "component=proxy"), 8001),
        "green's notebook": (address(room, "component=singleuser-server,hub.jupyter.org/username=green"), 8888),
        "kubelet": (node, 10250),
        "etcd": (node, 2379),
        "cloud metadata": ("169.254.169.254", 80),
        "api-server of Airflow": (address(room, "component=api-server,tier=airflow"), 8080),
        "board": ("board", 8080),
        "board, by its address": (address(room, "app=board"), 8080),
        "hub": (address(room, "component=hub"), 8081),
        "cluster": (node, 6443),
        "proxy": (address(room, "component=proxy"), 8000),
    }


ALLOWED = {from_notebook: {"hub", "cluster", "proxy"}, from_task: {"api-server of Airflow"}}


@ASKERS
def test_only_what_is_needed_can_be_reached(morning: ClusterRoom, ask: Ask) -> None:
    where = places(morning)
    opens = ask(morning, PORTS % json.dumps(list(where.values())))
    assert {name for name, (host, port) in where.items() if opens[f"{host}:{port}"]} == ALLOWED[ask]


def test_the_same_places_answer_those_who_may(morning: ClusterRoom) -> None:
    """Else the test above would knock at dead doors."""
    where = places(morning)
    asked = {
        "deploy/airflow-scheduler": {"postgres", "postgres, by its address", "cluster"},
        "deploy/hub": {"proxy's api", "green's notebook", "cluster"},
        "deploy/airflow-api-server": {"hub"},
        "deploy/board": {"hub", "cluster", "api-server of Airflow"},
    }
    for pod, names in asked.items():
        code = PORTS % json.dumps([where[name] for name in names]) + "\n    print(json.dumps(result))"
        answers = json.loads(morning.kubectl("exec", "-i", pod, "--", "python3", "-", text=textwrap.dedent(code)))
        assert all(answers.values()), (pod, answers)
    node = morning.kubectl("get", "--raw", f"/api/v1/nodes/{NODE}/proxy/healthz")
    assert node == "ok", "the kubelet"


FILES = """
    import json, os, pathlib
    def below(top):
        found = []
        for path in pathlib.Path(top).glob("*"):
            found.append(str(path))
        return sorted(found)
    secrets = []
    for file in ["/proc/self/environ", "/proc/1/environ", "/opt/airflow/airflow.cfg"]:
        try:
            text = open(file, errors="replace").read()
        except OSError:
            continue
        secrets += [word for word in ("postgresql", "FERNET", "JWT_SECRET", "SECRET_KEY=") if word in text]
    result = {
        "worlds": below("/room/worlds"),
        "logs": below("/opt/airflow/logs"),
        "secrets": secrets,
        "account": os.path.exists("/var/run/secrets/kubernetes.io/serviceaccount/token"),
        "uid": [os.getuid(), os.getgid()],
        "clocks": sorted(p.name for p in pathlib.Path("/room/clocks").glob("*")),
    }
"""


@ASKERS
def test_only_their_own_world_is_there(morning: ClusterRoom, ask: Ask) -> None:
    found = ask(morning, FILES)
    assert found["worlds"] == ["/room/worlds/blue"]
    assert found["secrets"] == []
    assert found["uid"] == [50000, 0]
    task = ask is from_task
    assert found["logs"] == (["/opt/airflow/logs/dag_id=user_data_dag.blue"] if task else [])
    assert found["account"] is not task, "a task has no account to ask the cluster with"
    assert found["clocks"] == (["clock", "clock-blue"] if task else [])


def test_keys_are_where_they_belong(morning: ClusterRoom) -> None:
    """Else the test above would look for words that occur nowhere."""
    environ = morning.kubectl("exec", "deploy/airflow-scheduler", "--", "cat", "/proc/self/environ")
    assert all(word in environ for word in ("postgresql", "FERNET", "JWT_SECRET", "SECRET_KEY="))


@pytest.mark.parametrize(
    "words",
    [
        "get secrets",
        "get secret access",
        "get secret airflow-keys",
        "get secret hub",
        "get pods",
        "get configmaps",
        "get configmap clock-green",
        "get configmap room",
        'patch configmap clock-green --type merge -p {"data":{"day":"2022-01-05"}}',
        'patch configmap clock --type merge -p {"data":{"day":"2022-01-05"}}',
        "delete configmap clock-blue",
        "exec deploy/postgres -- id",
        "exec jupyter-green -- id",
        "logs deploy/hub",
        "delete pod jupyter-green",
        "run mine --image=postgres:17-alpine",
        "create token prepare",
        "create rolebinding mine --clusterrole=cluster-admin --serviceaccount=default:attendee-blue",
        "get nodes",
        "get --raw /api/v1/nodes/fde-test-control-plane/proxy/pods",
        "get secrets --namespace kube-system",
        "get networkpolicies",
    ],
)
def test_the_cluster_refuses_an_attendee(room: ClusterRoom, words: str) -> None:
    before = room.clocks()
    said = room.kubectl("exec", "jupyter-blue", "--", "kubectl", *words.split(), check=False)
    assert "orbidden" in said, said
    assert room.clocks() == before


def test_the_cluster_gives_an_attendee_their_clock(morning: ClusterRoom) -> None:
    for name in ("clock", "clock-blue"):
        said = morning.kubectl("exec", "jupyter-blue", "--", "kubectl", "get", "configmap", name, "-o", "name")
        assert said.strip() == f"configmap/{name}"


AIRFLOW = """
    import httpx, json
    from workshop import airflow_api, settings
    client = httpx.Client(base_url=settings.airflow_url(), trust_env=False, timeout=30)
    client.headers["Authorization"] = f"Bearer {airflow_api.bought_token(client)}"
    asked = {"logical_date": None, "partition_key": "2022-01-01"}
    result = {}
    for name in ("green", "blue"):
        dag = f"api/v2/dags/user_data_dag.{name}"
        logs = f"{dag}/dagRuns/%s/taskInstances/load_users/logs/1"
        run = client.post(f"{dag}/dagRuns", json=asked)
        result[name] = [client.get(dag).status_code, client.get(f"{dag}/dagRuns").status_code,
                        client.get(logs).status_code, run.status_code]
    result["run"] = run.json()["dag_run_id"]
    result["execution"] = client.get("execution/health").status_code
    result["all"] = [dag["dag_id"] for dag in client.get("api/v2/dags").json()["dags"]]
"""


def test_airflow_shows_an_attendee_their_own_dag(morning: ClusterRoom) -> None:
    with closing(arrived(morning, "green")) as green:
        run = morning.trigger(green, "green")
        assert morning.end_of(green, "green", run, 300) == "success"
    found = from_notebook(morning, AIRFLOW % run)
    assert found["green"] == [403] * 4
    assert found["blue"][:2] == [200, 200] and found["blue"][3] == 200
    assert sorted(found["all"]) == ["catch_up.blue", "check.blue", "user_data_dag.blue"]
    assert found["execution"] == 404, "the API of tasks is not at the people's port"
    with closing(arrived(morning, "blue")) as blue:
        morning.end_of(blue, "blue", found["run"], 300)


LINK = """
    import os, pathlib
    own = pathlib.Path("/opt/airflow/logs/dag_id=user_data_dag.blue")
    newest = max(own.glob("run_id=*/task_id=load_users"), key=os.path.getmtime)
    for number, target in enumerate(["/opt/airflow/logs/dag_id=user_data_dag.green/%s", "/proc/self/environ"]):
        link = newest / f"attempt=1.log.{number}"
        link.symlink_to(target)
    os.mkfifo(newest / "attempt=1.log.pipe")
    with open(newest / "attempt=1.log.large", "wb") as large:
        large.truncate(2**40)
    result = str(newest)
"""


def test_a_link_in_blues_logs_shows_nobody_elses(morning: ClusterRoom) -> None:
    room = morning
    with closing(arrived(room, "green")) as green, closing(arrived(room, "blue")) as blue:
        room.put_probe("green", "\ndef load_users(world, day):\n    print('planted-by-green')\n")
        theirs = room.trigger(green, "green")
        room.end_of(green, "green", theirs, 300)
        log = f"run_id={theirs}/task_id=load_users/attempt=1.log"
        assert "planted-by-green" in str(room.log(green, "green", theirs, "load_users"))
        room.put_probe("blue", PROBE % (LINK % log))
        run = room.trigger(blue, "blue")
        assert room.end_of(blue, "blue", run, 300) == "success"
        seen = str(room.log(blue, "blue", run, "load_users"))
        assert "planted-by-green" not in seen and "POSTGRES" not in seen and "JWT_SECRET" not in seen


MINT = """
    import sys
    from airflow.executors.base_executor import BaseExecutor
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select
    with create_session() as session:
        asked = select(TaskInstance.id).where(TaskInstance.dag_id == "user_data_dag.blue").limit(1)
        task = str(session.scalar(asked))
    maker = BaseExecutor.jwt_generator.func(None)
    print("TOKEN", task, maker.generate(extras={"sub": task, "scope": "execution"}))
"""
AS_A_TASK = """
    import httpx
    client = httpx.Client(base_url="http://airflow-api-server:8080/services/airflow/execution/", timeout=30)
    client.headers["Authorization"] = "Bearer %s"
    asked = {
        "start green's DAG": ("POST", "dag-runs/user_data_dag.green/mine", {}),
        "read green's day": ("GET", "xcoms/user_data_dag.green/%s/start_import/return_value", None),
        "change green's day": ("POST", "xcoms/user_data_dag.green/%s/start_import/return_value", "2022-01-05"),
        "look at green's run": ("GET", "dag-runs/user_data_dag.green/%s", None),
        "end another task": ("PATCH", "task-instances/00000000-0000-7000-8000-000000000000/state", {"state": "failed"}),
        "read a variable": ("GET", "variables/keys", None),
        "read a connection": ("GET", "connections/any", None),
        "read its own day": ("GET", "xcoms/user_data_dag.blue/%s/start_import/return_value", None),
    }
    result = {}
    for name, (method, path, body) in asked.items():
        answer = client.request(method, path, **({} if body is None else {"json": body}))
        result[name] = answer.status_code
"""


def test_a_tasks_token_is_good_for_its_owners_runs(morning: ClusterRoom) -> None:
    """With the best token that code in a task could get hold of. Airflow 3.3 alone would let it start green's DAG."""
    room = morning
    with closing(arrived(room, "green")) as green, closing(arrived(room, "blue")) as blue:
        theirs, own = room.trigger(green, "green"), room.trigger(blue, "blue")
        assert (room.end_of(green, "green", theirs, 300), room.end_of(blue, "blue", own, 300)) == ("success",) * 2
        before = green.get("/api/v2/dags/user_data_dag.green/dagRuns").json()["total_entries"]
        minted = room.kubectl(
            "exec", "-i", "deploy/airflow-api-server", "--", "python", "-", text=textwrap.dedent(MINT)
        )
        token = next(line.split()[2] for line in minted.splitlines() if line.startswith("TOKEN"))
        answers = from_task(room, AS_A_TASK % (token, theirs, theirs, theirs, own))
        assert answers.pop("read its own day") == 200
        assert answers == dict.fromkeys(answers, 403)
        assert green.get("/api/v2/dags/user_data_dag.green/dagRuns").json()["total_entries"] == before


def test_a_desk_that_is_a_link_leads_to_nobody(morning: ClusterRoom) -> None:
    room = morning
    assert room.run("green") == "success"
    # All of a world but its verdicts: the board may have green's pipeline checked meanwhile.
    whole = "cd $FDE_WORLD && find . -path ./.verdict -prune -o -type f -print | sort | xargs sha256sum"
    before = room.inside("jupyter-green", whole)
    room.inside("jupyter-blue", "mv $FDE_WORLD/desk $FDE_WORLD/mine && ln -s ../green/desk $FDE_WORLD/desk")
    try:
        assert room.run("blue") == "failed"
        room.kubectl("delete", "job", "-l", "component=prepare")
        room.more["WORKSHOP_IMAGE"] = room.pods("component=scheduler")[0]["spec"]["containers"][0]["image"]
        again = room.script("release", "workshop")
        assert again.returncode == 0, again.stderr
    finally:
        room.inside("jupyter-blue", "rm $FDE_WORLD/desk && mv $FDE_WORLD/mine $FDE_WORLD/desk")
    after = room.inside("jupyter-green", whole)
    assert after == before
