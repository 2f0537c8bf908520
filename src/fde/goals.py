"""Goals: what one can see of a desk. Each is made for the days, by their numbers, that a step is about."""

from collections.abc import Callable
from dataclasses import dataclass

from fde import lake
from fde.check import check
from fde.receipt import history
from fde.refused import Refused
from fde.world import World


@dataclass(frozen=True)
class Goal:
    """What must be so, in words, and a function that says what is missing; "" when nothing is."""

    words: str
    missing: Callable[[World], str]


def missed(goal: Goal, world: World) -> str:
    """The goal and what is missing of it, in one line; "" when nothing is."""
    try:
        missing = goal.missing(world)
    except Refused as refused:
        missing = str(refused)
    return missing and f"{goal.words}: {missing}"


def shows(number: int) -> Goal:
    """A dashboard of the newest data has a day."""

    def missing(world: World) -> str:
        day = world.pack.day(number)
        there = set(world.sales()[0]["sales_date"])
        return "" if day in there else f"it shows {', '.join(sorted(there))}"

    return Goal(f"the dashboard shows day {number}", missing)


def keeps(table: str, *numbers: int) -> Goal:
    """The lake has some days of a table."""

    def missing(world: World) -> str:
        days = [world.pack.day(number) for number in numbers]
        there = [made.day for made in lake.commits_of_days(world.lake, table, days, lake.newest(world.lake, table))]
        gone = [day for day in days if day not in there]
        return f"not there: {', '.join(gone)}" if gone else ""

    return Goal(f"the lake keeps {table} of day {', '.join(map(str, numbers))}", missing)


def asked_again(number: int) -> Goal:
    """An old day was imported on a later one, and brought other rows."""

    def missing(world: World) -> str:
        day = world.pack.day(number)
        late = any(one.day == day and one.learned > day for one in history(world.lake))
        return "" if late else f"{day} was imported on {day} only. Run it again: fde run --day {day}"

    return Goal(f"the shop was asked again for day {number}", missing)


Fails = Callable[[World], list[str] | None]  # the names of the laws that a pipeline breaks; None: not known yet


def tried(world: World) -> list[str] | None:
    """The names of the laws that the pipeline breaks, by running it. It takes seconds. Raises Refused as `check`."""
    return check(world).broken


def all_laws_hold(fails: Fails = tried) -> Goal:
    """The pipeline is functional. It may take seconds to know: the last of a step's goals."""

    def missing(world: World) -> str:
        broken = fails(world)
        if broken is None:
            return "the check of this pipeline has not ended yet"
        return f"not {', '.join(broken)}. See: fde check" if broken else ""

    return Goal("all laws of fde check hold", missing)
