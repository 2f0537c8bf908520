"""Goals: what one can see of a desk. Each is made for the days, by their numbers, that a step is about."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from fde import lake
from fde.check import check
from fde.receipt import history
from fde.refused import Refused
from fde.truth import imports_of, sent, tells
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


def tells_status_then(*numbers: int) -> Goal:
    """What no law can judge: the chart means what people take its title for. Truth is what the shop sent.

    While something goes wrong in the shop both count, what it sends now and what it would have sent: a day may have
    been imported before. Once all is well again only the latter does: wrong rows that are still there are wrong.
    """

    def missing(world: World) -> str:
        truths = dict.fromkeys(((), world.incidents))
        imports = imports_of(world, *numbers)
        sales = world.read("sales", until=imports[-1].day)
        for made in imports:
            shown = sales[sales["import_date"] == made.day]
            if not any(tells(shown, world, made, truth) for truth in truths):
                return f"sales of {made.day} do not"
        return ""

    return Goal("bars go by the status that users had when they ordered", missing)


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


def taxed(number: int) -> Goal:
    """Each sale of a day carries the tax that was valid on the date it was made. Cents may be rounded in any way."""

    def missing(world: World) -> str:
        made = imports_of(world, number)[0]
        rates = sent(world, "tax_rates", made).sort_values("valid_from")
        for sale in world.read("sales", day=made.day).to_dict("records"):
            what = f"{sale['status']} of {sale['sales_date']}, imported on {made.day},"
            revenue, tax = sale["revenue_cents"], sale["tax_cents"]
            valid = rates.loc[rates["valid_from"] <= sale["sales_date"], "percent"]
            if pd.isna(tax):
                return f"{what} carries none"
            if valid.empty or abs(tax - revenue * valid.iloc[-1] / 100) > sale["orders"]:
                return f"{what} carries another: {tax / 100:,.2f} of {revenue / 100:,.2f}"
        return ""

    return Goal(f"sales of day {number} carry the tax of their dates", missing)
