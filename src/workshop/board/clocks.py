"""All clocks of a room as one: read, changed and put back, each change with its entry, one change at a time."""

from collections.abc import Callable, Sequence

from fde.refused import Refused
from workshop import clock
from workshop.board.audit import Audit
from workshop.board.entry import ROOM, Entry, Keys, same, written_down

#: the keys of all clocks as they are -> what is done, in a sentence, and the keys to set
Act = Callable[[Keys], tuple[str, Keys]]


class Clocks:
    """The clock of the room and those of `names`, the roster."""

    def __init__(self, audit: Audit, names: Sequence[str]) -> None:
        self.audit, self.names = audit, names

    def change(self, who: str, act: Act) -> Entry:
        """Set the keys that `act` says, and write it down. Raises Refused, with nothing changed."""
        with self.audit.lock:
            now = self._read()
            what, keys = act(now)
            return self._write(who, what, now, keys)

    def put_back(self, who: str, entry: Entry) -> Entry:
        """Set the keys to what they were before an entry. Raises Refused when they no longer are what it made them."""
        with self.audit.lock:
            now = self._read()
            for name, keys in entry.after.items():
                for key, then in keys.items():
                    if name in now and not same(now[name][key], then):
                        raise Refused(
                            f"since then {key} of {name or 'the room'} was changed: it is {_said(now[name][key])}, "
                            f"no longer {_said(then)}. Take that back first, or set it anew."
                        )
            before = {name: keys for name, keys in entry.before.items() if name in now}
            return self._write(who, f"Taken back: {entry.what}", now, before, entry.id)

    def _read(self) -> Keys:
        raw = {name: clock.keys(name) for name in (None, *self.names)}
        self.audit.seen(raw, sure=True)  # what was changed elsewhere comes before what is changed now
        return {name or ROOM: written_down(name, keys) for name, keys in raw.items()}

    def _write(self, who: str, what: str, now: Keys, keys: Keys, undoes: int | None = None) -> Entry:
        """The room's clock first: when it cannot be written, nothing is. A clock of their own people can lock."""
        before: Keys = {}
        locked: list[str] = []
        for name in sorted(keys, key=lambda name: (name != ROOM, name)):
            try:
                for key, value in keys[name].items():
                    clock.put(name or None, key, value)
            except (Refused, OSError) as error:
                if name == ROOM:
                    raise Refused(f"the clock of the room cannot be changed: {error}") from None
                locked.append(name)
            else:
                before[name] = {key: now[name][key] for key in keys[name]}
        if locked:
            what += f" But not of {', '.join(locked)}: who owns a clock can lock it."
        return self.audit.add(who, what, before, {name: keys[name] for name in before}, undoes=undoes)


def _said(value: str | None) -> str:
    return "none" if value is None else repr(value.strip())
