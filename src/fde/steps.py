"""The steps of the lesson, as data: the desk each begins with, and what must be so for it to be done.

Whatever needs to know reads it here: `fde steps`, catching up, the board, the tests of the lesson.
"""

from collections.abc import Callable
from dataclasses import dataclass

from fde import lake
from fde.commits import commit
from fde.refused import Refused
from fde.world import World


@dataclass(frozen=True)
class Goal:
    """What must be so, in words, and a function that says what is missing; "" when nothing is."""

    words: str
    missing: Callable[[World], str]


@dataclass(frozen=True)
class Step:
    """A step. It begins with a stage of the pipeline and the days it has run: pairs (day, day of the clock then)."""

    number: int
    title: str
    pipeline: str
    runs: tuple[tuple[int, int], ...]
    goals: tuple[Goal, ...]


@dataclass(frozen=True)
class Progress:
    """Whether a step is done, and if not, why: a line for each goal that is missed."""

    step: Step
    done: bool
    why: tuple[str, ...] = ()

    def in_short(self) -> str:
        """In one line."""
        return f"{'✓ done   ' if self.done else '✗ not yet'}  {self.step.number}. {self.step.title}"

    def __str__(self) -> str:
        return "\n".join([self.in_short(), *(f"{'':14}{line}" for line in self.why)])


def progress(world: World) -> list[Progress]:
    """How far a desk is. A step is done when its goals or a later one's are met: on the way, desks begin anew."""
    found: list[Progress] = []
    for step in reversed(STEPS):
        why = () if found and found[-1].done else tuple(line for goal in step.goals if (line := _missed(goal, world)))
        found.append(Progress(step, not why, why))
    return found[::-1]


def step_of(number: int) -> Step:
    """The step of a number. Raises Refused for any other number."""
    if not 1 <= number <= len(STEPS):
        raise Refused(f"there is no step {number}. Steps: 1 to {len(STEPS)}; fde steps lists them.")
    return STEPS[number - 1]


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
        gone = [day for day in days if lake.commit_of_day(world.lake, table, day) is None]
        return f"not there: {', '.join(gone)}" if gone else ""

    return Goal(f"the lake keeps {table} of day {', '.join(map(str, numbers))}", missing)


def tells_status_then(*numbers: int) -> Goal:
    """What no law can judge: the chart means what people take its title for."""

    def missing(world: World) -> str:
        for day in map(world.pack.day, numbers):
            orders = world.read("orders", day=day).merge(world.read("users", day=day), on="user_id")
            then = orders.groupby(["sales_date", "status"])["revenue_cents"].sum()
            shown = world.read("sales", day=day).groupby(["sales_date", "status"])["revenue_cents"].sum()
            if not shown.equals(then):
                return f"sales of {day} do not"
        return ""

    return Goal("bars go by the status that users had when they ordered", missing)


def asked_again(number: int) -> Goal:
    """An old day was imported anew, with other rows."""

    def missing(world: World) -> str:
        day = world.pack.day(number)
        versions = range(1, lake.newest(world.lake, "orders") + 1)
        times = sum(commit(world.lake, "orders", version).day == day for version in versions)
        return "" if times > 1 else f"versions of {day}: {times}"

    return Goal(f"the shop was asked again for day {number}", missing)


def taxed(number: int) -> Goal:
    """Each sale that a day brought carries its tax, by the rate of the date on which it was made."""

    def missing(world: World) -> str:
        day = world.pack.day(number)
        unknown = int(world.read("sales", day=day)["tax_cents"].isna().sum())
        return f"tax of {unknown} rows of {day} is unknown" if unknown else ""

    return Goal(f"sales of day {number} carry their tax", missing)


def _missed(goal: Goal, world: World) -> str:
    try:
        missing = goal.missing(world)
    except Refused as refused:
        missing = str(refused)
    return missing and f"{goal.words}: {missing}"


STEPS = (
    Step(1, "Day 1", "mutable", (), (shows(1),)),
    Step(2, "Day 2: yesterday moves", "mutable", ((1, 1),), (shows(2),)),
    Step(3, "Users that are never overwritten", "mutable", (), (keeps("users", 1, 2),)),
    Step(
        4,
        "Day 3: a fake order",
        "immutable_users",
        ((1, 1), (2, 2)),
        (keeps("sales", 1, 2, 3), tells_status_then(1, 2, 3)),
    ),
    Step(
        5,
        "Day 4: late, and again",
        "functional",
        ((1, 1), (2, 2), (3, 3)),
        (keeps("sales", 4), asked_again(3)),
    ),
    Step(
        6,
        "Day 5: the tax rate changes",
        "functional",
        ((1, 1), (2, 2), (3, 3), (4, 4), (3, 4)),
        (taxed(5), taxed(4)),
    ),
)
