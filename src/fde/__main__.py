"""The command line of a desk: what one may say, and how a mistake is told."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from fde import commands
from fde.refused import Refused
from fde.world import World


def no_opening(number: int) -> Path:
    """Desks of steps are made by a workshop."""
    raise Refused(f"the desk of step {number} is not here. A workshop has it: scripts/up")


def main(argv: Sequence[str], open_world: Callable[[], World], opening: Callable[[int], Path] = no_opening) -> int:
    """Run one command. Returns the exit code: 0, 1 for "no", 2 when refused (one message on stderr).

    opening: the folder with the desk of a step, by its number.
    """
    command = _parser().parse_args(argv)
    command.opening = opening
    try:
        worlds = () if command.act is commands.unpack else (open_world(),)  # it makes a world and needs none
        code: int | None = command.act(*worlds, command)
        return code or 0
    except Refused as error:
        print(f"fde: {error}", file=sys.stderr)
    except OSError as error:
        print(f"fde: {error.filename or 'disk'}: {error.strerror or error}. Mend that and try again.", file=sys.stderr)
    except KeyboardInterrupt:
        print("fde: interrupted. Run it again: what was done is not done twice in the lake.", file=sys.stderr)
        return 130
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fde", description="Work on your desk: run a day, look at what is deployed.")
    added = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, act: Callable[..., int | None], words: str) -> argparse.ArgumentParser:
        one = added.add_parser(name, help=words, description=words)
        one.set_defaults(act=act)
        return one

    add("run", commands.run_day, "run the pipeline for a day").add_argument(
        "--day", help="a date or its number (default: the clock's day)"
    )
    add("show", commands.show, "the deployed sales as a table, with their receipt")
    add("versions", commands.versions, "the versions of sales: what each import read and which code made it")
    diff = add("diff", commands.diff, "two days side by side: users who differ, sales that moved")
    diff.add_argument("before", metavar="DAY")
    diff.add_argument("after", metavar="DAY")
    add("refused", commands.refused, "rows that were refused when days were last imported, and why").add_argument(
        "day", nargs="?", metavar="DAY", help="a date or its number (default: all days)"
    )
    add("check", commands.check, "whether the pipeline is functional: laws, tried on throw-away desks").add_argument(
        "--json", action="store_true", help="for programs"
    )
    add("replay", commands.replay_receipt, "compute a dashboard again from what is on record").add_argument(
        "receipt", nargs="?", help="like 2022-01-03@v5, latest, a day or v5 (default: what is deployed)"
    )
    add("export", commands.export, "the whole world as one file to take home").add_argument(
        "file", nargs="?", type=Path, help="(default: NAME-DAY.fde.tar)"
    )
    opened = add("open", commands.unpack, "unpack a world that was exported, into a new folder")
    opened.add_argument("file", type=Path)
    opened.add_argument("folder", nargs="?", type=Path, help="(default: the file's name without .fde.tar)")
    add("start-over", commands.start_over, "set lake and files aside in kept/ and begin with empty ones")
    add("steps", commands.steps, "the steps of the lesson: which are done, and what the others miss")
    asked = add("help", commands.ask_for_help, "ask the instructor for help; without words: whether you asked")
    said = asked.add_mutually_exclusive_group()
    said.add_argument("words", nargs="?", help="what you tried, and what you see, in quotes")
    said.add_argument("--done", action="store_true", help="take it back")
    catch_up = add("catch-up", commands.catch_up, "begin at a step of the lesson; the desk you have is kept whole")
    to = catch_up.add_mutually_exclusive_group(required=True)
    to.add_argument("step", nargs="?", type=int, metavar="STEP", help="the number of the step")
    to.add_argument("--undo", action="store_true", help="bring back the desk before that")
    return parser
