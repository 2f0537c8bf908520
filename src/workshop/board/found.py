"""What copies of worlds say: their facts, for a row. It runs none of their code, and is run in the reader's process."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from fde import call_for_help, verdicts
from fde.clock import Clock
from fde.pack import Pack
from fde.schemas import SCHEMAS, TABLES
from fde.steps import LAWS, progress
from fde.untrusted import in_one_line
from fde.world import World
from workshop.board.delta_log import imports
from workshop.board.facts import LACKS, NEEDED, Facts
from workshop.board.row import Flag

LINE = 500  # characters of a line, at most
NO_PIPELINE = "pipeline.py is missing, or too large to be one. Take one again, in a notebook: solution.take('mutable')"


class Sent(Pack):
    """The pack of the room, each file of it read once for all worlds."""

    rows = lru_cache(maxsize=500)(Pack.rows)


class Copy(World):
    """The board's copy of a world. by_clock: whether anybody asked for more of its clock than the incidents."""

    def __init__(self, path: Path, pack: Pack, clock: Clock) -> None:
        super().__init__(path, pack, self._asked)
        self._says, self.by_clock = clock, False

    @property
    def incidents(self) -> tuple[tuple[str, str], ...]:
        """As of any world; facts are found anew whenever they change."""
        return self._says.incidents

    def _asked(self) -> Clock:
        self.by_clock = True
        return self._says


def facts(world: Copy) -> Facts:
    """What a row needs of a world. Raises Refused when its lake is not to be read."""
    found = {table: imports(world.lake / table) for table in SCHEMAS}
    pipeline = verdicts.pipeline(world.path)
    code = "" if pipeline is None else sha256(pipeline).hexdigest()
    verdict = verdicts.kept(world.path, code)
    steps = progress(world, fails=lambda _: verdict.broken if verdict else None)
    at = next((step for step in steps if not step.done), None)
    law = at and LAWS in at.step.goals and (LACKS if at.why.startswith(f"{LAWS.words}: ") else NEEDED)
    return Facts(
        steps=tuple((one.step.number, one.done, line(world, one.why)) for one in steps),
        law=law or "",
        trouble=NO_PIPELINE if pipeline is None else "",
        code=code,
        fails=tuple(verdict.broken) if verdict else None,
        green=verdicts.green(world.path) is not None,
        flag=_flag(world),
        versions={table: found[table][-1][0] if found[table] else 0 for table in TABLES},
        imports=found,
        by_clock=world.by_clock,
    )


def _flag(world: World) -> Flag | None:
    call = call_for_help.read(world.path)
    return (
        None if call is None else Flag(call.words, call.asked, call.day, "", call.versions, call.laws or (), call.diff)
    )


def line(world: World, text: str) -> str:
    """A text for a row: in one line, files told as their owner knows them."""
    for place in (world.desk, world.path):
        text = text.replace(f"{place}/", "")
    return in_one_line(text)[:LINE]
