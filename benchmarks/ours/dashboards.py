"""Ours: what a dashboard shows as deployed on a day. usage: dashboards.py read|compute WORLD PACK DAY

read: the sales that runs made. compute: they are made again, each day by the pipeline of the desk, from the users and
orders in the lake, in a world of its own that has no sales.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from side import side

import fde.run
from fde import desk
from fde.clock import Clock
from fde.frames import summed
from fde.pack import Pack
from fde.schemas import TABLES
from fde.world import World


def shown(world: World) -> Iterable[tuple]:
    """The rows of the dashboard."""
    return world.sales()[0].itertuples(index=False, name=None)


def computed(world: World, days: list[str]) -> Iterable[tuple]:
    """The same, from users and orders."""
    for day in days:
        fde.run.call(world, "process_users_orders", day)
    return shown(world)


def without_sales(world: World, path: Path) -> World:
    """A world with the same users and orders, and no sales yet."""
    desk.make(path, {"pipeline.py": (world.desk / "pipeline.py").read_bytes()})
    for table in ("users", "orders"):
        shutil.rmtree(path / "desk" / "lake" / table)
        shutil.copytree(world.lake / table, path / "desk" / "lake" / table, copy_function=link)
    return World(path, world.pack, lambda: world.clock)


def link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def main(what: str, path: Path, pack: Pack, until: str) -> None:
    world = World(path, pack, lambda: Clock(tuple(pack.days), pack.days[-1], until))
    summed(TABLES["sales"].empty_table())  # libraries are loaded: the one that sums comes only when it is asked to
    if what == "read":
        side(lambda: shown(world))
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="compute-") as folder:
        world = without_sales(world, Path(folder) / "learner")
        days = [day for day in pack.days if day <= until]
        side(lambda: computed(world, days))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Pack(Path(sys.argv[3])), sys.argv[4])
