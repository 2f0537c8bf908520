"""Ours: one day of a pack into a lake, by the pipeline's two loads. usage: day.py WORLD PACK NUMBER

Both loads run as in `fde run`, in one process. In the end both sides tell the same facts about what is on disk.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pyarrow.compute as pc
from side import side

import fde.run
from fde import lake
from fde.clock import Clock
from fde.pack import Pack
from fde.world import World


def load(world: World, day: str) -> None:
    for name in ("load_users", "load_orders"):
        fde.run.call(world, name, day)


def facts(world: World, day: str) -> Iterable[tuple]:
    """As rivals/pyarrow_day.py tells them."""
    users, orders = (
        lake.read(world.lake, name, lake.newest(world.lake, name), day=day) for name in ("users", "orders")
    )
    counts = {str(one["values"]): one["counts"] for one in pc.value_counts(users["status"]).to_pylist()}
    sums = [pc.sum(orders[name]).as_py() for name in ("quantity", "revenue_cents", "user_id")]
    return [(len(users), pc.sum(users["user_id"]).as_py(), len(orders), *sums), *sorted(counts.items())]


def main(path: Path, pack: Pack, number: int) -> None:
    world = World(path, pack, lambda: Clock(tuple(pack.days), pack.days[-1]))
    day = pack.days[number - 1]
    lake.newest(world.lake, "users")  # libraries are loaded
    side(lambda: load(world, day), lambda: facts(world, day))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Pack(Path(sys.argv[2])), int(sys.argv[3]))
