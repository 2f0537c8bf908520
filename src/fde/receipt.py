"""The receipt of a dashboard: which sales it shows, and from what they were computed."""

from dataclasses import dataclass
from pathlib import Path

from fde import lake
from fde.clock import Clock
from fde.commits import Commit, commit
from fde.refused import Refused


@dataclass(frozen=True)
class Receipt:
    """`until`, `version`: the pair that `deployed` resolved to; None when the pipeline keeps no history."""

    deployed: str
    until: str | None = None
    version: int | None = None
    commits: tuple[Commit, ...] = ()

    def __str__(self) -> str:
        if self.version is None:
            return f"Receipt: none: this pipeline keeps no history (deployed: {self.deployed})."
        lines = [f"Receipt: deployed {self.deployed} = days until {self.until}, as of version {self.version} of sales"]
        for one in self.commits:
            inputs = ", ".join(f"{table} v{version}" for table, version in sorted(one.read.items()))
            lines.append(f"  {one.day}: sales v{one.version} from {inputs or 'nothing read'}, code {one.code[:8]}")
        return "\n".join(lines)


def resolve(path: Path, clock: Clock) -> Receipt | None:
    """What `deployed` means for a lake: one pair (until, version) of `sales`.

    Returns None when the lake has no sales at all. Raises Refused when the pointer shows nothing.
    """
    newest = lake.newest(path, "sales")
    if clock.version is not None:
        shown = commit(path, "sales", clock.version)
        version, until = clock.version, shown.newest
    elif newest == 0:
        return None
    else:
        version, until = newest, clock.until
    days = [day for day in clock.days if day <= until]
    commits = tuple(lake.commits_of_days(path, "sales", days, version))
    if not commits:
        raise Refused(
            f"deployed {clock.deployed} shows the days until {until}, and none of them has been imported. "
            f"Run one (fde run --day {days[-1] if days else clock.day}), or: deploy latest"
        )
    return Receipt(clock.deployed, until, version, commits)
