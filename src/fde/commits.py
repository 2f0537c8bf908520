"""What each import recorded about itself, read from the table's own log."""

import json
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, get_args, get_origin

from fde.refused import Refused


@dataclass(frozen=True)
class Commit:
    """What one import recorded about itself."""

    version: int
    day: str
    newest: str  # the latest import_date in the table as of this version
    sha256: str  # of the rows
    rows: int
    read: dict[str, int]  # table -> version the rows were computed from
    learned: str  # the clock's day when the import ran
    code: str  # sha256 of the pipeline, kept in lake/code; "" for an import of a source
    libraries: dict[str, str] = field(default_factory=dict)  # name -> version; empty in lakes of before they were kept

    @property
    def inputs(self) -> str:
        """What it read, in words: `orders v1, users v1`."""
        return ", ".join(f"{table} v{version}" for table, version in sorted(self.read.items())) or "nothing read"


_KINDS: list[tuple[str, Any, tuple[Any, ...]]] = [
    (one.name, get_origin(one.type) or one.type, get_args(one.type)) for one in fields(Commit)
]


def commit(lake: Path, table: str, version: int) -> Commit:
    """What the import that made a version recorded. Raises Refused when there is no such version."""
    file = log_file(lake, table, version)
    if version < 1 or not file.exists():
        last = max((int(log.stem) for log in file.parent.glob("*.json")), default=0)
        known = f"versions 1 to {last}" if last else "no version yet"
        raise Refused(f"{table} has no version {version}: there is {known}. `fde versions` lists them.")
    if made := _recorded(file, version):
        return made
    raise Refused(f"{table} version {version} ({file}) was not written by an import. Deploy another version.")


def has(lake: Path, table: str, version: int, sha256: str) -> bool:
    """Whether a version is an import of rows with this digest. What is damaged, or somebody else's, is not."""
    try:
        return commit(lake, table, version).sha256 == sha256
    except Refused:
        return False


def newest_of_days(lake: Path, table: str, days: Iterable[str], version: int) -> dict[str, Commit | None]:
    """The imports that days show as of a version, by day; None: not imported by then.

    It looks back from the version, a few imports for each day: Delta would look through all that it knows, for each.
    A day that is not found that way, or behind a file that cannot be read, is left out.
    """
    found: dict[str, Commit | None] = {}
    left = sorted(set(days))
    for number in range(version, max(0, version - 2 * len(left) - 20), -1):
        if not left:
            break
        try:
            made = _recorded(log_file(lake, table, number), number)
        except Refused:
            break
        if not made:
            continue
        while left and left[-1] > made.newest:
            found[left.pop()] = None
        if made.day in left:
            found[made.day] = made
            left.remove(made.day)
    return found


def _recorded(file: Path, version: int) -> Commit | None:
    """None when somebody else made the commit. Raises Refused when the file is damaged."""
    try:
        for line in file.read_bytes().split(b"\n"):
            info = json.loads(line).get("commitInfo", {}) if line else {}
            if "fde" in info:
                return _sound(Commit(version=version, **info["fde"]))
    except (AttributeError, OSError, RecursionError, TypeError, ValueError) as error:
        raise Refused(f"{file} is damaged ({error}). Run its day again, or: fde start-over") from None
    return None


def _sound(made: Commit) -> Commit:
    for name, kind, within in _KINDS:
        found = getattr(made, name)
        if not isinstance(found, kind) or (kind is dict and {type(value) for value in found.values()} - {within[1]}):
            raise ValueError(f"{name} is {found!r}")
    return made


@cache
def libraries() -> dict[str, str]:
    """The versions of Python and of the libraries that compute with rows, as this process has them."""
    return {"python": platform.python_version()} | {
        name: metadata.version(name) for name in ("pandas", "pyarrow", "deltalake")
    }


def log_file(lake: Path, table: str, version: int) -> Path:
    """The file of the log that holds one version."""
    return Path(f"{lake}/{table}/_delta_log/{version:020}.json")  # at once: a dashboard looks for one each day
