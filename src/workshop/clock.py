"""Reads and writes clocks: folders with one file a key, or the ConfigMaps that a pod's account may read."""

from collections.abc import Sequence
from pathlib import Path

from fde.clock import Clock, settle
from fde.refused import Refused
from workshop import cluster, settings

ROOM = "clock"


def name_of(attendee: str | None = None) -> str:
    """The name of the room's clock, or of an attendee's own."""
    return f"{ROOM}-{attendee}" if attendee else ROOM


def folder(attendee: str | None = None) -> Path:
    """The folder of the room's clock, or of an attendee's own: here in the embedded way, mounted in a task's pod."""
    return settings.home() / "clocks" / name_of(attendee)


def read(attendee: str) -> Clock:
    """The clock as an attendee sees it. Raises Refused when a key holds half a word."""
    try:
        return settle(_keys(None), _keys(attendee))
    except Refused as error:
        raise Refused(f"{name_of()}, {name_of(attendee)}: {error}") from None


def set_days(days: Sequence[str]) -> None:
    """Tell the room the dates of the story. Day and deployed stay as they are."""
    text = "".join(f"{day}\n" for day in days)
    if room := cluster.here():
        room.patch("configmaps", ROOM, {"data": {"days": text}})
        return
    file = folder() / "days"
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(".days")
    part.write_text(text, "utf-8")
    part.replace(file)


def _keys(attendee: str | None) -> dict[str, str]:
    path = folder(attendee)
    if path.is_dir():
        return {key.name: key.read_text("utf-8", "replace") for key in path.iterdir() if not key.name.startswith(".")}
    if room := cluster.here():  # a mounted clock would follow only after a quarter of a minute
        return (room.get("configmaps", name_of(attendee)) or {}).get("data") or {}
    return {}
