"""The clock: which day of the story it is, and which sales the dashboards show. The value and its rule."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fde.refused import Refused

LATEST = "latest"
VERSION = re.compile(r"^v([1-9]\d{0,9})$")
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
MESSAGE = 300  # characters of a message, at most


@dataclass(frozen=True)
class Clock:
    """`days`: the dates of the story, ISO. `day`: one of them. `deployed`: `latest`, one of them, or `v7`.

    hold: the day that nobody gets past, "" for none. message: from the instructor to the room, "" for none.
    incidents: what goes wrong in the shop, pairs (day, name of the incident), in the order it began.
    """

    days: tuple[str, ...]
    day: str
    deployed: str = LATEST
    hold: str = ""
    message: str = ""
    incidents: tuple[tuple[str, str], ...] = ()

    @property
    def version(self) -> int | None:
        """The version of `sales` that `deployed` names, if it names one."""
        match = VERSION.match(self.deployed)
        return int(match[1]) if match else None

    @property
    def until(self) -> str:
        """The last day shown, unless `deployed` names a version: never later than the clock's day."""
        return self.day if self.deployed == LATEST else min(self.day, self.deployed)

    def number(self, day: str) -> int:
        """The number of a date of the story, from 1."""
        return self.days.index(day) + 1


def settle(room: Mapping[str, str], own: Mapping[str, str], attendee: str = "") -> Clock:
    """The clock an attendee sees.

    Arguments: the keys of the room's clock (`days`, maybe `day`, `deployed`, `hold`, `message`, `incidents`), and of
    the attendee's own (`day`, `deployed`). A key of their own wins; without any, it is the first day, and the latest
    is deployed. Nobody's day is later than `hold`, whatever their own clock says: freed, they are where they were.
    Raises: Refused when a key holds something that is no day, no version, or only half of one.
    """
    days = tuple(room.get("days", "").split())
    if not days:
        raise Refused("the room's clock has no days. Is the workshop running? scripts/up starts it.")
    day = (own.get("day") if "day" in own else room.get("day", days[0])) or ""
    deployed = (own.get("deployed") if "deployed" in own else room.get("deployed", LATEST)) or ""
    if day.strip() not in days:
        raise Refused(f"the clock's day is {day.strip()!r}, which is no day of the story. Set it again: day 1")
    hold = room.get("hold", "").strip()
    if hold and hold not in days:
        raise Refused(f"the room is held at {hold!r}, which is no day of the story. Set it again: hold 1")
    day = min(day.strip(), hold) if hold else day.strip()
    message = CONTROLS.sub(" ", room.get("message", "")).strip()[:MESSAGE]  # one line, whoever wrote it
    incidents = _incidents(room.get("incidents", ""), attendee)
    clock = Clock(days, day, deployed.strip(), hold, message, incidents)
    if clock.deployed not in (LATEST, *days) and clock.version is None:
        raise Refused(
            f"deployed is {clock.deployed!r}, which is neither latest nor a day of the story nor a version. "
            "Set it again: deploy latest"
        )
    if clock.version is not None and "deployed" not in own:
        raise Refused(
            f"the room deploys {clock.deployed}, but versions differ from desk to desk. Set a day: deploy latest"
        )
    return clock


def _incidents(lines: str, attendee: str) -> tuple[tuple[str, str], ...]:
    """Those of an attendee, from lines `DAY NAME WHO`; `*` is everybody."""
    words = [line.split() for line in lines.splitlines() if line.strip()]
    if bad := next((line for line in words if len(line) != 3), None):
        raise Refused(f"incidents: {' '.join(bad)!r} is not like `2022-01-03 fake-order *`. See: incident list")
    return tuple((day, name) for day, name, who in words if who in ("*", attendee))
