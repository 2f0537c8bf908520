"""The command line of a desk: run, show, versions, diff, replay, export, open, start-over."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from fde import archive, desk, lake
from fde.changes import sales_moved, users_changed
from fde.chart import in_units, sentence
from fde.commits import commit
from fde.refused import Refused
from fde.replay import replay
from fde.run import run
from fde.world import World


def main(argv: Sequence[str], open_world: Callable[[], World]) -> int:
    """Run one command. Returns the exit code: 0, 1 (a replay differs), or 2 (refused: one message on stderr)."""
    command = _parser().parse_args(argv)
    try:
        if command.act is _open:  # makes a world and needs none
            _open(command)
            return 0
        code: int | None = command.act(open_world(), command)
        return code or 0
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


def _replay(world: World, command: argparse.Namespace) -> int:
    return 0 if replay(world, _date(world, command.receipt), tell=print) else 1


def _export(world: World, command: argparse.Namespace) -> None:
    archive.export(world, command.file, tell=print)


def _open(command: argparse.Namespace) -> None:
    archive.unpack(command.file, command.folder, tell=print)


def _start_over(world: World, command: argparse.Namespace) -> None:
    kept = desk.start_over(world.path)
    print(
        f"This desk's data is set aside in {kept}. Lake and files/ are empty; pipeline and notebooks are as they were."
    )
    clock = world.clock
    print(f"Next: run the days again, from {clock.days[0]} to {clock.day}: fde run --day {clock.days[0]}, and so on.")


def _date(world: World, day: str | None) -> str | None:
    """The date of a day that was said by its number; anything else as it is."""
    days = world.pack.days
    return days[int(day) - 1] if day and day.isdecimal() and 1 <= int(day) <= len(days) else day


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fde", description="Work on your desk: run a day, look at what is deployed.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, act: Callable[..., int | None], words: str) -> argparse.ArgumentParser:
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
    add("replay", _replay, "compute a dashboard again from what is on record, and compare").add_argument(
        "receipt", nargs="?", help="like 2022-01-03@v5, latest, a day or v5 (default: what is deployed)"
    )
    add("export", _export, "the whole world as one file to take home").add_argument(
        "file", nargs="?", type=Path, help="(default: NAME-DAY.fde.tar)"
    )
    opened = add("open", _open, "unpack a world that was exported, into a new folder")
    opened.add_argument("file", type=Path)
    opened.add_argument("folder", nargs="?", type=Path, help="(default: the file's name without .fde.tar)")
    add("start-over", _start_over, "set lake and files aside in kept/ and begin with empty ones")
    return parser
