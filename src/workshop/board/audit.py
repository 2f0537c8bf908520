"""The audit log: who did what to the room, and when. A file of JSON lines to which lines are only added.

The room's clock begins without a key, so the file alone tells how it stood when the board last looked: a board that
starts again writes down only what was changed meanwhile.
"""

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from fde.refused import Refused
from workshop.board.entry import KEYS, ROOM, Entry, Keys, read, same, written_down

ELSEWHERE = "a script or kubectl"


class Audit:
    """The entries of a room, in a folder of the board's own. `lock` is held from reading clocks until the entry."""

    def __init__(self, folder: Path) -> None:
        self.lock = threading.RLock()
        self._file = folder / "audit.jsonl"
        self._entries: list[Entry] = []
        self._known: Keys = {}
        self._glimpse: dict[str, str | None] = {}
        folder.mkdir(parents=True, exist_ok=True)
        text = self._file.read_text("utf-8", "replace") if self._file.exists() else ""
        for entry in filter(None, map(read, text.split("\n"))):
            self._take(entry)

    def entries(self) -> list[Entry]:
        """All of them, newest first."""
        entries = list(self._entries)
        undone = {entry.undoes for entry in entries}
        return [replace(entry, undone=entry.id in undone) for entry in reversed(entries)]

    def add(
        self,
        who: str,
        what: str,
        before: Keys | None = None,
        after: Keys | None = None,
        desks: tuple[str, ...] = (),
        undoes: int | None = None,
    ) -> Entry:
        """Write down what was done. It is on disk when this returns; raises Refused when it cannot be."""
        with self.lock:
            number = max((entry.id for entry in self._entries), default=0) + 1
            entry = Entry(number, time.time(), who, what, before or {}, after or {}, desks, undoes)
            self._append(entry.line())
            self._take(entry)
            return entry

    def seen(self, clocks: Mapping[str | None, Mapping[str, str]], sure: bool = False) -> None:
        """Write down what somebody changed in the room's clock without the board: one entry for all its keys.

        clocks: keys by attendee, None for the room's, which must be there. sure: they were read with `lock` held.
        Else a change counts when two looks in a row tell it, and none while the board itself writes: a look may be
        older than what was written since. What attendees do with their own clocks is not written down; but keys of
        theirs that went with a change of the room's (`day 2` moves everyone in it) belong to it, and come back with it.
        """
        if not self.lock.acquire(blocking=False):
            return
        try:
            now = {name or ROOM: written_down(name, keys) for name, keys in clocks.items()}
            room, known = now[ROOM], self._known.get(ROOM, {})
            changed = [key for key in KEYS if not same(room[key], known.get(key))]
            sure, self._glimpse = sure or self._glimpse == room, room
            if changed and not sure:
                return
            if changed:
                before: Keys = {ROOM: {key: known.get(key) for key in changed}}
                after: Keys = {ROOM: {key: room[key] for key in changed}}
                for name in filter(None, now):
                    had = self._known.get(name, {})
                    if gone := {key: had[key] for key in changed if had.get(key) and now[name][key] is None}:
                        before[name], after[name] = gone, dict.fromkeys(gone)
                self.add(ELSEWHERE, " ".join(_told(key, known.get(key), room[key]) for key in changed), before, after)
            self._known |= now
        except Refused:  # a full disk: the next look tries again
            return
        finally:
            self.lock.release()

    def _append(self, line: str) -> None:
        try:
            with open(self._file, "a+b", opener=_private) as file:  # noqa: PTH123 - Path.open takes no opener
                whole = not file.tell() or file.seek(-1, os.SEEK_END) < 0 or file.read(1) == b"\n"
                file.write((line if whole else f"\n{line}").encode() + b"\n")  # who died while writing left half a line
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise Refused(
                f"{self._file}: {error.strerror}. What was done is done, but it is not written down."
            ) from None

    def _take(self, entry: Entry) -> None:
        self._entries.append(entry)
        for name, keys in entry.after.items():
            self._known.setdefault(name, {}).update(keys)


def _told(key: str, before: str | None, now: str | None) -> str:
    was, says = ("none" if value is None else ", ".join(value.split("\n")).strip(" ,") for value in (before, now))
    return f"{key} of the room: {says} (before: {was})."


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
