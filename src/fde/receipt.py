"""The receipt of a dashboard: which sales it shows, and from what they were computed."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from fde import lake
from fde.clock import LATEST, Clock
from fde.commits import Commit, commit
from fde.quarantine import behind
from fde.refused import Refused

NAME = re.compile(r"^(\d{4}-\d{2}-\d{2})@v([1-9]\d{0,9})$")


@dataclass(frozen=True)
class Receipt:
    """`until`, `version`: the pair that `deployed` resolved to; None when the pipeline keeps no history."""

    deployed: str
    until: str | None = None
    version: int | None = None
    commits: tuple[Commit, ...] = ()
    refused: dict[str, int] = field(default_factory=dict)  # day -> rows that its sources sent and nobody imported

    @property
    def name(self) -> str:
        """The pair in one word, for a person to copy: `2022-01-03@v5`."""
        return f"{self.until}@v{self.version}"

    def __str__(self) -> str:
        if self.version is None:
            return f"Receipt: none: this pipeline keeps no history (deployed: {self.deployed})."
        lines = [f"Receipt: deployed {self.deployed} = days until {self.until}, as of version {self.version} of sales"]
        for one in self.commits:
            lines.append(f"  {one.day}: sales v{one.version} from {one.inputs}, code {one.code[:8]}")
            if rows := self.refused.get(one.day):
                lines.append(f"    without {rows} refused {'row' if rows == 1 else 'rows'}: fde refused {one.day}")
        lines.append(f"  computed again by: fde replay {self.name}")
        return "\n".join(lines)


def history(path: Path) -> list[Commit]:
    """All imports of `sales` in a lake, from the first version to the newest."""
    return [commit(path, "sales", version) for version in range(1, lake.newest(path, "sales") + 1)]


def resolve(path: Path, clock: Clock) -> Receipt | None:
    """What `deployed` means for a lake: one pair (until, version) of `sales`.

    Returns None when the lake has no sales at all. Raises Refused when the pointer shows nothing.
    """
    newest = lake.newest(path, "sales")
    if clock.version is not None:
        return _of_pair(path, clock, commit(path, "sales", clock.version).newest, clock.version)
    return _of_pair(path, clock, clock.until, newest) if newest else None


def find(path: Path, clock: Clock, word: str) -> Receipt | None:
    """The receipt that a word means: its name, like `2022-01-03@v5`, or anything that `deployed` may be.

    Returns None when the lake has no sales at all. Raises Refused for a word that means nothing, or shows nothing.
    """
    pointed = replace(clock, deployed=word)
    if (name := NAME.match(word)) and name[1] in clock.days:
        return _of_pair(path, pointed, name[1], commit(path, "sales", int(name[2])).version)
    if word not in (LATEST, *clock.days) and pointed.version is None:
        raise Refused(
            f"{word!r} is no receipt. Its name stands under the dashboard, like {clock.day}@v1. "
            "Or say latest, a day of the story, or a version like v1."
        )
    return resolve(path, pointed)


def _of_pair(path: Path, clock: Clock, until: str, version: int) -> Receipt:
    days = [day for day in clock.days if day <= until]
    commits = tuple(lake.commits_of_days(path, "sales", days, version))
    if not commits:
        raise Refused(
            f"deployed {clock.deployed} shows the days until {until}, and none of them has been imported. "
            f"Run one (fde run --day {days[-1] if days else clock.day}), or: deploy latest"
        )
    return Receipt(clock.deployed, until, version, commits, behind(path, commits))
