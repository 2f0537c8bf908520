"""The laws of the charts, as helm renders them with the arguments of scripts/release. No cluster is asked."""

import base64
import configparser
import os
import re
import shutil
import subprocess
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from fde.refused import Refused
from tests.conftest import ROOT
from tests.programs import fake
from workshop import prepare, room

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fde-workshop" / "charts"
PINNED = dict(re.findall(r"bring (\w+) ([\d.]+) ", (ROOT / "scripts" / "charts").read_text()))
OFFICIAL = all((CACHE / f"{name}-{version}" / "Chart.yaml").exists() for name, version in PINNED.items())

pytestmark = pytest.mark.skipif(not shutil.which("helm"), reason="helm is missing; scripts/doctor says from where")
official = pytest.mark.skipif(not OFFICIAL, reason=f"no official charts in {CACHE}; scripts/charts brings them")

Thing = dict[str, Any]
ROOM = {"attendees": ["blue", "green"], "pack": "sources/shop"}


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> "Releases":
    return Releases(tmp_path_factory.mktemp("releases"))


class Releases:
    """What scripts/release hands to helm, rendered instead of installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.arguments = cache(self._arguments)
        self.text = cache(self._text)

    def _arguments(self, name: str) -> tuple[str, ...]:
        log = self.folder / name
        fake(self.folder / "bin", "helm", f'[[ $1 != upgrade ]] || printf "%s\\n" "$@" >{log}')
        answers = (
            '*endpointslices*) echo "443 10.10.0.2/32" ;; *current-context) echo test ;; *filename*) cat >/dev/null ;;'
        )
        fake(self.folder / "bin", "kubectl", f'case "$*" in {answers} esac')
        env = {
            **os.environ,
            "FDE_ROOM": "room.yaml",
            "FDE_HOME": str(self.folder),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "WORKSHOP_IMAGE": "workshop:test",
        }
        subprocess.run([ROOT / "scripts" / "release", name], env=env, check=True, capture_output=True)
        upgrade, install, name, *rest = log.read_text().splitlines()
        assert (upgrade, install) == ("upgrade", "--install")
        return (name, *(word for word in rest if word != "--wait"))

    def helm(self, name: str, *more: str) -> subprocess.CompletedProcess[str]:
        command = ["helm", "template", *self.arguments(name), *more]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    def _text(self, name: str, *more: str) -> str:
        done = self.helm(name, *more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def things(self, name: str, *more: str) -> list[Thing]:
        return [thing for thing in yaml.safe_load_all(self.text(name, *more)) if thing]

    def room(self, *more: str, **values: Any) -> list[Thing]:
        """Our chart, for the room of blue and green unless `values` say another."""
        return self.things("workshop", *self.values(values), *more)

    def refuses(self, *more: str, **values: Any) -> str:
        done = self.helm("workshop", *self.values(values), *more)
        assert done.returncode != 0, "rendered what it should refuse"
        return done.stderr

    def values(self, values: Thing) -> tuple[str, str]:
        text = yaml.safe_dump({**ROOM, **values})
        file = self.folder / f"{sha256(text.encode()).hexdigest()}.yaml"
        file.write_text(text)
        return "--values", str(file)


def of(things: list[Thing], kind: str) -> dict[str, Thing]:
    return {thing["metadata"]["name"]: thing for thing in things if thing["kind"] == kind}


def pods(things: list[Thing]) -> dict[str, Thing]:
    """The spec of each pod that is described, by the name of what describes it."""
    return {thing["metadata"]["name"]: thing["spec"]["template"]["spec"] for thing in things if has_pods(thing)}


def has_pods(thing: Thing) -> bool:
    return "template" in thing.get("spec", {})


def containers(pod: Thing) -> list[Thing]:
    return [*(pod.get("initContainers") or []), *pod["containers"]]


def task(things: list[Thing]) -> Thing:
    """The pod of a task, as Airflow's scheduler reads it."""
    template: Thing = yaml.safe_load(of(things, "ConfigMap")["airflow-config"]["data"]["pod_template_file.yaml"])
    return template


# --- our chart and its schema


def test_the_chart_is_a_good_one_for_the_room_of_room_yaml(released: Releases) -> None:
    subprocess.run(["helm", "lint", "--strict", "charts/workshop", "--values", "room.yaml"], cwd=ROOT, check=True)
    things = released.things("workshop")
    for name in room.read(ROOT / "room.yaml").attendees:
        assert {f"clock-{name}"} <= of(things, "ConfigMap").keys()
        assert {f"attendee-{name}"} <= of(things, "ServiceAccount").keys()


NAMES = ["blue", "learner", "a", "1", "1-2", "a--b", "a" * 20]
BAD_NAMES = [
    "Blue",
    "-a",
    "a-",
    "a b",
    "a" * 21,
    "instructor",
    "",
    "a.b",
    "a_b",
    "blüe",
    "blue\n",
    "../a",
    7,
    None,
    True,
]


@pytest.mark.parametrize("name", NAMES)
def test_a_good_name_is_one_on_one_machine_and_in_the_cluster(name: str, released: Releases) -> None:
    assert room.checked([name], "room.yaml") == [name]
    assert f"clock-{name}" in of(released.room(attendees=[name]), "ConfigMap")


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_name_is_refused_on_one_machine_and_in_the_cluster(name: Any, released: Releases) -> None:
    with pytest.raises(Refused):
        room.checked([name], "room.yaml")
    assert "attendees" in released.refuses(attendees=[name])


@pytest.mark.parametrize("names", [[], ["blue", "blue"]])
def test_a_room_needs_somebody_and_nobody_twice(names: list[object], released: Releases) -> None:
    with pytest.raises(Refused):
        room.checked(names, "room.yaml")
    assert "attendees" in released.refuses(attendees=names)


@pytest.mark.parametrize(
    "key", ["atendees", "worlds.sizes", "logs.class", "postgres.password", "kubernetes.cidr", "database.host"]
)
def test_a_key_that_means_nothing_is_refused(key: str, released: Releases) -> None:
    assert key.split(".")[-1] in released.refuses("--set", f"{key}=x")


@pytest.mark.parametrize("pack", ["../shop", "sources/../../etc", "/etc", "", "a b", "sources/shop\n"])
def test_a_pack_lies_in_the_image(pack: str, released: Releases) -> None:
    assert "pack" in released.refuses(pack=pack)


def test_rendered_twice_it_is_the_same_text(released: Releases) -> None:
    assert released.helm("workshop").stdout == released.text("workshop")


# --- clocks, accounts, worlds


def test_the_clocks_are_rendered_without_a_key(released: Releases) -> None:
    clocks = {name: thing for name, thing in of(released.room(), "ConfigMap").items() if name.startswith("clock")}
    assert clocks.keys() == {"clock", "clock-blue", "clock-green"}
    for thing in clocks.values():
        assert thing.keys() == {"apiVersion", "kind", "metadata"}, "applying it again would move the clock"
        assert thing["metadata"]["labels"] == {"fde": "clock"}, "scripts/day finds it by this"


def test_an_attendee_reads_two_clocks_and_moves_their_own(released: Releases) -> None:
    things = released.room()
    for name in ("blue", "green"):
        account = f"attendee-{name}"
        assert account in of(things, "ServiceAccount")
        assert granted(things, account) == {
            ("configmaps", f"clock-{name}", "get"),
            ("configmaps", f"clock-{name}", "patch"),
            ("configmaps", "clock", "get"),
        }


def test_the_instructor_moves_clocks_and_no_more(released: Releases) -> None:
    clocks = ("clock", "clock-blue", "clock-green")
    moves = {("configmaps", clock, verb) for clock in clocks for verb in ("get", "patch")}
    assert granted(released.room(), "instructor") == {*moves, ("configmaps", "*", "list")}


def test_nobody_but_who_prepares_the_room_may_touch_a_secret(released: Releases) -> None:
    things = released.room()
    assert not of(things, "ClusterRole") and not of(things, "ClusterRoleBinding")
    for account in of(things, "ServiceAccount"):
        kinds = {kind for kind, _, _ in granted(things, account)}
        assert ("secrets" in kinds) == (account == "prepare"), account
    assert not {("secrets", "*", verb) for verb in ("get", "list", "patch")} & granted(things, "prepare")


def granted(things: list[Thing], account: str) -> set[tuple[str, str, str]]:
    """What an account may do: (kind, name, verb), `*` for any name."""
    rights = set()
    for binding in of(things, "RoleBinding").values():
        if account in {subject["name"] for subject in binding["subjects"]}:
            for rule in of(things, binding["roleRef"]["kind"])[binding["roleRef"]["name"]]["rules"]:
                names = rule.get("resourceNames", ["*"])
                rights |= {(kind, name, verb) for kind in rule["resources"] for name in names for verb in rule["verbs"]}
    return rights


def test_what_people_made_outlives_the_release(released: Releases) -> None:
    claims = of(released.room(), "PersistentVolumeClaim")
    assert claims.keys() == {"worlds", "logs", "postgres"}
    for claim in claims.values():
        assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


CHANGES: list[Thing] = [
    {"attendees": ["blue"]},
    {"attendees": ["blue", "red"]},
    {"pack": "sources/other"},
    {"image": "workshop:other"},
    {"url": "https://workshop.example.org"},
    {"postgres": {"size": "9Gi", "image": "postgres:17"}},
    {"postgres": {"enabled": False}},
    {"worlds": {"size": "9Gi", "accessMode": "ReadWriteMany", "storageClass": "shared"}},
    {"kubernetes": {"port": 443}},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_the_job_has_a_new_name_exactly_when_it_has_something_new_to_do(change: Thing, released: Releases) -> None:
    name, pod = job(released.room())
    more = () if "image" not in change else ("--set", f"image={change['image']}")
    new_name, new_pod = job(released.room(*more, **change))
    assert (new_name != name) == (new_pod != pod), "a Job that is there cannot be changed"
    assert (new_name != name) == bool(change.keys() & {"attendees", "pack", "image", "url"})


def job(things: list[Thing]) -> tuple[str, Thing]:
    [(name, thing)] = of(things, "Job").items()
    assert name.startswith("prepare-")
    return name, thing["spec"]


# --- keys


def test_our_chart_renders_no_secret(released: Releases) -> None:
    assert not of(released.room(), "Secret")


@official
def test_airflows_chart_renders_no_key(released: Releases) -> None:
    things = released.things("airflow")
    # It holds the address of a broker, "nil" here: Celery's, which is not in use.
    assert of(things, "Secret").keys() <= {"airflow-broker-url"}
    for secret in of(things, "Secret").values():
        assert all(base64.b64decode(value) == b"%!s(<nil>)" for value in secret["data"].values())
    settings = configparser.RawConfigParser(strict=False)
    settings.read_string(of(things, "ConfigMap")["airflow-config"]["data"]["airflow.cfg"])
    for section in settings.sections():
        for key in ("sql_alchemy_conn", "fernet_key", "secret_key", "jwt_secret", "result_backend", "broker_url"):
            assert not settings.get(section, key, fallback=""), key


@official
def test_a_key_reaches_a_container_by_reference_only(released: Releases) -> None:
    for name in ("workshop", "airflow", "jupyterhub"):
        for pod in pods(released.things(name)).values():
            for container in containers(pod):
                for entry in container.get("env") or []:
                    if re.search(r"PASSWORD|SECRET|TOKEN|_KEY|CONN", entry["name"]):
                        assert "secretKeyRef" in entry["valueFrom"], entry["name"]


@official
def test_a_task_holds_no_key(released: Releases) -> None:
    pod = task(released.things("airflow"))["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod
    assert all(volume.keys() <= {"name", "configMap", "persistentVolumeClaim"} for volume in pod["volumes"])
    for container in containers(pod):
        assert all("valueFrom" not in entry for entry in container.get("env", []))
        assert [entry.keys() for entry in container["envFrom"]] == [{"configMapRef"}]
        # workshop.task_pod adds what is the attendee's; a mount here would be everybody's.
        assert {mount["name"] for mount in container["volumeMounts"]} == {"config"}


@official
def test_airflows_second_rendering_restarts_nothing(released: Releases) -> None:
    assert released.helm("airflow").stdout == released.text("airflow")


# --- what a container may and takes


def test_each_container_of_ours_is_locked_and_bounded(released: Releases) -> None:
    described = pods(released.room())
    assert len(described) == 2
    for pod in described.values():
        check_bounds(pod)
        assert pod["securityContext"]["runAsNonRoot"] is True


@official
def test_each_container_of_airflow_is_locked_and_bounded(released: Releases) -> None:
    things = released.things("airflow")
    described = {**pods(things), "task": task(things)["spec"]}
    assert described.keys() >= {"airflow-scheduler", "airflow-api-server", "airflow-dag-processor"}
    for pod in described.values():
        check_bounds(pod)
    assert described["task"]["securityContext"]["runAsNonRoot"] is True
    assert {"cpu", "memory", "ephemeral-storage"} <= described["task"]["containers"][0]["resources"]["limits"].keys()


def check_bounds(pod: Thing) -> None:
    assert not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC"))
    assert all("hostPath" not in volume for volume in pod.get("volumes", []))
    for container in containers(pod):
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), container["name"]
        assert "memory" in container["resources"]["limits"], container["name"]
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False, container["name"]
        assert context["capabilities"] == {"drop": ["ALL"]}, container["name"]
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, container["name"]


# --- who may talk to whom


def test_nobody_talks_to_anybody_unless_a_policy_says_so(released: Releases) -> None:
    specs = [policy["spec"] for policy in of(released.room(), "NetworkPolicy").values()]
    assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} in specs


def test_each_policy_says_with_whom(released: Releases) -> None:
    for name, policy in of(released.room(), "NetworkPolicy").items():
        check_peers(name, policy)


def test_a_task_reaches_airflow_and_nothing_else(released: Releases) -> None:
    labels = {"tier": "airflow", "component": "worker"}
    reached = [
        (rule["to"], rule["ports"])
        for name, policy in of(released.room(), "NetworkPolicy").items()
        if name != "all-to-names" and chosen(policy["spec"]["podSelector"], labels)
        for rule in policy["spec"].get("egress", [])
    ]
    airflow = {"podSelector": {"matchLabels": {"tier": "airflow", "component": "api-server"}}}
    assert reached == [([airflow], [{"port": 8080}])]


def test_the_database_answers_airflows_own_parts_and_no_task(released: Releases) -> None:
    [rule] = of(released.room(), "NetworkPolicy")["postgres"]["spec"]["ingress"]
    for part in ("scheduler", "api-server", "dag-processor", "prepare", "worker"):
        asks = any(chosen(peer["podSelector"], {"tier": "airflow", "component": part}) for peer in rule["from"])
        assert asks == (part != "worker"), part
    assert not any(chosen(peer["podSelector"], {"app.kubernetes.io/name": "jupyterhub"}) for peer in rule["from"])


def check_peers(name: str, policy: Thing) -> None:
    for rules, peers in (("ingress", "from"), ("egress", "to")):
        for rule in policy["spec"].get(rules, []):
            assert rule.get(peers), f"{name}: a rule without {peers} means everybody"
            assert rule.get("ports"), f"{name}: a rule without ports means all of them"
            for peer in rule[peers]:
                assert peer not in ({"podSelector": {}}, {"namespaceSelector": {}}), name
                assert not peer.get("ipBlock", {}).get("cidr", "").endswith("/0"), f"{name}: the whole world"


def chosen(selector: Thing, labels: dict[str, str]) -> bool:
    """Whether a pod with these labels is meant."""
    expressions = selector.get("matchExpressions", [])
    assert all(expression["operator"] == "In" for expression in expressions)
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(expression["key"]) in expression["values"] for expression in expressions
    )


@official
def test_the_hub_lets_people_to_the_board_and_no_notebook(released: Releases) -> None:
    secret = of(released.things("jupyterhub"), "Secret")["hub"]
    hub = yaml.safe_load(base64.b64decode(secret["data"]["values.yaml"]))["hub"]
    opens = {name: "access:services!service=board" in role["scopes"] for name, role in hub["loadRoles"].items()}
    assert opens == {"user": True, "server": False, "board": False}
    assert hub["loadRoles"]["board"] == {"services": ["board"], "scopes": ["access:services!service=airflow"]}
    assert set(prepare.HUB_KEYS) == {key for key in secret["data"] if key.startswith("hub.")}


# --- the extra values for several nodes


def cloud(name: str) -> tuple[str, str]:
    return "--values", f"charts/cloud/{name}.yaml"


def test_on_several_nodes_every_world_is_shared_and_the_database_elsewhere(released: Releases) -> None:
    things = released.things("workshop", *cloud("workshop"))
    claims = of(things, "PersistentVolumeClaim")
    assert claims.keys() == {"worlds", "logs"}
    for claim in claims.values():
        assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
        assert claim["spec"]["storageClassName"]
    for name, policy in of(things, "NetworkPolicy").items():
        check_peers(name, policy)


def test_at_port_443_only_the_clusters_own_address_is_open(released: Releases) -> None:
    policies = of(released.things("workshop", *cloud("workshop")), "NetworkPolicy").values()
    rules = [
        rule for policy in policies for rule in policy["spec"].get("egress", []) if rule["ports"] == [{"port": 443}]
    ]
    assert len(rules) == 2, "Airflow's own parts; the hub and notebooks"
    assert all(peer["ipBlock"]["cidr"].endswith("/32") for rule in rules for peer in rule["to"])


@official
def test_on_several_nodes_code_of_attendees_runs_on_nodes_of_its_own(released: Releases) -> None:
    airflow, hub = (released.things(name, *cloud(name)) for name in ("airflow", "jupyterhub"))
    pod = task(airflow)["spec"]
    purpose, taint = "hub.jupyter.org/node-purpose", "hub.jupyter.org/dedicated"
    assert pod["nodeSelector"] == {purpose: "user"}
    assert [(key["key"], key["value"]) for key in pod["tolerations"]] == [(taint, "user")]
    for part in pods(airflow).values():
        assert part["nodeSelector"] == {purpose: "core"}
    placeholder = of(hub, "StatefulSet")["user-placeholder"]["spec"]["template"]["spec"]
    assert placeholder["nodeSelector"] == {purpose: "user"}, "a placeholder keeps the place of a notebook"


@official
def test_on_several_nodes_people_come_by_https_only(released: Releases) -> None:
    things = released.things("jupyterhub", *cloud("jupyterhub"))
    assert {service["spec"].get("type", "ClusterIP") for service in of(things, "Service").values()} == {"ClusterIP"}
    [ingress] = of(things, "Ingress").values()
    [host] = {rule["host"] for rule in ingress["spec"]["rules"]}
    assert [tls["hosts"] for tls in ingress["spec"]["tls"]] == [[host]]
    assert yaml.safe_load((ROOT / "charts/cloud/workshop.yaml").read_text())["url"] == f"https://{host}"
    config = of(released.things("airflow", *cloud("airflow")), "ConfigMap")["airflow-config"]["data"]["airflow.cfg"]
    assert f"base_url = https://{host}/services/airflow" in config
    assert "execution_api_server_url = http://airflow-api-server:8080/services/airflow/execution/" in config


@official
def test_on_several_nodes_nothing_asks_the_cluster_that_no_policy_lets(released: Releases) -> None:
    things = released.things("jupyterhub", *cloud("jupyterhub"))
    assert of(things, "ServiceAccount").keys() == {"hub"} | {
        name for name in of(things, "ServiceAccount") if "puller" in name
    }
    for name, pod in pods(things).items():
        asks = pod.get("automountServiceAccountToken") is not False and name not in ("hub", "proxy")
        assert not asks, name
