"""A look at one copy of a world, at a receipt. It runs none of its code, and is run in the reader's process."""

import json
from difflib import unified_diff
from hashlib import sha256

from fde import verdicts
from fde.commits import commit
from fde.receipt import find
from fde.refused import Refused
from fde.schemas import SCHEMAS
from fde.untrusted import visible
from fde.world import World
from workshop.board.delta_log import imports
from workshop.board.facts import Look
from workshop.board.found import LINE, Copy, line

ROWS, VERSIONS, TEXT = 1000, 300, 200_000  # of each, the most that is shown


def look(world: Copy, word: str) -> Look:
    """A world at the receipt that a word means. Raises Refused for a word that means none."""
    found = {table: imports(world.lake / table) for table in SCHEMAS}
    shown, rows, name = "", [], ""
    try:
        receipt = find(world.lake, world.clock, word or world.clock.deployed)
        if receipt is None or receipt.version is None:
            frame, shown = world.sales()[0], "none: this pipeline keeps no history. This is its file now"
        else:
            frame, shown = world.sales_as_of(receipt.version, receipt.until or ""), receipt.name
            name = max(receipt.commits, key=lambda made: made.version).code
        rows = json.loads(frame.head(ROWS).to_json(orient="records"))
    except Refused as refused:
        if word:
            raise
        shown = f"none: {line(world, str(refused))}"
    code = _code(world, name)
    green, verdict = verdicts.green(world.path), verdicts.kept(world.path, sha256(code).hexdigest())
    old, new = (_text(text or b"").splitlines() for text in (green, code))
    diff = "\n".join(unified_diff(old, new, "when no law failed", "here", n=2, lineterm="")) if green else ""
    laws = (
        []
        if verdict is None
        else [
            {name: line(world, str(getattr(law, name) or "")) for name in ("name", "promise", "status", "why", "hint")}
            for law in verdict.laws
        ]
    )
    made = [commit(world.lake, "sales", version) for version, _, _ in found["sales"][-VERSIONS:]]
    versions = [(one.version, one.day, one.rows, one.inputs[:LINE], one.code[:8]) for one in made[::-1]]
    return Look(world.path.name, shown, rows, _text(code)[:TEXT], diff[:TEXT], laws, versions)


def _code(world: World, name: str) -> bytes:
    """The code that an import kept, or what is on the desk now."""
    file = world.lake / "code" / f"{name}.py"  # the log was looked through: the name is a sha256
    if not name:
        return verdicts.pipeline(world.path) or b""
    code = file.read_bytes() if file.is_file() else b""
    return code if sha256(code).hexdigest() == name else b"# the code of this import is gone, or is another now\n"


def _text(code: bytes) -> str:
    return visible(code.decode("utf-8-sig", "replace"))
