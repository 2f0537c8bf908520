"""`scripts/rehearse`: half of the attendees, then all of them, in a room of their own; what it took, as a table."""

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import psutil

from fde.refused import Refused
from workshop.ready import Progress
from workshop.rehearse import machine, waves
from workshop.rehearse.attendee import names_of
from workshop.rehearse.embedded import Embedded
from workshop.rehearse.findings import Rehearsal
from workshop.rehearse.kind import Kind
from workshop.rehearse.rooms import Room
from workshop.rehearse.table import table
from workshop.up import Options


def main(arguments: list[str]) -> int:
    """Rehearse as the command line says. Returns the exit code: 1 when something failed, 2 when it was refused."""
    os.umask(0o077)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # in the background of a script SIGINT is ignored
        signal.signal(number, signal.default_int_handler)  # a closed terminal ends it as Ctrl-C does
    try:
        given = options(arguments)
        room = Kind() if given.kind else Embedded()
        with machine.only_one(room):
            return rehearse(given, room)
    except Refused as refused:
        print(refused, file=sys.stderr)
    except OSError as error:
        print(f"{error.filename or 'disk'}: {error.strerror or error}. Mend that and rehearse again.", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 2


def options(arguments: list[str]) -> argparse.Namespace:
    """What the command line says. Raises Refused with the first thing that is wrong."""
    parser = Options(prog="scripts/rehearse", add_help=False, allow_abbrev=False)
    parser.add_argument("people", metavar="N")
    parser.add_argument("--kind", action="store_true")
    parser.add_argument("--light", action="store_true")
    parser.add_argument("--json", type=Path, default=Path("rehearsal.json"))
    given = parser.parse_args(arguments)
    if not (given.people.isascii() and given.people.isdecimal() and 0 < int(given.people) < 10**6):
        raise Refused(f"{given.people!r} is no number of people. How many are to come? scripts/rehearse 10")
    given.people = int(given.people)
    if not given.json.absolute().parent.is_dir():
        raise Refused(f"{given.json}: there is no such folder. Make it, or name another file.")
    return given


def rehearse(given: argparse.Namespace, room: Room) -> int:
    """Start the room, let the waves come, tell what they took, and take everything away again."""
    progress = Progress(None)
    if room.clear():
        progress.say("what a killed rehearsal had left is gone")
    machine.refuse_without(room, given.people)
    if others := machine.beside(room.home):
        progress.say(f"beside this rehearsal there runs {', '.join(others)}: its load counts")
    try:
        found = measured(given, room, progress, others)
        size = room.disk_used()
        if found.failures:
            room.keep_logs(logs := given.json.with_suffix(".logs"))
            progress.say(f"what its parts said is in {logs}")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave processes behind
        room.stop()
        progress.say("the room is gone")
    found.disk = size
    told = found.found()
    print(table(told), flush=True)
    given.json.write_text(json.dumps(told, indent=1), "utf-8")
    print(f"All numbers are in {given.json}.")
    return 1 if found.failures else 0


def measured(given: argparse.Namespace, room: Room, progress: Progress, others: list[str]) -> Rehearsal:
    """Half of the attendees, then all of them."""
    room.start(names_of(given.people))
    progress.say(f"a room for {given.people} people, in {room.folder}")
    about = (given.kind, given.light, room.counted, psutil.cpu_count() or 1, others)
    found = Rehearsal(*about, idle=room.use()[0], free=psutil.virtual_memory().available)
    for people in sorted({max(1, given.people // 2), given.people}):
        found.waves.append(asyncio.run(waves.run(room, people, given.light, progress.say)))
        progress.say(f"{people} people: gone again, {len(found.waves[-1].failures)} failed")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
