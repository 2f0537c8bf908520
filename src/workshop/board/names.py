"""What attendees are called on a page: by name, or, for the projector, `attendee 3` wherever a name would stand."""

import re
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

T = TypeVar("T")


class Names:
    """The roster, shown or hidden. A key stands for somebody in links and forms: the name, or `~3`, which is none."""

    def __init__(self, roster: Sequence[str], hidden: bool) -> None:
        self.roster, self.hidden = sorted(roster), hidden
        self._number = {name: number for number, name in enumerate(self.roster, 1)}
        longest_first = "|".join(map(re.escape, sorted(roster, key=len, reverse=True)))
        # Not inside of a word: with an attendee `a` no text could be read. ASCII: else a long s would pass for an s.
        self._any = re.compile(rf"(?<![^\W_])(?:{longest_first})(?![^\W_])", re.IGNORECASE | re.ASCII)

    def key(self, name: str) -> str:
        """What stands for this attendee in an address."""
        return f"~{self._number[name]}" if self.hidden else name

    def called(self, whom: str) -> tuple[str, str]:
        """What stands for them in an address, and on the page: an attendee, or `*` for everyone."""
        if whom in self._number:
            return self.key(whom), self.shown(whom)
        return whom, "everyone" if whom == "*" else self.shown(whom)

    def shown(self, value: T) -> T:
        """The same text, row, list or mapping; when names are hidden, without any."""
        return self._without(value) if self.hidden else value

    def _without(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._any.sub(lambda found: f"attendee {self._number[found[0].lower()]}", value)
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{field.name: self._without(getattr(value, field.name)) for field in fields(value)})
        if isinstance(value, dict):
            return {self._without(key): self._without(part) for key, part in value.items()}
        return type(value)(map(self._without, value)) if isinstance(value, tuple | list) else value


def whose(roster: Sequence[str], key: str) -> str | None:
    """The attendee that a key stands for, hidden or not; None for nobody."""
    if re.fullmatch(r"~[1-9][0-9]{0,3}", key, re.ASCII) and int(key[1:]) <= len(roster):
        return sorted(roster)[int(key[1:]) - 1]
    return key if key in roster else None
