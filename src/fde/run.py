"""A run: calls the three functions of a desk's `pipeline.py`, and nothing else does."""

import fcntl
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from fde.refused import Refused
from fde.schemas import is_date
from fde.world import World

FUNCTIONS = ("load_users", "load_orders", "process_users_orders")


def start_import(world: World, key: str | None = None) -> str:
    """Settle which day a run is about.

    Arguments: key, an ISO date, or nothing for the clock's day.
    Raises: Refused for what is no date, no day of the story, or a day that has not happened yet.
    """
    clock = world.clock
    day = clock.day if key is None else key.strip()
    if not is_date(day):
        raise Refused(f"{day!r} is no date. Give a day of the story, like {clock.days[0]}.")
    if day not in clock.days:
        raise Refused(f"{day} is not a day of the story, which goes from {clock.days[0]} to {clock.days[-1]}.")
    if clock.hold and day > clock.hold:
        held = f"The room is held at day {clock.number(clock.hold)}, {clock.hold}"
        raise Refused(f"{day} has not happened yet. {held}. It goes on when the instructor says so.")
    if day > clock.day:
        raise Refused(f"{day} has not happened yet: the clock says {clock.day}. Let the day pass first: day-passes")
    return day


def call(world: World, name: str, day: str) -> list[str]:
    """Run one function of the desk's pipeline for a day.

    Returns: what there is to tell: a line for each source of which rows were refused.
    Raises: Refused, beginning with the line of `pipeline.py` and what is wrong there.
    """
    with shared_lock(world.path):
        file = world.desk / "pipeline.py"
        code, module = _load(file)
        function: Callable[[World, str], None] | None = getattr(module, name, None)
        if not callable(function):
            raise Refused(
                f"{file}: there is no function {name}(world, day). The pipeline needs {', '.join(FUNCTIONS)}."
            )
        world.files.mkdir(exist_ok=True)
        running = world.of_run(day, code)
        with _told_by_line(file):
            function(running, day)
        return list(dict.fromkeys(running.told))


def run(world: World, key: str | None = None, tell: Callable[[str], None] = lambda line: None) -> str:
    """Run a day from start to end; `tell` hears a line a step. Returns the day. Raises Refused."""
    day = start_import(world, key)
    with shared_lock(world.path):
        for name in FUNCTIONS:
            told = call(world, name, day)
            tell(f"{day}  {name}  done")
            for line in told:
                tell(line)
    return day


@contextmanager
def shared_lock(path: Path) -> Iterator[None]:
    """Held while a function runs. The desk may be swapped only when nobody holds it."""
    with (path / ".running").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def _load(file: Path) -> tuple[bytes, ModuleType]:
    """The pipeline's code and its module, read from disk each time: what runs is what the file says now."""
    try:
        code = file.read_bytes()
    except OSError as error:
        raise Refused(
            f"{file}: cannot be read: {error.strerror}. Take one again, in a notebook: solution.take('mutable')"
        ) from None
    module = ModuleType("pipeline")
    module.__file__ = str(file)
    with _told_by_line(file):
        exec(compile(code, str(file), "exec"), module.__dict__)
    return code, module


@contextmanager
def _told_by_line(file: Path) -> Iterator[None]:
    """Turn whatever a pipeline raises into one message that starts with the attendee's own line."""
    try:
        yield
    except SyntaxError as error:
        where = f"{error.filename or file}, line {error.lineno or 1}: {(error.text or '').strip()}"
        raise Refused(f"{where}\n{type(error).__name__}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        steps = [step for step in traceback.extract_tb(error.__traceback__) if step.filename == str(file)]
        where = f"{file}"
        if steps and steps[-1].lineno:
            step = steps[-1]
            where = f"{file}, line {step.lineno}, in {step.name}: {(step.line or '').strip()}"
        what = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
        raise Refused(f"{where}\n{what}") from error
