"""The promises of README and house that a glance can count."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines()]


def test_the_readme_is_short_and_begins_with_two_commands() -> None:
    lines = README.splitlines()
    assert len(lines) <= 200
    assert {"scripts/up", "scripts/test"} <= {line.split()[0] for line in lines[:25] if line.startswith("scripts/")}


def test_what_the_readme_names_is_there() -> None:
    folders = "scripts|src|docs|sources|tests|benchmarks|solutions|charts|images"
    named = set(re.findall(rf"`((?:{folders})/[\w./-]+|\w+\.yaml)`", README))
    named |= set(re.findall(r"\]\((docs/[\w.-]+)\)", README)) | set(re.findall(r"^scripts/\w+", README, re.M))
    named |= {f"scripts/{name}" for name in ("day-1", "day-2", "day-3", "day", "day-passes", "deploy", "roll-back")}
    assert len(named) > 15
    missing = [name for name in sorted(named) if not (ROOT / name).exists()]
    assert not missing


def test_each_folder_of_the_readme_s_table_exists() -> None:
    folders = re.findall(r"^\| `([\w/`, ]+)` \| (?!.*default)", README, re.M)
    for folder in re.findall(r"[\w/]+", " ".join(folders)):
        if "/" in folder or folder in {
            "charts",
            "k8s",
            "images",
            "dags",
            "notebooks",
            "solutions",
            "scripts",
            "requirements",
            "tests",
            "benchmarks",
        }:
            assert (ROOT / folder).is_dir(), folder


@pytest.mark.parametrize(("pattern", "most"), [("src/*.py", 150), ("scripts/*", 25), ("solutions/*.py", 60)])
def test_files_can_be_held_in_the_head(pattern: str, most: int) -> None:
    files = tracked(pattern)
    assert files
    long = {str(file.relative_to(ROOT)): n for file in files if (n := len(file.read_text().splitlines())) > most}
    assert not long


def test_pictures_are_small() -> None:
    for picture in tracked("docs/*"):
        assert picture.stat().st_size < 1_000_000, picture


def test_locks_name_no_host_and_every_package_has_its_hashes() -> None:
    for lock in tracked("requirements/*.txt"):
        text = lock.read_text()
        assert "://" not in text
        if lock.name != "override.txt":
            packages = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", text, re.M | re.S)
            assert packages
            assert all("--hash=sha256:" in package for package in packages)
