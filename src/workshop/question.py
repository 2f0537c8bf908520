"""Questions of the lesson about late orders and taxes. The true answers are computed from the pack, whichever it is."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from fde.frames import to_frame
from fde.pack import Pack
from fde.refused import Refused
from workshop import settings


def answer(question: str, said: Any = ...) -> None:
    """Print whether an answer is right, or not yet, and why.

    Arguments: question, `rate` (a percent), `import` (a day) or `again` (days); said, the answer: a number, a date,
    or a list of them; a day may be said by its number. Raises Refused when the pack has no such question.
    """
    truths = {"rate": _rate, "import": _import, "again": _again}
    if question not in truths:
        raise Refused(f"there is no question {question!r}. Questions: {', '.join(truths)}.")
    pack = Pack(settings.pack())
    truth, why, slips = truths[question](_LateOrder.of(pack))
    if said is ...:
        print("Not answered yet. Write your answer in place of the three dots and run the cell again.")
        return
    given = _plain(said, [] if question == "rate" else pack.days)
    print(f"Right. {why}" if given == truth else f"Not yet. {slips.get(given, slips[None])}")


Truth = tuple[frozenset[str], str, dict[frozenset[str] | None, str]]  # the answer, why, and what to say to others


@dataclass(frozen=True)
class _LateOrder:
    """An order that arrives on the day on which the tax rate changes, and was made on an earlier day."""

    arrived: str
    made: str
    rates: pd.DataFrame  # the list that arrived on the same day
    imports: frozenset[str]  # the days on which orders arrived that were made since then, at the old rate

    @staticmethod
    def of(pack: Pack) -> "_LateOrder":
        for day in pack.days:
            rates = to_frame(pack.rows("tax_rates", day, day))
            late = [made for made in _made(pack, day) if made < day and (rates["valid_from"] <= made).any()]
            if day in set(rates["valid_from"]) and late:
                imports = [one for one in pack.days if any(late[0] <= made < day for made in _made(pack, one))]
                return _LateOrder(day, late[0], rates, frozenset(imports))
        raise Refused(
            f"pack {pack.path}: no order arrives late on a day on which the tax rate changes: nothing to ask."
        )

    def percent(self, date: str) -> str:
        valid = self.rates[self.rates["valid_from"] <= date].sort_values("valid_from")
        return str(valid["percent"].iloc[-1])


def _made(pack: Pack, day: str) -> list[str]:
    return [str(made) for made in pack.rows("orders", day, day)["sales_date"].to_pylist()]


def _rate(order: _LateOrder) -> Truth:
    old, new = order.percent(order.made), order.percent(order.arrived)
    why = f"{old} percent was valid on {order.made}, when the order was made. When it arrived makes no difference."
    slip = f"{new} percent is valid on {order.arrived}, when the order arrived. Which rate was valid when it was made?"
    hint = f"Look at the list of rates: which of them was valid on {order.made}?"
    return frozenset({old}), why, {frozenset({new}): slip, None: hint}


def _import(order: _LateOrder) -> Truth:
    why = f"It came with the import of {order.arrived}. So the import of {order.made} is as it was."
    slip = f"{order.made} is the day it was made. By then it had not arrived: which import brought it?"
    hint = "An import holds what arrived that day. On which day did the order arrive?"
    return frozenset({order.arrived}), why, {frozenset({order.made}): slip, None: hint}


def _again(order: _LateOrder) -> Truth:
    days = " and ".join(sorted(order.imports))
    why = f"Orders made since {order.made} at the old rate arrived on {days}. Each of these days gets a new version."
    late = "Some of these orders are in another import: one arrived late. Which import holds it?"
    hint = f"Which imports hold orders that were made since {order.made} at the old rate? Those, and no others."
    return order.imports, why, {frozenset({order.made}): late, None: hint}


def _plain(said: Any, days: list[str]) -> frozenset[str]:
    """An answer as a set of words: `10 %` is `10`, a day said by its number is its date."""
    parts = said if isinstance(said, list | tuple | set | frozenset) else str(said).split(",")
    words = [str(part).strip(" %").removesuffix(".0") for part in parts]
    return frozenset(days[int(w) - 1] if w.isdecimal() and 1 <= int(w) <= len(days) else w for w in words)
