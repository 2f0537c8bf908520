"""What the instructor does to the room. Each action is written down once it is done, and can be taken back."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence

from fde.clock import CONTROLS, LATEST, MESSAGE
from fde.refused import Refused
from workshop.board.audit import Audit
from workshop.board.clocks import Clocks
from workshop.board.entry import ROOM, Entry, Keys
from workshop.board.named import EVERYONE, Named, spoken


class Pace:
    """The actions of a room. Each raises Refused, with nothing changed, for what cannot be.

    names: the roster; days: the dates of the story; trigger(name, to): starts somebody's catch_up in Airflow as the
    instructor, `to` is the number of a step or `undo`, and raises Refused where it cannot. `who`: did it, as the entry
    tells. A day is said by its date or number. What writes clocks are plain methods, which take a second for a big room
    in a cluster: a server calls them in a thread. What asks Airflow, `catch_up` and `undo`, is awaited.
    """

    def __init__(
        self,
        audit: Audit,
        names: Sequence[str],
        days: Sequence[str],
        trigger: Callable[[str, str], Awaitable[object]],
        incidents: Collection[str],
    ) -> None:
        self.audit, self.trigger, self.incidents = audit, trigger, incidents
        self.clocks, self.named = Clocks(audit, names), Named(names, days)
        self._one_at_a_time = asyncio.Lock()

    def set_room_day(self, who: str, day: str) -> Entry:
        """Move the room; who has a day of their own stays there."""
        date = self.named.date(day)
        return self.clocks.change(
            who, lambda now: (f"The room is at {self.named.unless_held(now, date)}.", {ROOM: {"day": date}})
        )

    def everyone_to(self, who: str, day: str) -> Entry:
        """Move the room and everyone in it."""
        date = self.named.date(day)
        return self.clocks.change(who, lambda now: self._all_to(now, date))

    def next_day(self, who: str) -> Entry:
        """Move the room and everyone in it to the day after the room's."""
        first = self.named.days[0]
        return self.clocks.change(
            who, lambda now: self._all_to(now, self.named.after(self.named.date((now[ROOM]["day"] or first).strip())))
        )

    def hold(self, who: str, day: str = "") -> Entry:
        """Let nobody get past a day; without one, let the room go on."""
        if not day:
            return self.clocks.change(who, lambda now: ("The room goes on.", {ROOM: {"hold": None}}))
        date = self.named.date(day)
        what = f"The room is held at {self.named.said(date)}."
        return self.clocks.change(who, lambda now: (what, {ROOM: {"hold": date}}))

    def deploy(self, who: str, deployed: str) -> Entry:
        """Let the dashboards of the room and of everyone in it show a day, or `latest`."""
        word = deployed if deployed == LATEST else self.named.date(deployed)
        return self.clocks.change(who, lambda now: (f"Dashboards show {word}.", everyones(now, "deployed", word)))

    def message(self, who: str, words: str) -> Entry:
        """Say something to the room, in one line; without words take it away."""
        words = words.strip()
        if CONTROLS.search(words) or len(words) > MESSAGE:
            raise Refused(f"a message is one line of at most {MESSAGE} characters; this has {len(words)}.")
        what = f"Message to the room: {words}" if words else "The message is taken away."
        return self.clocks.change(who, lambda now: (what, {ROOM: {"message": words or None}}))

    def inject(self, who: str, day: str, name: str, whom: Sequence[str]) -> Entry:
        """Let something go wrong in the shop on a day, for these attendees; `*` is everyone."""
        date, whom = self.named.date(day), self.named.attendees(whom, EVERYONE)
        if name not in self.incidents:
            raise Refused(f"there is no incident {name[:40]!r}. Incidents: {', '.join(self.incidents)}.")

        def added(now: Keys) -> tuple[str, Keys]:
            lines = [*_lines(now), *(f"{date} {name} {one}" for one in whom)]
            what = f"Incident {name} on {self.named.said(date)}, for {spoken(whom)}."
            return what, {ROOM: {"incidents": "\n".join(dict.fromkeys(lines))}}

        return self.clocks.change(who, added)

    def remove_incident(self, who: str, day: str, name: str, whom: str) -> Entry:
        """Let the shop be whole again, for an attendee; `*` ends what was injected for everyone."""
        date = self.named.date(day)
        about = f"incident {name[:40]} on {self.named.said(date)} for {spoken([whom[:40]])}."

        def removed(now: Keys) -> tuple[str, Keys]:
            left = [line for line in _lines(now) if line.split() != [date, name, whom]]
            if left == _lines(now):
                raise Refused(f"there is no {about}")
            return f"No more {about}", {ROOM: {"incidents": "\n".join(left) or None}}

        return self.clocks.change(who, removed)

    async def catch_up(self, who: str, names: Sequence[str], step: int) -> Entry:
        """Give these attendees the desk of a step. Who could not be given it, the entry tells."""
        from fde.steps import step_of  # brings pandas and the lake, which a board does not need for anything else

        what = f"Catch up to step {step_of(step).number}"
        return await self._ask(who, what, self.named.attendees(names), str(step))

    async def undo(self, who: str, entry_id: int) -> Entry:
        """Put back what was before an entry. Refused when that was changed since, and when it is taken back already.

        Of desks, whatever was swapped last comes back: whether somebody has swapped theirs since, their world knows.
        """
        async with self._one_at_a_time:  # pressed twice, former desks would change places twice
            entry = next((entry for entry in self.audit.entries() if entry.id == entry_id), None)
            if not entry or not entry.can_be_undone:
                raise Refused(f"there is nothing to take back: {entry.what if entry else f'no entry {entry_id}'}")
            if entry.desks:
                return await self._ask(who, f"Taken back the desks of entry {entry.id}", entry.desks, "undo", entry.id)
            return await asyncio.to_thread(self.clocks.put_back, who, entry)

    async def _ask(self, who: str, what: str, names: Sequence[str], to: str, undoes: int | None = None) -> Entry:
        failed: dict[str, str] = {}
        for name in names:  # one after the other: Airflow's database has one writer
            try:
                await self.trigger(name, to)
            except Refused as error:
                failed[name] = str(error)
        asked = tuple(name for name in names if name not in failed)
        told = " ".join(f"Not {name}: {why}" for name, why in failed.items())
        if not asked:
            raise Refused(f"nobody was given another desk. {told}")
        what = f"{what}: {', '.join(asked)}. {told}".strip()
        return await asyncio.to_thread(self.audit.add, who, what, desks=asked, undoes=undoes)

    def _all_to(self, now: Keys, date: str) -> tuple[str, Keys]:
        return f"Everyone is at {self.named.unless_held(now, date)}.", everyones(now, "day", date)


def everyones(now: Keys, key: str, value: str) -> Keys:
    """A key of the room's clock, taken from everybody's own."""
    return {ROOM: {key: value}, **{name: {key: None} for name, keys in now.items() if name and keys[key] is not None}}


def _lines(now: Keys) -> list[str]:
    return (now[ROOM]["incidents"] or "").splitlines()
