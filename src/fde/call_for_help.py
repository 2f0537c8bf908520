"""A call for help: an attendee's words, and how things stood when they asked. The instructor's board shows it."""

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from difflib import unified_diff
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter, ValidationError

from fde import lake, verdicts
from fde.check.laws import LAWS
from fde.disk import swap_in
from fde.refused import Refused
from fde.schemas import TABLES
from fde.untrusted import in_one_line, read_bytes, visible
from fde.world import World

FILE = ".help.json"
WORDS, DIFF = 500, 20_000  # characters
LARGEST = 150_000  # bytes
HOW = 'fde help "what you tried, and what you see"'


@dataclass(frozen=True)
class CallForHelp:
    """asked: seconds since 1970; day: the clock's, "" when it could not be read; versions: table -> newest version.

    laws: names of those that the pipeline breaks, None when no verdict on it was kept; code: sha256 of `pipeline.py`,
    "" when there was none; diff: unified, since it last broke no law, "" when it never did.
    """

    words: Annotated[str, AfterValidator(in_one_line), Field(min_length=1, max_length=WORDS)]
    day: Annotated[str, StringConstraints(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
    versions: dict[str, Annotated[int, Field(ge=0, lt=10**10)]]
    laws: tuple[str, ...] | None
    code: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
    diff: Annotated[str, AfterValidator(visible), Field(max_length=DIFF)]
    asked: float = 0.0

    def __str__(self) -> str:
        laws = "not known for this pipeline.py. Find out: fde check" if self.laws is None else ", ".join(self.laws)
        changed = f"{len(self.diff.splitlines())} lines of a diff" if self.diff else "nothing, or it always broke one"
        return "\n".join(
            [
                f"Help is asked for: {self.words}",
                "The instructor sees it beside your name, with your last run and",
                f"  the day: {self.day or 'the clock cannot be read'}",
                f"  versions: {', '.join(f'{name} v{number}' for name, number in self.versions.items()) or 'no lake'}",
                f"  laws that fail: {laws or 'none'}",
                f"  what changed in pipeline.py since it last broke no law: {changed}",
                "Other words take the place of these. No longer needed: fde help --done",
            ]
        )


_CALL = TypeAdapter(CallForHelp)


def ask(world: World, words: str) -> CallForHelp:
    """Put a call for help into a world; it takes the place of one that is there. Returns what the board will read.

    What cannot be told, with a clock or a lake that cannot be read, is left out: then most of all help is needed.
    Raises Refused without words, and with more than WORDS characters of them.
    """
    words = in_one_line(words)
    if not 1 <= len(words) <= WORDS:
        raise Refused(f"help needs words, at most {WORDS} characters; these are {len(words)}. Like: {HOW}")
    code, day, versions = verdicts.pipeline(world.path), "", {}
    name = sha256(code).hexdigest() if code is not None else ""
    verdict, green = verdicts.kept(world.path, name), verdicts.green(world.path)
    with suppress(Refused):
        day = world.clock.day
    with suppress(Refused):
        versions = {table: lake.newest(world.lake, table) for table in TABLES}
    diff = _diff(green, code) if green and code else ""
    call = CallForHelp(words, day, versions, tuple(verdict.broken) if verdict else None, name, diff)
    facts = {key: value for key, value in asdict(call).items() if key != "asked"}
    swap_in(world.path / FILE, json.dumps(facts, indent=1, ensure_ascii=False).encode())
    asked = read(world.path)
    if asked is None:
        raise Refused(f"{world.path / FILE}: was written, and is no call for help now. Who writes there, too?")
    return asked


def read(world: Path) -> CallForHelp | None:
    """The call for help that lies in a world. None when there is none, or what is there is no call for help."""
    file = world / FILE
    try:
        call = _CALL.validate_json(read_bytes(file, LARGEST) or b"", strict=True)
        asked = max(0.0, min(file.lstat().st_mtime, time.time()))  # its owner can give a file any time
    except (ValidationError, OSError):
        return None
    if not call.versions.keys() <= TABLES.keys() or not set(call.laws or ()) <= LAWS.keys():
        return None
    return replace(call, asked=asked)


def take_away(world: Path) -> None:
    """Take the call for help away, if there is one."""
    (world / FILE).unlink(missing_ok=True)


def _diff(green: bytes, code: bytes) -> str:
    """What changed, cut off at the end of a line."""
    old, new = (text.decode("utf-8-sig", "replace").splitlines() for text in (green, code))
    text = visible("\n".join(unified_diff(old, new, "when no law failed", "now", n=2, lineterm="")))
    return text if len(text) <= DIFF else text[:DIFF].rpartition("\n")[0]
