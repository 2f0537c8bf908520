"""Reads and writes clocks: folders with one file a key, or the ConfigMaps that a pod's account may read."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from fde.clock import Clock, settle
from fde.disk import flush, swap_in
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
        return settle(keys(), keys(attendee), attendee)
    except Refused as error:
        raise Refused(f"{name_of()}, {name_of(attendee)}: {error}") from None


def set_days(days: Sequence[str]) -> None:
    """Tell the room the dates of the story. Day and deployed stay as they are."""
    put(None, "days", "".join(f"{day}\n" for day in days))


def put(attendee: str | None, key: str, value: str | None) -> None:
    """Set a key of the room's clock (attendee None) or of an attendee's own; None takes the key away.

    Raises Refused where this process may not, or there is no such clock.
    """
    if (room := cluster.here()) and not folder(attendee).is_dir():
        if not room.patch("configmaps", name_of(attendee), {"data": {key: value}}):
            raise Refused(f"there is no clock {name_of(attendee)}. Is {attendee} in room.yaml?")
        return
    file = folder(attendee) / key
    file.parent.mkdir(parents=True, exist_ok=True)
    if value is not None:
        swap_in(file, value.encode())
    elif file.exists():
        file.unlink(missing_ok=True)
        flush(file.parent)


def keys(attendee: str | None = None) -> dict[str, str]:
    """All keys of the room's clock, or of an attendee's own, as they stand there."""
    path = folder(attendee)
    if path.is_dir():
        return dict(_files(path))
    if room := cluster.here():  # a mounted clock would follow only after a quarter of a minute
        return (room.get("configmaps", name_of(attendee)) or {}).get("data") or {}
    return {}


def all_keys() -> dict[str | None, dict[str, str]]:
    """The keys of all clocks, by attendee; None is the room's. In a cluster by one request."""
    if (room := cluster.here()) and not folder().is_dir():
        return {_whose(name): of.get("data") or {} for name, of in room.list("configmaps", f"fde={ROOM}").items()}
    places = folder().parent.glob(f"{ROOM}*")
    return {_whose(place.name): keys(_whose(place.name)) for place in places if place.is_dir()}


def _whose(name: str) -> str | None:
    return name.removeprefix(ROOM).removeprefix("-") or None


def _files(path: Path) -> Iterator[tuple[str, str]]:
    for key in path.iterdir():
        with suppress(FileNotFoundError):  # taken away at this moment
            if not key.name.startswith("."):
                yield key.name, key.read_text("utf-8", "replace")
