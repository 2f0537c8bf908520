"""What each command of `fde` does: on a world, with the words that were said. Returns the exit code, None for 0."""

import sys
from argparse import Namespace

from fde import archive, call_for_help, desk, quarantine, verdicts
from fde.changes import sales_moved, users_changed
from fde.chart import headline, in_units, sentence
from fde.check import check as judge
from fde.receipt import history
from fde.replay import replay
from fde.run import run
from fde.steps import progress, step_of
from fde.world import World


def run_day(world: World, command: Namespace) -> None:
    run(world, _date(world, command.day), tell=print)
    print("Next: fde show")


def show(world: World, command: Namespace) -> None:
    rows, receipt = world.sales()
    print(headline(world.clock))
    print(in_units(rows).to_string(index=False))
    print(sentence(rows))
    print(receipt)


def versions(world: World, command: Namespace) -> None:
    imports = history(world.lake)
    if not imports:
        print("No versions: the lake has no sales yet. This pipeline keeps no history.")
    for one in imports:
        print(f"v{one.version}  day {one.day}  {one.rows} rows  from {one.inputs}  code {one.code[:8]}")


def diff(world: World, command: Namespace) -> None:
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


def refused(world: World, command: Namespace) -> None:
    day = _date(world, command.day)
    if day:
        world.pack.number(day)
    rows = quarantine.refused(world.lake, [day] if day else world.pack.days)
    print(rows.to_string(index=False) if len(rows) else f"No rows {f'of {day} ' if day else ''}were refused.")


def check(world: World, command: Namespace) -> int:
    """1 when a law fails. The verdict is kept in the world, for whoever may not run the pipeline."""
    code = verdicts.pipeline(world.path)
    busy = sys.stderr.isatty()

    def tell(runs: int) -> None:
        if busy:
            print(f"\rfde check: run {runs} ", end="", file=sys.stderr, flush=True)

    verdict = judge(world, tell=tell)
    if busy:
        print("\r\033[K", end="", file=sys.stderr)
    print(verdict.json() if command.json else verdict)
    verdicts.keep(world.path, verdict, code)
    return int(verdict.fails)


def replay_receipt(world: World, command: Namespace) -> int:
    """1 when it differs."""
    return 0 if replay(world, _date(world, command.receipt), tell=print) else 1


def export(world: World, command: Namespace) -> None:
    archive.export(world, command.file, tell=print)


def unpack(command: Namespace) -> None:
    archive.unpack(command.file, command.folder, tell=print)


def start_over(world: World, command: Namespace) -> None:
    kept = desk.start_over(world.path)
    print(
        f"This desk's data is set aside in {kept}. Lake and files/ are empty; pipeline and notebooks are as they were."
    )
    clock = world.clock
    print(f"Next: run the days again, from {clock.days[0]} to {clock.day}: fde run --day {clock.days[0]}, and so on.")


def steps(world: World, command: Namespace) -> None:
    """Reasons only for the first that is not done: the others build on it."""
    found = progress(world)
    first = next((one for one in found if not one.done), None)
    print(*(one if one is first else one.in_short() for one in found), sep="\n")


def ask_for_help(world: World, command: Namespace) -> None:
    if command.done:
        call_for_help.take_away(world.path)
        print("No help is asked for any more.")
    elif command.words is not None:
        print(call_for_help.ask(world, command.words))
    else:
        print(call_for_help.read(world.path) or f"No help is asked for. To ask: {call_for_help.HOW}")
        print("All commands: fde --help")


def catch_up(world: World, command: Namespace) -> None:
    if command.undo:
        kept = desk.undo(world.path)
        print(f"Your former desk is back. The one you leave is kept whole in {kept}.")
    else:
        step = step_of(command.step)
        kept = desk.catch_up(world.path, command.opening(step.number))
        print(f"This is the desk of step {step.number}, {step.title}. Yours is kept whole in {kept}.")
        print(f"Next: go on in the lesson at step {step.number}. Back to your own desk: catch-up --undo")
    print(headline(world.clock), "(As before; the step's cells set what they need.)", sep="\n")
    print("If pipeline.py is open in JupyterLab: File, Reload Python File from Disk. In a terminal: cd $FDE_WORLD/desk")


def _date(world: World, day: str | None) -> str | None:
    """The date of a day that was said by its number; anything else as it is."""
    days = world.pack.days
    return days[int(day) - 1] if day and day.isdecimal() and 1 <= int(day) <= len(days) else day
