"""The room as its instructor describes it in `room.yaml`: who takes part, and which pack the story is told with."""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from fde.refused import Refused

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")
RESERVED = "instructor"


@dataclass(frozen=True)
class Room:
    """Who takes part, in the order of `room.yaml`, and the pack's folder, absolute."""

    attendees: list[str]
    pack: Path


def read(path: Path) -> Room:
    """The room that a `room.yaml` describes. Raises Refused with file, key, value and what is allowed."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path}: cannot be read: {error}. It lists the attendees and the pack.") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # of dates that are none, of brackets without end
        raise Refused(f"{path}: is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict) or set(content) != {"attendees", "pack"}:
        raise Refused(f"{path}: must have exactly the keys `attendees` (a list of names) and `pack` (a folder).")
    if not isinstance(content["attendees"], list) or not isinstance(content["pack"], str):
        raise Refused(f"{path}: `attendees` must be a list of names, `pack` a folder.")
    return Room(checked(content["attendees"], str(path)), path.parent.absolute() / content["pack"])


def checked(attendees: list[object], where: str) -> list[str]:
    """The names, if each can be a folder, a sign-in and the end of a DAG's id. Raises Refused with the first bad."""
    if not attendees:
        raise Refused(f"{where}: there is no attendee. Name at least one.")
    names: list[str] = []
    for name in attendees:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise Refused(
                f"{where}: {name!r} cannot be an attendee's name. Use a-z, 0-9 and - inside, at most 20 characters."
            )
        if name == RESERVED:
            raise Refused(f"{where}: {name!r} is the room's own sign-in. Give the attendee another name.")
        if name in names:
            raise Refused(f"{where}: {name!r} is listed twice. Each attendee needs a name of their own.")
        names.append(name)
    return names
