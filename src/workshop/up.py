"""`scripts/up`: brings the workshop up, stage by stage, and says how long each took."""

import argparse
import errno
import os
import shutil
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

from fde.refused import Refused
from workshop import access, plan, ready, room, settings, stages, supervised
from workshop.ready import Progress

NEEDED_MB = 300


def main(arguments: list[str]) -> int:
    """Bring the workshop up as the command line says. Returns the exit code: 2 when something must be changed first."""
    os.umask(0o077)  # passwords, keys, logs: the owner's
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # a closed terminal stops it as Ctrl-C does
    try:
        return up(options(arguments))
    except Refused as refused:
        print(refused, file=sys.stderr)
    except OSError as error:
        full = "The disk is full. Make room" if error.errno == errno.ENOSPC else "Mend that"
        print(
            f"{error.filename or settings.home()}: {error.strerror or error}. {full} and run scripts/up again.",
            file=sys.stderr,
        )
    except KeyboardInterrupt:
        return 130
    return 2


def options(arguments: list[str]) -> argparse.Namespace:
    """What the command line says. Raises Refused with the first thing that is wrong."""
    parser = Options(prog="scripts/up", add_help=False, allow_abbrev=False)
    parser.add_argument("--attendees")
    parser.add_argument("--detach", action="store_true")
    for name in ("--port", "--host", "--url", "--pack"):  # from FDE_PORT and so on
        parser.add_argument(name)
    parser.add_argument("--since", type=float)
    given = parser.parse_args(arguments)
    if not given.port.isdecimal() or not 0 < int(given.port) < 65536:
        raise Refused(f"FDE_PORT={given.port} is no port. Give a number from 1 to 65535.")
    return given


class Options(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        raise Refused(f"{self.prog}: {message}. {self.prog} -h lists what it takes.")


def up(given: argparse.Namespace) -> int:
    """Start the workshop, or say that it runs already."""
    home, progress = settings.home(), Progress(given.since)
    home.mkdir(parents=True, exist_ok=True)
    described = room.read(settings.root() / "room.yaml")
    names = (
        room.checked(given.attendees.split(","), "--attendees") if given.attendees is not None else described.attendees
    )
    pack = Path(given.pack).absolute() if given.pack else described.pack
    with ExitStack() as alone:
        alone.enter_context(supervised.only_one(home))
        if supervised.find(home, "hub"):
            return running_already(home, names if given.attendees is not None else None, progress)
        if orphans := supervised.end(home):
            progress.say(f"{orphans} processes of a killed workshop ended")
        if (free := shutil.disk_usage(home).free // 2**20) < NEEDED_MB:
            raise Refused(
                f"The disk is too full: {free} MB are free in {home}, {NEEDED_MB} MB are needed. "
                "Make room and run scripts/up again."
            )
        settled = plan.make(given.host, int(given.port), names, pack, given.url or "")
        with supervised.stopped_when_it_fails(home):  # half a workshop helps nobody
            hub = stages.start(home, settled, progress)
            ready.until_ready(home, settled, progress)
            tell(home, access.give(home, settled.url, names))
            alone.close()
            if not given.detach:
                print("Ctrl-C stops it.", flush=True)
                hub.wait()
                raise Refused(f"JupyterHub ended by itself: {ready.last_line(home, 'hub')}")
    print("scripts/down stops it.")
    return 0


def running_already(home: Path, names: list[str] | None, progress: Progress) -> int:
    """A second `up`: makes worlds that are missing, waits for what the first one started, and says where it is."""
    settled = plan.read(home)
    if names is not None and names != settled.attendees:
        raise Refused(
            f"The workshop is running already, at {settled.url} with {', '.join(settled.attendees)}. "
            "To change who takes part: scripts/down, then scripts/up again; worlds stay."
        )
    for name in settled.attendees:
        stages.make_world(name)
    ready.until_ready(home, settled, progress)
    print("The workshop is running already.")
    tell(home, access.give(home, settled.url, settled.attendees))
    return 0


def tell(home: Path, given: dict[str, Any]) -> None:
    """The address, names and passwords."""
    print(f"\nThe workshop runs at {given['url']}\n")
    for name, password in {**given["attendees"], **given["instructor"]}.items():
        print(f"  {name:<20}  {password}")
    print(f"\nAlso in {home / 'access.json'}; worlds in {home / 'worlds'}, logs in {home / 'logs'}.", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
