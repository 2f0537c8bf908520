"""Walks the lesson as an attendee does, in their own notebook's place: python - [STEP ...] <walk.py, in a terminal.

For each step: its desk by catching up (not done yet: red), its cells in a real kernel, each run by Airflow (green),
caught up again (red), and undone (green). A step that is green when it should be red ends the walk, and so the reverse.
"""

import subprocess
import sys

import jupytext
import nbclient

from workshop import settings


def told(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def is_done(number: int) -> bool:
    """What `fde steps` says of a step."""
    line = next(line for line in told("fde", "steps").splitlines() if f" {number}. " in line)
    return line.startswith("✓")


def expect(number: int, done: bool, when: str) -> None:
    if is_done(number) != done:
        sys.exit(f"step {number} {when}: {'not yet' if done else 'done already'}\n{told('fde', 'steps')}")
    print(f"step {number} {when}: {'green' if done else 'red'}", flush=True)


def work_through(number: int, cells: dict[int, list]) -> None:
    """Run the cells of a step, after those that open the desk."""
    notebook = jupytext.reads("", "py:percent")
    notebook.cells = [*cells[0], *cells[number]]
    patient = {"timeout": 200, "iopub_timeout": 60, "raise_on_iopub_timeout": True}
    nbclient.NotebookClient(notebook, kernel_name="python3", coalesce_streams=True, **patient).execute()
    said = [output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])]
    if any("failed" in text for text in said):
        sys.exit(f"step {number}: a run failed\n{''.join(said)}")


def main() -> None:
    cells: dict[int, list] = {}
    number = 0
    for cell in jupytext.read(settings.root() / "notebooks" / "lesson.py").cells:
        if cell.source.startswith("## "):
            word = cell.source.removeprefix("## ").partition(".")[0]
            number = int(word) if word.isdecimal() else -1  # what follows the last step
        cells.setdefault(number, []).append(cell)
    last = max(cells)
    told("day-1"), told("deploy", "latest")
    steps = [int(word) for word in sys.argv[1:]] or range(1, last + 1)
    for number in steps:
        told("fde", "catch-up", str(number))
        expect(number, False, "at its opening")
        work_through(number, cells)
        expect(number, True, "worked through")
        told("fde", "catch-up", str(number))
        expect(number, False, "caught up again")
        told("fde", "catch-up", "--undo")
        expect(number, True, "undone")
    print("walked:", *steps)


main()
