"""Passwords of people and keys of processes: made once, kept in files that only their owner reads."""

import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

from workshop.room import RESERVED

SYLLABLES = [a + b for a in "bdfghjkmnprstvz" for b in "aeiou"]


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write JSON, mode 600, whole or not at all."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    Path(name).rename(path)


def read_private(path: Path) -> dict[str, Any]:
    """The content of such a file; empty when there is none, or what is there is no JSON object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def give(home: Path, url: str, attendees: list[str]) -> dict[str, Any]:
    """Write `access.json` for these attendees and return it. Who had a password keeps it."""
    access = roster(read_private(home / "access.json"), url, attendees)
    write_private(home / "access.json", access)
    return access


def roster(before: dict[str, Any], url: str, attendees: list[str]) -> dict[str, Any]:
    """Who may sign in with which password. before: the same of a former time; who had a password keeps it."""
    had = {**before.get("attendees", {}), **before.get("instructor", {})}
    passwords = {name: had.get(name) or new_password() for name in [*attendees, RESERVED]}
    access = {"url": url, "attendees": {name: passwords[name] for name in attendees}}
    return {**access, "instructor": {RESERVED: passwords[RESERVED]}}


def new_password() -> str:
    """Six syllables, 37 bits: easy to read out and to type; the hub is asked for each guess."""
    letters = [secrets.choice(SYLLABLES) for _ in range(6)]
    return f"{''.join(letters[:3])}-{''.join(letters[3:])}"


def keys(home: Path) -> dict[str, str]:
    """The keys that processes prove themselves with. Made at the first start and kept: a restart signs nobody out."""
    path = home / "secrets.json"
    kept = read_private(path)
    made = {"jwt": secrets.token_hex(48), "fernet": fernet()}
    made |= {name: secrets.token_hex(32) for name in ("cookie", "airflow", "board")}
    if not made.keys() <= kept.keys():
        write_private(path, {**made, **kept})
    return {**made, **kept}


def fernet() -> str:
    """A key for what Airflow keeps encrypted: 32 bytes in base64, as it wants them."""
    return secrets.token_urlsafe(32) + "="
