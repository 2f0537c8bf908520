"""The steps of the lesson, as data: the desk each begins with, and what must be so for it to be done.

Whatever needs to know reads it here: `fde steps`, catching up, the board, the tests of the lesson.
"""

from dataclasses import dataclass
from functools import cache

from fde.goals import Fails, Goal, all_laws_hold, asked_again, keeps, missed, shows, taxed, tells_status_then, tried
from fde.refused import Refused
from fde.world import World


@dataclass(frozen=True)
class Step:
    """A step. It begins with a stage of the pipeline and the days it has run: pairs (day, day of the clock then)."""

    number: int
    title: str
    pipeline: str
    runs: tuple[tuple[int, int], ...]
    goals: tuple[Goal, ...]


@dataclass(frozen=True)
class Progress:
    """Whether a step is done, and if not, why: the first of its goals that is missed."""

    step: Step
    done: bool
    why: str = ""

    def in_short(self) -> str:
        """In one line."""
        return f"{'✓ done   ' if self.done else '✗ not yet'}  {self.step.number}. {self.step.title}"

    def __str__(self) -> str:
        return self.in_short() + (f"\n{'':14}{self.why}" if self.why else "")


def progress(world: World, fails: Fails = tried) -> list[Progress]:
    """How far a desk is. A step is done when its goals or a later one's are met: on the way, desks begin anew.

    fails: gives the names of the laws that the desk's pipeline breaks, None when nobody knows yet. By default it is
    tried; handed in, no code of the desk runs.
    """
    found: list[Progress] = []
    laws = all_laws_hold(fails)
    look = cache(lambda goal: missed(laws if goal is LAWS else goal, world))  # steps share a goal that takes seconds
    for step in reversed(STEPS):
        later = bool(found) and found[-1].done
        why = "" if later else next((line for goal in step.goals if (line := look(goal))), "")
        found.append(Progress(step, not why, why))
    return found[::-1]


def step_of(number: int) -> Step:
    """The step of a number. Raises Refused for any other number."""
    if not 1 <= number <= len(STEPS):
        raise Refused(f"there is no step {number}. Steps: 1 to {len(STEPS)}; fde steps lists them.")
    return STEPS[number - 1]


LAWS = all_laws_hold()
STEPS = (
    Step(1, "Day 1", "mutable", (), (shows(1),)),
    Step(2, "Day 2: yesterday moves", "mutable", ((1, 1),), (shows(2),)),
    Step(3, "Users that are never overwritten", "mutable", ((1, 1), (2, 2), (1, 1)), (keeps("users", 1, 2),)),
    Step(
        4,
        "Day 3: a fake order",
        "immutable_users",
        ((1, 1), (2, 2)),
        (keeps("sales", 1, 2, 3), tells_status_then(1, 2, 3), LAWS),
    ),
    Step(
        5,
        "Day 4: late, and again",
        "functional",
        ((1, 1), (2, 2), (3, 3)),
        (keeps("sales", 4), asked_again(3), tells_status_then(1, 2, 3, 4), LAWS),
    ),
    Step(
        6,
        "Day 5: the tax rate changes",
        "functional",
        ((1, 1), (2, 2), (3, 3), (4, 4), (3, 4)),
        (taxed(5), taxed(4), tells_status_then(1, 2, 3, 4, 5), LAWS),
    ),
)
