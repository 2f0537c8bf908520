"""Two sides of a claim, run in turn; their results must be equal before their times are compared."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
#: `fde` as in an attendee's terminal
FDE = (sys.executable, "-c", "import sys; from workshop.desk import fde_command; sys.exit(fde_command())")
OURS = Path(sys.executable)
RIVALS = HERE.parent / ".venv-rivals" / "bin" / "python"
FIGURES = ("seconds", "processor", "peak_mib", "read_mib")


@dataclass(frozen=True)
class Claim:
    """A figure of ours beside that of what people would use instead; the ratio holds on any machine."""

    claim: str
    beside: str
    figure: str
    ours: float
    theirs: float
    at_most: float | None  # of the ratio; None: not claimed, only shown

    @property
    def ratio(self) -> float:
        """Ours to theirs."""
        return self.ours / self.theirs

    @property
    def holds(self) -> bool:
        """Whether the ratio is within what was claimed."""
        return self.at_most is None or self.ratio <= self.at_most

    def as_json(self) -> dict[str, object]:
        """All of it, for the file beside the table."""
        return asdict(self) | {"ratio": round(self.ratio, 3), "holds": self.holds}


def run(python: Path, script: str, *words: object) -> dict[str, float]:
    """One side, once. Raises SystemExit with what it said when it failed."""
    command = [str(python), str(HERE / script), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(
    claim: str,
    ours: tuple[Path, str, object],
    theirs: dict[str, tuple[Path, str, object]],
    times: int,
    goals: dict,
    before: Callable[[], object] = lambda: None,
) -> list[Claim]:
    """Run ours and each of theirs in turn, `times` times; medians.

    Arguments: sides as (python, script, argument ...); goals: (beside, figure) -> the ratio that is claimed;
    before: what is done before each turn, unmeasured.
    Raises: SystemExit when results differ: then times mean nothing.
    """
    found: dict[str, list[dict[str, float]]] = {"ours": [], **{name: [] for name in theirs}}
    for number in range(times):
        before()
        for name, side in {"ours": ours, **theirs}.items():
            found[name].append(run(*side))
            print(f"  {claim}, {name}, {number + 1} of {times}: {found[name][-1]['seconds']:.2f} s", file=sys.stderr)
    for name, runs in found.items():
        if {one["digest"] for one in runs} != {found["ours"][0]["digest"]}:
            raise SystemExit(f"{claim}: the result of {name} is another one than ours. Nothing was compared.")
    middle = {
        name: {figure: statistics.median(one[figure] for one in runs) for figure in FIGURES}
        for name, runs in found.items()
    }
    return [
        Claim(claim, name, figure, middle["ours"][figure], middle[name][figure], goals.get((name, figure)))
        for name in theirs
        for figure in FIGURES
    ]
