"""Verdicts that are kept in the world they are about: whoever reads them runs no code of its owner."""

import re
from hashlib import sha256
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from fde.check.laws import LAWS
from fde.check.verdict import Verdict
from fde.disk import swap_in
from fde.untrusted import read_bytes

FOLDER = ".verdict"
CODE = re.compile(r"[0-9a-f]{64}")
LARGEST, LARGEST_CODE = 300_000, 1_000_000  # bytes; a verdict's own texts are short
_VERDICT = TypeAdapter(Verdict)


def pipeline(world: Path) -> bytes | None:
    """The text of a world's `pipeline.py`; None when it is no plain file, or larger than LARGEST_CODE."""
    return read_bytes(world / "desk" / "pipeline.py", LARGEST_CODE)


def keep(world: Path, verdict: Verdict, code: bytes | None) -> None:
    """Keep a verdict in a world, whole or not at all; when no law fails, also the code as the last one that broke none.

    code: `pipeline.py` as it was when the check began. If the verdict is about another text, it is not kept.
    """
    swap_in(world / FOLDER / f"{verdict.code}.json", verdict.json().encode("utf-8", "replace"))
    if code is not None and not verdict.fails and sha256(code).hexdigest() == verdict.code:
        swap_in(world / FOLDER / "green.py", code)


def kept(world: Path, code: str) -> Verdict | None:
    """The verdict on a pipeline by the sha256 of its text. None when there is none, or what is there is no verdict.

    It is what lies in the world: its owner could have written it.
    """
    content = read_bytes(world / FOLDER / f"{code}.json", LARGEST) if CODE.fullmatch(code) else None
    try:
        verdict = _VERDICT.validate_json(content or b"", strict=True)
    except ValidationError:
        return None
    return verdict if verdict.code == code and [law.name for law in verdict.laws] == list(LAWS) else None


def green(world: Path) -> bytes | None:
    """The last pipeline that broke no law; None when there was none."""
    return read_bytes(world / FOLDER / "green.py", LARGEST_CODE)
