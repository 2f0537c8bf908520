"""The pipeline's stages: how far a desk's `pipeline.py` is from one, and a copy of it as a last resort."""

import difflib
from pathlib import Path

from fde.picture import Picture
from fde.refused import Refused
from workshop import desk, settings


def diff(stage: str) -> None:
    """Print the lines in which this desk's `pipeline.py` differs from a stage of the lesson."""
    file, solution = _pipeline(), _solution(stage)
    if not file.is_file():
        raise Refused(f'{file}: there is no pipeline to compare. To get the first one: solution.take("mutable")')
    mine, theirs = _code(file.read_bytes()), _code(solution.read_bytes())
    lines = list(difflib.unified_diff(mine, theirs, n=1, lineterm=""))[2:]
    if not lines:
        print(f"No line differs: your pipeline.py is {stage}.")
        return
    print(f"Take out the lines with -, put in the lines with +, and your pipeline.py is {stage}:")
    print("\n".join("" if line.startswith("@@") else line for line in lines))


def take(stage: str, replace_mine: bool = False) -> None:
    """Put a stage onto this desk as its `pipeline.py`; what it replaces is kept in the world's `kept/`.

    A `pipeline.py` with lines of the attendee's own is left as it is, unless `replace_mine`. One that is gone is made.
    """
    file, solution = _pipeline(), _solution(stage)
    if file.is_file():
        _replace(file, solution, replace_mine)
    else:
        _write(file, solution.read_bytes())
        print(f"Your pipeline.py was gone; it is {stage} now.")


def twin(*stages: str) -> Picture:
    """One picture: stages side by side (`mutable`, `functional`) over the days so far, and how each shows the first.

    They run in throw-away folders; this desk is not touched. Raises Refused.
    """
    from fde.twin import twin_chart  # draws: not for a terminal that only compares lines

    world, names = desk.open(), stages or ("mutable", "functional")
    days = [day for day in world.clock.days if day <= world.clock.day]
    return twin_chart(world.pack, days, {name: _solution(name).read_bytes() for name in names})


def _replace(file: Path, solution: Path, replace_mine: bool) -> None:
    stage, mine, theirs = solution.stem, file.read_bytes(), solution.read_bytes()
    if _code(mine) == _code(theirs):
        print(f"Nothing to do: your pipeline.py is {stage} already.")
        return
    if not replace_mine and mine not in [one.read_bytes() for one in solution.parent.glob("*.py")]:
        print("Your pipeline.py has lines of your own, so it stays as it is.")
        print(f'To replace it all the same (yours is kept): solution.take("{stage}", replace_mine=True)')
        return
    kept = file.parents[1] / "kept"
    kept.mkdir(exist_ok=True)
    former = kept / f"pipeline-{len(list(kept.glob('pipeline-*.py'))) + 1}.py"
    former.write_bytes(mine)
    _write(file, theirs)
    print(f"Your pipeline.py is {stage} now. The former one is kept: {former}")
    print("If it is open in JupyterLab: File, Reload Python File from Disk.")


def _write(file: Path, text: bytes) -> None:
    part = file.with_name(".pipeline.py.part")
    part.write_bytes(text)
    part.replace(file)


def _pipeline() -> Path:
    return settings.world() / "desk" / "pipeline.py"


def _solution(stage: str) -> Path:
    folder = settings.root() / "solutions"
    if stage not in (stages := sorted(one.stem for one in folder.glob("*.py"))):
        raise Refused(f"there is no stage {stage!r}. Stages: {', '.join(stages)}.")
    return folder / f"{stage}.py"


def _code(text: bytes) -> list[str]:
    """The lines that do something: without the docstring, and without blanks at their ends."""
    lines = [line.rstrip() for line in text.decode("utf-8", "replace").strip().splitlines()]
    return lines[1:] if lines and lines[0].startswith('"""') else lines
