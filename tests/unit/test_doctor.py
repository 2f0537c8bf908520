"""scripts/doctor, charts and release among programs that only pretend: a miss is named with its fix, exit code 2."""

import hashlib
import io
import re
import shutil
import socket
import subprocess
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.programs import fake

SYSTEM = ("awk", "basename", "bash", "cat", "cut", "dirname", "gzip", "head", "mkdir", "mktemp", "mv", "rm", "sed")
SYSTEM += ("sha256sum", "sort", "tar", "grep")
GOOD = {
    "kind": "echo kind v0.32.0 go1.24.0 linux/amd64",
    "kubectl": "echo Client Version: v1.34.1",
    "helm": "echo v4.2.3+g43e8b7f",
    "tilt": "echo v0.36.0, built 2025-01-01",
    "docker": "exit 0",
    "awk": "echo 64",  # GB of memory: how much this machine has is not what the tests are about
}


class Machine:
    """A machine with these programs and no others, and a home of its own."""

    def __init__(self, folder: Path, programs: dict[str, str]) -> None:
        self.home, self.bin = folder, folder / "bin"
        self.bin.mkdir(parents=True)
        # Each of the system's programs is called by a file of its own, never a link: what is written here stays here.
        real = {name: f'exec {shutil.which(name)} "$@"' for name in SYSTEM}
        for name, does in {**real, **programs}.items():
            fake(self.bin, name, does)
        self.env = {"PATH": str(self.bin), "HOME": str(folder), "FDE_HOME": str(folder / "room")}

    def __call__(self, script: str, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        command = [ROOT / "scripts" / script, *words]
        return subprocess.run(command, env={**self.env, **env}, capture_output=True, text=True)


def looked(folder: Path, **programs: str | None) -> tuple[int, dict[str, str]]:
    """What doctor says of a machine like a good one but for `programs` (None: it has none): exit code, what -> fix."""
    port = programs.pop("FDE_PORT", None) or "1"
    chosen = {name: does for name, does in {**GOOD, **programs}.items() if does is not None}
    done = Machine(folder, chosen)("doctor", FDE_PORT=port)
    assert not done.stderr
    misses = dict(re.findall(r"^  MISS  (.*)\n +(.*)$", done.stdout, re.M))
    return done.returncode, {what: fix for what, fix in misses.items() if not what.startswith("inotify")}


def test_a_machine_that_has_all_of_it_is_good(tmp_path: Path) -> None:
    code, misses = looked(tmp_path)
    assert not misses
    assert code == (2 if inotify_is_low() else 0)


def inotify_is_low() -> bool:
    wanted = {"max_user_watches": 65536, "max_user_instances": 128}
    kernel = Path("/proc/sys/fs/inotify")
    return any((kernel / name).exists() and int((kernel / name).read_text()) < least for name, least in wanted.items())


@pytest.mark.parametrize("name", ["kind", "kubectl", "helm", "tilt"])
def test_a_missing_program_is_named_with_where_it_comes_from(name: str, tmp_path: Path) -> None:
    code, misses = looked(tmp_path, **{name: None})
    assert (code, misses.keys()) == (2, {name})
    assert re.search(r"Install it: https://\S+$", misses[name])


@pytest.mark.parametrize(
    ("name", "says", "found", "wanted"),
    [
        ("kind", "kind v0.26.9 go1.24.0", "0.26.9", "0.27"),
        ("kubectl", "Client Version: v1.9.11", "1.9.11", "1.30"),
        ("helm", "v3.18.4+gd80839c", "3.18.4", "3.19"),
        ("tilt", "v0.9.7, built 2019-01-01", "0.9.7", "0.33"),
    ],
)
def test_a_program_that_is_too_old_is_named_with_both_versions(
    name: str, says: str, found: str, wanted: str, tmp_path: Path
) -> None:
    code, misses = looked(tmp_path, **{name: f"echo {says}"})
    assert (code, misses.keys()) == (2, {f"{name} {found}"})
    assert f"At least {wanted} is needed: https://" in misses[f"{name} {found}"]


@pytest.mark.parametrize("name", ["kind", "kubectl", "helm", "tilt"])
def test_a_program_that_only_fails_counts_as_missing(name: str, tmp_path: Path) -> None:
    assert looked(tmp_path, **{name: "exit 1"}) == (2, looked_for(name))


def looked_for(name: str) -> dict[str, str]:
    [fix] = re.findall(rf"^tool {name} .* (https://\S+)$", (ROOT / "scripts" / "doctor").read_text(), re.M)
    return {name: f"Install it: {fix}"}


@pytest.mark.parametrize("does", ["exit 1", None])
def test_docker_must_answer(does: str | None, tmp_path: Path) -> None:
    code, misses = looked(tmp_path, docker=does)
    assert (code, misses.keys()) == (2, {"Docker runs"})
    assert "docker info" in misses["Docker runs"]


def test_too_little_memory_is_said_with_what_a_room_takes(tmp_path: Path) -> None:
    code, misses = looked(tmp_path, awk="echo 3")
    assert (code, misses.keys()) == (2, {"memory: 3 GB"})
    assert "4 GB" in misses["memory: 3 GB"]


def test_a_port_that_is_taken_is_said_unless_the_room_itself_holds_it(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        code, misses = looked(tmp_path / "one", FDE_PORT=port)
        assert (code, misses.keys()) == (2, {f"port {port} is free"})
        assert "FDE_PORT=" in misses[f"port {port} is free"]
        assert looked(tmp_path / "two", FDE_PORT=port, docker=f"echo '127.0.0.1:{port}->30080/tcp'")[1] == {}


def test_all_misses_are_told_at_once(tmp_path: Path) -> None:
    code, misses = looked(tmp_path, kind=None, helm="echo v2.0.0", docker="exit 1")
    assert (code, misses.keys()) == (2, {"kind", "helm 2.0.0", "Docker runs"})


# --- the official charts


PINNED = dict(re.findall(r"bring (\w+) ([\d.]+) ", (ROOT / "scripts" / "charts").read_text()))


def unpacked(cache: Path) -> list[str]:
    """Both charts, as somebody without a network would put them there."""
    folders = [cache / "fde-workshop" / "charts" / f"{name}-{version}" for name, version in PINNED.items()]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "Chart.yaml").touch()
    return [str(folder) for folder in folders]


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_charts_that_are_there_are_shown_and_no_network_is_touched(variable: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"helm": f"touch {tmp_path}/called"})
    airflow, hub = unpacked(tmp_path / "other" if variable == "XDG_CACHE_HOME" else tmp_path / ".cache")
    env = {variable: str(tmp_path / "other")} if variable == "XDG_CACHE_HOME" else {}
    for words, folders in ([], [airflow, hub]), (["airflow"], [airflow]), (["jupyterhub"], [hub]):
        done = machine("charts", *words, **env)
        assert (done.returncode, done.stdout.split(), done.stderr) == (0, folders, "")
    assert not (tmp_path / "called").exists()


def test_without_a_network_one_message_says_what_to_do(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"helm": "exit 1"})
    done = machine("charts")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    for word in ("airflow", PINNED["airflow"], "https://", "network", str(tmp_path / ".cache")):
        assert word in done.stderr
    assert not list((tmp_path / ".cache").rglob(".new*")), "nothing half is left"


def test_without_helm_the_doctor_is_named(tmp_path: Path) -> None:
    done = Machine(tmp_path, {})("charts", "jupyterhub")
    assert (done.returncode, done.stdout) == (2, "")
    assert "scripts/doctor" in done.stderr


def test_a_chart_that_is_not_the_pinned_one_is_refused_each_time(tmp_path: Path) -> None:
    machine = Machine(tmp_path, {"helm": pulled(tmp_path, "airflow")})
    for _ in range(2):
        done = machine("charts", "airflow")
        assert (done.returncode, done.stdout) == (2, "")
        assert "is not the chart that was pinned" in done.stderr
    assert not list(tmp_path.rglob("airflow-*/Chart.yaml"))


def test_a_chart_is_unpacked_once(tmp_path: Path) -> None:
    pull = pulled(tmp_path, "jupyterhub")
    pin = hashlib.sha256((tmp_path / "pulled.tgz").read_bytes()).hexdigest()
    machine = Machine(tmp_path, {"helm": f"echo called >>{tmp_path}/called; {pull}", "sha256sum": f"echo {pin}"})
    first, second = machine("charts", "jupyterhub"), machine("charts", "jupyterhub")
    assert (first.returncode, first.stdout) == (second.returncode, second.stdout), first.stderr
    assert (Path(first.stdout.strip()) / "Chart.yaml").read_text() == "name: jupyterhub\n"
    assert (tmp_path / "called").read_text() == "called\n"


def pulled(folder: Path, name: str) -> str:
    """What a helm does that brings some chart of that name."""
    with tarfile.open(folder / "pulled.tgz", "w:gz") as archive:
        text = f"name: {name}\n".encode()
        member = tarfile.TarInfo(f"{name}/Chart.yaml")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    return f"while [[ $1 != --destination ]]; do shift; done; {shutil.which('cp')} {folder}/pulled.tgz $2/{name}.tgz"


@pytest.mark.parametrize("words", [["airflo"], ["../x"], ["--help"]])
def test_a_chart_that_is_none_is_refused(words: list[str], tmp_path: Path) -> None:
    done = Machine(tmp_path, {"helm": f"touch {tmp_path}/called"})("charts", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: charts" in done.stderr
    assert not (tmp_path / "called").exists()


# --- the three releases


@pytest.mark.parametrize("words", [[], ["airflo"], ["--help"]])
def test_release_without_a_part_shows_its_usage(words: list[str], tmp_path: Path) -> None:
    done = Machine(tmp_path, {name: f"touch {tmp_path}/called" for name in ("helm", "kubectl")})("release", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: release workshop|airflow|jupyterhub")
    assert not (tmp_path / "called").exists()


def test_a_release_that_fails_is_not_shown_as_there(tmp_path: Path) -> None:
    programs = {
        "helm": 'echo "$1" >>"$HOME/called"; exit 1',
        "kubectl": '[[ $* != *filename* ]] || echo shown >>"$HOME/called"',
    }
    done = Machine(tmp_path, programs)("release", "workshop")
    assert done.returncode != 0
    assert (tmp_path / "called").read_text() == "upgrade\n"


@pytest.mark.parametrize("name", ["workshop", *PINNED])
def test_values_of_ones_own_come_after_ours_and_win(name: str, tmp_path: Path) -> None:
    said = tmp_path / "said"
    programs = {
        "helm": f'[[ $1 == get ]] || printf "%s\\n" "$@" >{said}',
        "kubectl": "[[ $1 != get ]] || cat >/dev/null",
    }
    machine = Machine(tmp_path, programs)
    unpacked(tmp_path / ".cache")
    done = machine("release", name, "--values", "mine.yaml", WORKSHOP_IMAGE="example.org:5000/workshop:7")
    assert done.returncode == 0, done.stderr
    words = said.read_text().splitlines()
    assert words[:3] == ["upgrade", "--install", name]
    assert words[-2:] == ["--values", "mine.yaml"]
    image = ("example.org:5000/workshop:7",) if name == "workshop" else ("example.org:5000/workshop,", ".tag=7")
    assert any(all(part in word for part in image) for word in words), words
