"""The bundle: what was put in comes out; anything else is refused in one line, and nothing half is left behind."""

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from fde.refused import Refused
from tests.conftest import ROOT, content
from tests.room import wait_until
from tests.unit.test_doctor import GOOD, Machine, inotify_is_low
from workshop import bundle_archive

LOCKS = ("requirements/uv.txt", "requirements/workshop.txt")
FILES = {
    "wheels/one-1.0-py3-none-any.whl": b"one" * 10_000,
    "wheels/two-1.0-py3-none-any.whl": b"two",
    "images/room.tar": b"",
    "workshop/README.md": b"read me",
    **{f"workshop/{lock}": (ROOT / lock).read_bytes() for lock in LOCKS},
}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A small one."""
    return packed(tmp_path, FILES)


def packed(folder: Path, files: dict[str, bytes]) -> Path:
    """An archive of these files."""
    for name, text in files.items():
        (folder / "all" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "all" / name).write_bytes(text)
    bundle_archive.write(folder / "all", folder / "b.tar")
    return folder / "b.tar"


def unpacked(bundle: Path, *tops: str) -> dict[str, bytes]:
    """What is unpacked of these folders."""
    folder = bundle.parent / "new"
    bundle_archive.unpack(bundle, folder, [*tops])
    return content(folder)


def refuses(bundle: Path, *tops: str) -> str:
    """What is said by the module itself, run as it is on a machine without any package."""
    command = [sys.executable, "-S", "-m", "workshop.bundle_archive", "unpack", bundle, bundle.parent / "no", *tops]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done
    return done.stderr


def test_what_was_put_in_comes_out(bundle: Path) -> None:
    wheels = {name: text for name, text in FILES.items() if name.startswith("wheels/")}
    assert unpacked(bundle, "wheels") == wheels
    assert [one.name for one in bundle.parent.iterdir() if one.name not in ("all", "new")] == [bundle.name]


def test_its_list_of_digests_is_one_for_sha256sum(bundle: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    said = subprocess.run(["tar", "-xvf", bundle], cwd=there, capture_output=True, text=True, check=True)
    assert said.stderr == ""
    checked = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=there, capture_output=True)
    assert checked.returncode == 0
    assert len(checked.stdout.splitlines()) == len(FILES)


@pytest.mark.parametrize("name", [name for name, text in FILES.items() if text])
def test_one_changed_byte_is_refused_by_the_name_of_its_file(name: str, bundle: Path) -> None:
    """Also in a file that is not unpacked at all."""
    with tarfile.open(bundle) as tar:
        at = tar.getmember(name).offset_data
    damaged = bytearray(bundle.read_bytes())
    damaged[at] ^= 1
    bundle.write_bytes(damaged)
    assert f"{name} differs from its digest" in refuses(bundle, "wheels")


def test_cut_off_anywhere_it_is_refused(tmp_path: Path) -> None:
    bundle = packed(tmp_path, {name: text for name, text in FILES.items() if "requirements" not in name})
    with tarfile.open(bundle) as tar:
        whole = tar.getmembers()[-1]
    end = whole.offset_data + whole.size
    text = bundle.read_bytes()
    for length in [*range(0, end, 512), *range(100, end, 1_000), end - 1]:
        bundle.write_bytes(text[:length])
        with pytest.raises(Refused, match="cut off|nothing that scripts/bundle wrote"):
            unpacked(bundle, "images")
        shutil.rmtree(bundle.parent / "new")


def archive(file: Path, entries: list[tuple[tarfile.TarInfo, bytes]], made_for: str | None = None) -> Path:
    """Any tar, as somebody else might write one."""
    headers = {"comment": made_for or bundle_archive.this_python()}
    with tarfile.open(file, "w", pax_headers=headers) as tar:
        for entry, text in entries:
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
    return file


def listed(files: dict[str, bytes]) -> list[tuple[tarfile.TarInfo, bytes]]:
    """These files behind a list of their digests."""
    sums = "".join(f"{hashlib.sha256(text).hexdigest()}  {name}\n" for name, text in files.items())
    return [(tarfile.TarInfo(name), text) for name, text in {"SHA256SUMS": sums.encode(), **files}.items()]


def foreign(folder: Path) -> dict[str, Path]:
    """What is no bundle."""
    things = {name: folder / name for name in ("text", "empty", "zipped")}
    things["text"].write_text("no archive at all\n" * 1000)
    things["empty"].write_bytes(b"")
    with tarfile.open(things["zipped"], "w:gz") as tar:
        tar.add(ROOT / "README.md", "README.md")
    things["another"] = archive(folder / "another", [(tarfile.TarInfo("README.md"), b"x")])
    things["no list"] = archive(folder / "no list", [(tarfile.TarInfo("SHA256SUMS"), b"these are no digests\n")])
    things["bytes"] = archive(folder / "bytes", [(tarfile.TarInfo("SHA256SUMS"), b"\xff\xfe\n")])
    return things


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    for file in foreign(tmp_path).values():
        assert "nothing that scripts/bundle wrote" in refuses(file, "images")
        shutil.rmtree(tmp_path / "no")
    assert "No such file" in refuses(tmp_path / "nowhere", "images")


@pytest.mark.parametrize("name", ["../out", "/tmp/out-of-it", "images/../../out"])
def test_a_name_that_leads_out_is_refused(name: str, tmp_path: Path) -> None:
    bad = archive(tmp_path / "bad.tar", listed({name: b"x"}))
    assert "does not begin with a list of digests" in refuses(bad, "images", "..", "")


def test_links_and_what_is_not_listed_are_refused(tmp_path: Path) -> None:
    link = tarfile.TarInfo("images/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    good = listed({"images/link": b"", "images/a": b"a"})
    for stranger in (link, tarfile.TarInfo("images/stranger")):
        bad = archive(tmp_path / "bad.tar", [good[0], (stranger, b"")])
        assert f"{stranger.name} does not belong in it" in refuses(bad, "images")
        shutil.rmtree(tmp_path / "no")
    twice = archive(tmp_path / "twice.tar", [*good, (tarfile.TarInfo("images/a"), b"a")])
    assert "images/a does not belong in it" in refuses(twice, "images")


def test_wheels_of_another_python_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    other = archive(
        tmp_path / "other.tar", listed({"wheels/x": b"x", "images/x": b"x"})[:1], made_for="3.99 linux-x86_64"
    )
    said = refuses(other, "wheels")
    assert "for Python 3.99 linux-x86_64, and this is " + bundle_archive.this_python() in said
    assert "FDE_PYTHON=3.99 scripts/up --from" in said
    shutil.rmtree(tmp_path / "no")
    assert "is cut off" in refuses(other, "images"), "an image brings its own Python"


def test_wheels_of_another_lock_are_refused(tmp_path: Path) -> None:
    older = packed(tmp_path, {**FILES, f"workshop/{LOCKS[1]}": b"pandas==1.0"})
    assert "workshop.txt. Nothing was installed. Take the tree that came with them" in refuses(older, "wheels")


def test_a_bundle_without_images_is_none_for_kind(tmp_path: Path) -> None:
    embedded = packed(tmp_path, {name: text for name, text in FILES.items() if not name.startswith("images/")})
    assert "holds no charts. One that does: scripts/bundle --kind" in refuses(embedded, "charts", "images")


#: writes an archive, and is killed when a part of its large file is there
KILLED = """
import os, signal, sys, tarfile
from pathlib import Path
from workshop import bundle_archive

copy = tarfile.copyfileobj

def copy_a_part(content, out, length, *more, **options):
    if length > 1 << 20:
        out.write(content.read(1 << 20))
        out.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    copy(content, out, length, *more, **options)

tarfile.copyfileobj = copy_a_part
bundle_archive.write(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_an_archive_that_is_being_written_when_it_is_killed_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    with (tmp_path / "all" / "large").open("wb") as large:
        large.truncate(1 << 22)
    command = [sys.executable, "-c", KILLED, tmp_path / "all", tmp_path / "b.tar"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT / "src")})
    assert done.returncode == -signal.SIGKILL
    assert 1 << 20 <= (tmp_path / "part").stat().st_size < 1 << 22
    assert not (tmp_path / "b.tar").exists()


# --- the scripts


def script(*words: str | Path, **env: str) -> "subprocess.CompletedProcess[str]":
    command = [ROOT / "scripts" / words[0], *words[1:]]
    return subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, timeout=120)


def one_line(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 2, done
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_a_bundle_that_cannot_be_used_changes_nothing(tmp_path: Path) -> None:
    home = {"FDE_HOME": str(tmp_path / "home")}
    assert "BUNDLE is no file" in one_line(script("up", "--from", **home))
    assert "nowhere.tar is no file" in one_line(script("up", "--detach", "--from=nowhere.tar", **home))
    for file in foreign(tmp_path).values():
        assert "nothing that scripts/bundle wrote" in one_line(script("up", "--from", file, **home))
    assert "No Python 3.9 was found" in one_line(script("up", "--from", file, FDE_PYTHON="3.9", **home))
    assert not (tmp_path / "home").exists()
    assert not list((ROOT / ".venv").glob("bundle-*"))


def test_a_bundle_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    here, file = tmp_path / "here", tmp_path / "here" / "b.tar"
    here.mkdir()
    nothing = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    assert script("bundle", file, **nothing).returncode != 0
    assert list(here.iterdir()) == []
    file.write_text("mine")
    assert "is there already, and is left as it is" in one_line(script("bundle", file))
    assert file.read_text() == "mine"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_bundle_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    command, quiet = [ROOT / "scripts" / "bundle", tmp_path / "b.tar"], subprocess.DEVNULL
    one = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
    wait_until(lambda: list(tmp_path.glob(".bundle-*/all/workshop/README.md")), 120, "a bundle under way")
    os.killpg(one.pid, number)
    assert one.wait(120) != 0
    assert list(tmp_path.iterdir()) == []


def test_a_room_of_a_bundle_builds_and_fetches_nothing(tmp_path: Path, bundle: Path) -> None:
    """Among programs that only pretend: what they are asked for, in which order."""
    if inotify_is_low():
        pytest.skip("doctor finds this machine too small")
    images = {"images/names": b"kindest/node:v1 sha256:1\nworkshop:bundle-7 sha256:2\n", "images/node.tar": b"n"}
    charts = {f"charts/{name}/Chart.yaml": b"name: x" for name in ("airflow-1.22.0", "jupyterhub-4.4.0")}
    (tmp_path / "other").mkdir()
    kind = packed(tmp_path / "other", {**FILES, **images, **charts})
    calls = tmp_path / "calls"
    note = f'echo "$(basename "$0") $*" >>{calls};'
    programs = {
        **GOOD,
        "docker": f'{note} [[ $1 != port ]] || echo 127.0.0.1:8000; [[ $1 != ps ]] || echo ":8000->30080/tcp"',
        "kind": f"{note} case $* in version) {GOOD['kind']} ;; *get*) cat {tmp_path}/nodes 2>/dev/null ;; "
        f"*create*) cat >/dev/null; echo node >{tmp_path}/nodes ;; esac",
        "tilt": f'{note} [[ $1 != up ]] || echo "image: ${{WORKSHOP_IMAGE:-built}}" >>{calls}; {GOOD["tilt"]}',
        "kubectl": f"{note} {GOOD['kubectl']}",
    }
    real = ("realpath", "xargs")
    programs |= {name: f'exec {shutil.which(name)} "$@"' for name in real}
    machine = Machine(tmp_path / "machine", programs)
    more = {"FDE_CLUSTER": "pretended", "XDG_CACHE_HOME": str(tmp_path / "cache")}

    def asked(script: str, *words: str | Path) -> list[str]:
        calls.write_text("")
        done = machine(script, *map(str, words), **more)
        assert done.returncode == 0, done.stdout + done.stderr
        known = ("docker load", "kind create", "kind load", "tilt up", "image:", "kind delete")
        return [" ".join(line.split()[:2]) for line in calls.read_text().splitlines() if line.startswith(known)]

    tilt = (machine.bin / "tilt").rename(tmp_path / "tilt")
    done = machine("up", "--kind", "--from", str(kind), **more)
    assert (done.returncode, "mend what is missing" in done.stderr) == (2, True)
    assert "docker load" not in calls.read_text()
    tilt.rename(machine.bin / "tilt")

    from_it = ["docker load", "kind create", "kind load", "tilt up", "image: workshop:bundle-7"]
    assert asked("up", "--from", kind, "--kind") == from_it
    assert "--image kindest/node:v1" in calls.read_text()
    assert content(tmp_path / "cache" / "fde-workshop") == charts
    assert asked("up", "--kind") == ["tilt up", "image: workshop:bundle-7"], "the second one needs no bundle"
    assert asked("down", "--kind", "--delete") == ["kind delete"]
    (tmp_path / "nodes").unlink()
    assert asked("up", "--kind") == ["kind create", "tilt up", "image: built"]
