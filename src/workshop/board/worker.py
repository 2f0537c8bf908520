"""The reader's process: computes what copies of worlds say, and runs none of their code. A JSON object a line, in and out.

What it reads is not to be trusted. A table that eats memory, hangs or breaks a library costs this process only.
"""

import faulthandler
import json
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import asdict
from difflib import unified_diff
from hashlib import sha256
from pathlib import Path
from typing import Any

from fde import call_for_help, verdicts
from fde.check.verdict import Verdict
from fde.clock import Clock
from fde.commits import commit
from fde.goals import Fails
from fde.pack import Pack
from fde.receipt import find, history
from fde.refused import Refused
from fde.schemas import TABLES
from fde.steps import LAWS, STEPS, progress
from fde.untrusted import visible
from fde.world import World
from workshop.board.delta_log import imports
from workshop.board.facts import Facts, Look
from workshop.board.row import Flag

MEMORY = 1_500_000_000  # bytes that this process may use; half of it is there before anything is read
ROWS, VERSIONS, TEXT = 1000, 500, 100_000  # most of what a look shows
PIPELINE = "pipeline.py is {}. Take one again, in a notebook: solution.take('mutable')"


def facts(world: World, asked: Callable[[], bool]) -> dict[str, Any]:
    """What a row needs of a world, as `Facts`. asked: whether somebody asked for the clock meanwhile."""
    found = {table: imports(world.lake / table) for table in TABLES}
    code = verdicts.pipeline(world.path)
    name = sha256(code).hexdigest() if code is not None else ""
    verdict = verdicts.kept(world.path, name)
    fails = tuple(verdict.broken) if verdict else None
    steps = progress(world, fails=lambda world: None if fails is None else list(fails))
    missing = next((step.why for step in steps if not step.done), "")
    told = Facts(
        steps=tuple((one.step.number, one.done, _plain(world, one.why)) for one in steps),
        law=missing.startswith(f"{LAWS.words}: ") and bool(fails),
        trouble="" if code is not None else PIPELINE.format("missing, or larger than it may be"),
        code=name,
        fails=fails,
        green=verdicts.green(world.path) is not None,
        flag=_flag(world.path),
        versions={table: found[table][-1][0] if found[table] else 0 for table in TABLES},
        imports=found,
        by_clock=asked(),
    )
    return asdict(told)
