"""What an instructor may name: days of the story, attendees. Anything else is refused."""

from collections.abc import Sequence

from fde.refused import Refused
from workshop.board.entry import ROOM, Keys

EVERYONE = "*"  # in a line of incidents


class Named:
    """names: the roster; days: the dates of the story."""

    def __init__(self, names: Sequence[str], days: Sequence[str]) -> None:
        self.names, self.days = names, days

    def date(self, day: str) -> str:
        """The date of a day that is said by its date or number."""
        date = {str(number): date for number, date in enumerate(self.days, 1)}.get(day, day)
        if date not in self.days:
            story = f"the story, which has days 1 to {len(self.days)}: {' '.join(self.days)}"
            raise Refused(f"{day[:40]!r} is no day of {story}.")
        return date

    def after(self, date: str) -> str:
        """The day after a date."""
        if date == self.days[-1]:
            raise Refused(f"{date} is the last day of the story.")
        return self.days[self.days.index(date) + 1]

    def said(self, date: str) -> str:
        """A date in words."""
        return f"day {self.days.index(date) + 1}, {date}"

    def unless_held(self, now: Keys, date: str) -> str:
        """The same, when the room is not held before."""
        hold = (now[ROOM]["hold"] or "").strip()
        if hold in self.days and date > hold:
            raise Refused(f"the room is held at {self.said(hold)}. Let it go on first.")
        return self.said(date)

    def attendees(self, names: Sequence[str], *more: str) -> list[str]:
        """Each name once: of the roster, or one of `more`."""
        if unknown := [name for name in names if name not in (*self.names, *more)]:
            raise Refused(f"there is no attendee {unknown[0][:40]!r}. Attendees: {' '.join(self.names)}.")
        if not names:
            raise Refused("nobody was named.")
        return list(dict.fromkeys(names))


def spoken(names: Sequence[str]) -> str:
    """Attendees in words."""
    return "everyone" if EVERYONE in names else ", ".join(names)
