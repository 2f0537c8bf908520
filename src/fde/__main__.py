"""The command line of a desk: run, show, versions, diff, start-over, steps, catch-up."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from fde import desk, lake
from fde.changes import sales_moved, users_changed
from fde.chart import in_units, sentence
from fde.commits import commit
from fde.refused import Refused
from fde.run import run
from fde.steps import progress, step_of
from fde.world import World


def no_opening(number: int) -> Path:
    """Desks of steps are made by a workshop."""
    raise Refused(f"the desk of step {number} is not here. A workshop has it: scripts/up")


def main(argv: Sequence[str], open_world: Callable[[], World], opening: Callable[[int], Path] = no_opening) -> int:
    """Run one command. Returns the exit code: 0, or 2 when it was refused (one message on stderr).

    opening: the folder with the desk of a step, by its number.
    """
    command = _parser().parse_args(argv)
    command.opening = opening
    try:
        command.act(open_world(), command)
        return 0
    except Refused as error:
        print(f"fde: {error}", file=sys.stderr)
    except OSError as error:
        print(f"fde: {error.filename or 'disk'}: {error.strerror or error}. Mend that and try again.", file=sys.stderr)
    except KeyboardInterrupt:
        print("fde: interrupted. Run it again: what was done is not done twice in the lake.", file=sys.stderr)
        return 130
    return 2


def _run(world: World, command: argparse.Namespace) -> None:
    run(world, _date(world, command.day), tell=print)
    print("Next: fde show")


def _show(world: World, command: argparse.Namespace) -> None:
    rows, receipt = world.sales()
    print(in_units(rows).to_string(index=False))
    print(sentence(rows))
    print(receipt)


def _versions(world: World, command: argparse.Namespace) -> None:
    newest = lake.newest(world.lake, "sales")
    if not newest:
        print("No versions: the lake has no sales yet. This pipeline keeps no history.")
    for number in range(1, newest + 1):
        one = commit(world.lake, "sales", number)
        inputs = ", ".join(f"{table} v{version}" for table, version in sorted(one.read.items()))
        print(f"v{number}  day {one.day}  {one.rows} rows  from {inputs or 'nothing read'}  code {one.code[:8]}")


def _diff(world: World, command: argparse.Namespace) -> None:
    before, after = sorted((_date(world, command.before) or "", _date(world, command.after) or ""))
    for day in (before, after):
        world.pack.number(day)
    changed = users_changed(world, before, after)
    print(f"Users who differ between {before} and {after}: {len(changed)}")
    if len(changed):
        print(changed.to_string(index=False))
    moved = sales_moved(world, before, after)
    print(f"Sales up to {before} that look different on {after}: {len(moved)}")
    if len(moved):
        print(in_units(moved).to_string(index=False))


def _start_over(world: World, command: argparse.Namespace) -> None:
    kept = desk.start_over(world.path)
    print(
        f"This desk's data is set aside in {kept}. Lake and files/ are empty; pipeline and notebooks are as they were."
    )
    clock = world.clock
    print(f"Next: run the days again, from {clock.days[0]} to {clock.day}: fde run --day {clock.days[0]}, and so on.")


def _steps(world: World, command: argparse.Namespace) -> None:
    """Reasons only for the first that is not done: the others build on it."""
    found = progress(world)
    first = next((one for one in found if not one.done), None)
    print(*(one if one is first else one.in_short() for one in found), sep="\n")


def _catch_up(world: World, command: argparse.Namespace) -> None:
    if command.undo:
        kept = desk.undo(world.path)
        print(f"Your former desk is back. The one you leave is kept whole in {kept}.")
    else:
        step = step_of(command.step)
        kept = desk.catch_up(world.path, command.opening(step.number))
        print(f"This is the desk of step {step.number}, {step.title}. Yours is kept whole in {kept}.")
        print(f"Next: go on in the lesson at step {step.number}. Back to your own desk: catch-up --undo")
    print("If pipeline.py is open in JupyterLab: File, Reload Python File from Disk.")


def _date(world: World, day: str | None) -> str | None:
    """The date of a day that was said by its number; anything else as it is."""
    days = world.pack.days
    return days[int(day) - 1] if day and day.isdecimal() and 1 <= int(day) <= len(days) else day


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fde", description="Work on your desk: run a day, look at what is deployed.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, act: Callable[[World, argparse.Namespace], None], words: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=words, description=words)
        one.set_defaults(act=act)
        return one

    add("run", _run, "run the pipeline for a day").add_argument(
        "--day", help="a date or its number (default: the clock's day)"
    )
    add("show", _show, "the deployed sales as a table, with their receipt")
    add("versions", _versions, "the versions of sales: what each import read and which code made it")
    diff = add("diff", _diff, "two days side by side: users who differ, sales that moved")
    diff.add_argument("before", metavar="DAY")
    diff.add_argument("after", metavar="DAY")
    add("start-over", _start_over, "set lake and files aside in kept/ and begin with empty ones")
    add("steps", _steps, "the steps of the lesson: which are done, and what the others miss")
    catch_up = add("catch-up", _catch_up, "begin at a step of the lesson; the desk you have is kept whole")
    to = catch_up.add_mutually_exclusive_group(required=True)
    to.add_argument("step", nargs="?", type=int, metavar="STEP", help="the number of the step")
    to.add_argument("--undo", action="store_true", help="bring back the desk before that")
    return parser
