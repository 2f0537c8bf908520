"""An entry of the audit log: something that was done to the room, and what to put back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

ROOM = ""  # among clocks, which go by the attendee's name
OWN_KEYS = ("day", "deployed")
KEYS = (*OWN_KEYS, "hold", "message", "incidents")  # `days` belongs to the pack
LONGEST_WORD = 40

Keys = dict[str, dict[str, str | None]]  # of clocks, by attendee or ROOM; None: the key is not there


@dataclass(frozen=True)
class Entry:
    """Something that was done at `when` (seconds since 1970) by `who`; `what` says it in a sentence.

    before, after: the keys it changed; desks: who got another desk; undoes: the id of the entry that it took back.
    """

    id: int
    when: float
    who: str
    what: str
    before: Keys = field(default_factory=dict)
    after: Keys = field(default_factory=dict)
    desks: tuple[str, ...] = ()
    undoes: int | None = None
    undone: bool = False

    @property
    def can_be_undone(self) -> bool:
        """Not twice; and what was taken back is done again by its own button."""
        return not self.undone and self.undoes is None

    def line(self) -> str:
        """As JSON, in one line. Whether it is undone, a later line says."""
        return json.dumps({key: value for key, value in asdict(self).items() if key != "undone"})


def read(line: str) -> Entry | None:
    """The entry of a line; None for a line that is broken, or only half there."""
    try:
        told = json.loads(line)
        values = [value for which in ("before", "after") for keys in told[which].values() for value in keys.values()]
        if not all(value is None or isinstance(value, str) for value in values):
            return None
        undoes = None if told["undoes"] is None else int(told["undoes"])
        about = told["before"], told["after"], tuple(map(str, told["desks"])), undoes
        return Entry(int(told["id"]), float(told["when"]), str(told["who"]), str(told["what"]), *about)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return None


def written_down(attendee: str | None, keys: Mapping[str, str]) -> dict[str, str | None]:
    """Of a clock's keys those that matter here. Into their own clock people may write anything: a word is short."""
    if attendee is None:
        return {key: keys.get(key) for key in KEYS}
    return {key: keys[key][:LONGEST_WORD] if key in keys else None for key in OWN_KEYS}


def same(one: str | None, other: str | None) -> bool:
    """Whether a key says the same: scripts end what they write with a new line."""
    return (one if one is None else one.strip()) == (other if other is None else other.strip())
