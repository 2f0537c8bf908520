"""Ours: one day of a pack into a lake, by the pipeline's two loads. usage: day.py WORLD PACK NUMBER

Both loads run as in `fde run`, in one process. In the end both sides tell the same facts about what is on disk.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from facts import facts
from side import side

import fde.run
from fde import lake
from fde.clock import Clock
from fde.pack import Pack
from fde.world import World


def load(world: World, day: str) -> None:
    for name in ("load_users", "load_orders"):
        fde.run.call(world, name, day)


def read(world: World, day: str) -> Iterable[tuple]:
    """The facts of what was imported."""
    return facts(*(lake.read(world.lake, name, lake.newest(world.lake, name), day=day) for name in ("users", "orders")))


def main(path: Path, pack: Pack, number: int) -> None:
    world = World(path, pack, lambda: Clock(tuple(pack.days), pack.days[-1]))
    day = pack.days[number - 1]
    lake.newest(world.lake, "users")  # libraries are loaded
    side(lambda: load(world, day), lambda: read(world, day))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Pack(Path(sys.argv[2])), int(sys.argv[3]))
