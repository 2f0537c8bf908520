"""Openings: for each step of the lesson the desk it begins with, made ahead by running the stages of the pipeline.

In an image they are made when it is built: `python -m workshop.openings`. On one machine, at the first start.
"""

import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

import fde
from fde.pack import Pack
from fde.refused import Refused
from fde.steps import STEPS, Step, step_of
from fde.trial import Trial
from workshop import settings


def opening(number: int) -> Path:
    """The folder with the desk of a step. What was not made ahead is made now.

    Raises Refused for no step, and for one that the room's pack has no days for.
    """
    place = make(settings.pack()) / str(step_of(number).number)
    if not place.is_dir():
        raise Refused(f"step {number} has no desk with this pack. {place.with_suffix('.txt').read_text('utf-8')}")
    return place


def make(folder: Path) -> Path:
    """Make the openings of a pack, unless they are there. Returns the folder that has one for each step."""
    solutions = settings.root() / "solutions"
    name = digest(folder, solutions, Path(fde.__file__).parent)
    found = [place / name for place in settings.openings() if (place / name).is_dir()]
    if found:
        return found[0]
    made = settings.openings()[-1] / name
    made.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=made.parent))
    try:
        for step in STEPS:
            try:
                run(step, Pack(folder), solutions, building / ".world").rename(building / str(step.number))
            except Refused as why:  # a story of fewer days, a bad row: said to whoever asks for this step
                (building / f"{step.number}.txt").write_text(str(why), "utf-8")
            shutil.rmtree(building / ".world", ignore_errors=True)
        building.chmod(0o755)
        building.rename(made)
    except OSError:
        if not made.is_dir():  # else another process was quicker
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return made


def run(step: Step, pack: Pack, solutions: Path, world: Path) -> Path:
    """The desk of a step, from really running its pipeline."""
    trial = Trial(world, pack, {"pipeline.py": (solutions / f"{step.pipeline}.py").read_bytes()})
    for number, today in step.runs:
        trial.today = pack.day(today)
        trial.run(pack.day(number))
    return trial.world.desk


def digest(*folders: Path) -> str:
    """What openings depend on, as a name: the pack, the pipelines, and the code that runs them."""
    told = sha256()
    for file in (file for folder in folders for file in sorted(folder.iterdir()) if file.is_file()):
        told.update(file.name.encode() + b"\0" + sha256(file.read_bytes()).digest())
    return told.hexdigest()[:16]


if __name__ == "__main__":
    for source in sorted((settings.root() / "sources").iterdir()):
        print(make(source))
