"""A trial: a world of its own, with a clock that whoever tries sets. For checks, comparisons, and desks made ahead."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from fde import desk
from fde.clock import Clock
from fde.pack import Pack
from fde.run import run
from fde.world import World


class Trial:
    """A new world in a folder, with the files given by name on its desk. `today` is the day its clock says."""

    def __init__(self, path: Path, pack: Pack, texts: Mapping[str, bytes]) -> None:
        desk.make(path, texts)
        self.today = pack.days[0]
        self.world = World(path, pack, lambda: Clock(tuple(pack.days), self.today))

    def run(self, *days: str) -> None:
        """Run days, ISO, one after the other, without moving the clock. Raises Refused."""
        for day in days:
            run(self.world, day)

    def seen(self, today: str) -> pd.DataFrame:
        """What the dashboards show when the clock says a day. Rows as of `World.sales()`. Raises Refused."""
        self.today = today
        return self.world.sales()[0]
