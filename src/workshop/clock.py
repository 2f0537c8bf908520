"""Reads and writes clocks: folders with one file a key, shaped like mounted ConfigMaps."""

from collections.abc import Sequence
from pathlib import Path

from fde.clock import Clock, settle
from fde.refused import Refused
from workshop import settings

ROOM = "clock"


def folder(attendee: str | None = None) -> Path:
    """The folder of the room's clock, or of an attendee's own."""
    return settings.home() / "clocks" / (f"{ROOM}-{attendee}" if attendee else ROOM)


def read(attendee: str) -> Clock:
    """The clock as an attendee sees it. Raises Refused when a key holds half a word."""
    try:
        return settle(_keys(folder()), _keys(folder(attendee)))
    except Refused as error:
        raise Refused(f"{folder()}, {folder(attendee)}: {error}") from None


def set_days(days: Sequence[str]) -> None:
    """Tell the room the dates of the story. Day and deployed stay as they are."""
    file = folder() / "days"
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(".days")
    part.write_text("".join(f"{day}\n" for day in days), "utf-8")
    part.replace(file)


def _keys(path: Path) -> dict[str, str]:
    if not path.is_dir():
        return {}
    return {key.name: key.read_text("utf-8", "replace") for key in path.iterdir() if not key.name.startswith(".")}
