"""A made-up attendee: comes, works through every step of the lesson, rolls back, catches up, takes it back, goes."""

import re
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from fde.refused import Refused
from workshop.rehearse.browser import Browser
from workshop.rehearse.kernel import Kernel, Said
from workshop.rehearse.misdeeds import MISDEEDS, misdeeds_of
from workshop.rehearse.record import Failure, Wave

STEP = re.compile(r"^## (\d+)\.", re.M)
# A run that failed, and a command that was refused, end no cell with an error. (`fde diff` may well have no answer.)
WRONG = re.compile(r"^.*(?:: failed|Nothing was changed\.)\s*$", re.M)
RUN, STARTED, CHART = "airflow.run(", "Airflow imports", "dashboard()"
MISDEEDS_AFTER = 2  # the next step begins with an empty lake: whatever they did is gone
AT_FIRST = ("!fde catch-up 1", "!day-1\n!deploy latest")
AT_LAST = ("!roll-back", "!deploy latest", "!fde catch-up 3", "!fde catch-up --undo", "!fde steps")


class Attendee:
    """The attendee of a number, from 1, among those of these names. `reached` is told each step that is done."""

    def __init__(self, url: str, names: list[str], number: int, wave: Wave, reached: Callable[[str], None]) -> None:
        self.number, self.name, self.another = number, names[number - 1], names[number - 2]
        self.browser, self.wave, self.reached = Browser(url, self.name), wave, reached
        self.kernel: Kernel
        self.step = self.at = ""

    async def take_part(self, password: str, light: bool) -> Failure | None:
        """Do all of it. What goes wrong ends it, and is returned."""
        try:
            await self.come(password, light)
            await self.work()
        except Exception as error:  # whatever it is: it is this attendee's, and the others go on
            why = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
            return Failure(self.name, self.step, self.at, why)
        return None

    async def come(self, password: str, light: bool) -> None:
        """Sign in, start JupyterLab, open the lesson with a kernel."""
        self.step = "arrival"
        with self.timed("sign-in"):
            await self.browser.sign_in(password)
        with self.timed("Lab"):
            await self.browser.start_server()
            if not light:
                await self.browser.open_lab()
        with self.timed("kernel"):
            self.kernel = await Kernel.start(self.browser)
        self.reached(self.step)

    async def work(self) -> None:
        """All cells of the lesson in their order, and what an attendee may do besides."""
        for cell in AT_FIRST:
            await self.run(cell)
        for number, cells in steps(await self.notebook()).items():
            self.step = f"step {number}"
            for cell in cells:
                await self.run(cell)
            self.reached(self.step)
            if number == MISDEEDS_AFTER:
                for what in misdeeds_of(self.number):
                    self.step = self.at = what
                    await MISDEEDS[what](self)
                    self.wave.misdeeds.append((self.name, what))
        self.step = "the end"
        for cell in AT_LAST:
            said = await self.run(cell)
        if "✗" in said.text:
            raise Refused(f"the lesson is not done:\n{said.text}")
        self.reached(self.step)

    async def run(self, cell: str) -> Said:
        """Run a cell, and record how long its runs or its chart took. Raises Refused when it did not end well."""
        self.at = cell.splitlines()[0]
        said = await self.kernel.run(cell)
        if wrong := WRONG.search(said.text):
            raise Refused(said.text[wrong.start() :])
        if said.error:
            raise Refused(said.error)
        if RUN in cell:
            self.wave.seconds["run"] += said.between(STARTED)
        elif cell.strip() == CHART:
            self.wave.seconds["chart"] += said.between(STARTED)
        return said

    async def notebook(self) -> dict[str, Any]:
        """The lesson as it lies on the desk."""
        content: dict[str, Any] = (await self._contents("GET", "lesson.ipynb")).json()["content"]
        return content

    async def read(self, file: str) -> str:
        """The text of a file of the desk. Without its type, a .py would come as a notebook."""
        return str((await self._contents("GET", file, params={"type": "file", "format": "text"})).json()["content"])

    async def save(self, file: str, text: str) -> None:
        """Save a file of the desk, as JupyterLab does."""
        await self._contents("PUT", file, json={"type": "file", "format": "text", "content": text})

    async def go(self) -> None:
        """Stop the server, when there is one, and close the browser."""
        with suppress(Exception):  # it never came up, or has ended: that is told already
            await self.browser.stop_server()
        await self.browser.close()

    def _contents(self, method: str, file: str, **more: Any) -> Awaitable[Any]:
        return self.browser.ask(method, f"{self.browser.lab}api/contents/desk/{file}", **more)

    @contextmanager
    def timed(self, measure: str) -> Iterator[None]:
        """Record how long this takes."""
        self.at, began = measure, time.monotonic()
        yield
        self.wave.seconds[measure].append(time.monotonic() - began)


def names_of(people: int) -> list[str]:
    """The names of so many made-up attendees."""
    return [f"rehearsal-{number}" for number in range(1, people + 1)]


def steps(notebook: dict[str, Any]) -> dict[int, list[str]]:
    """The code of a notebook's cells by step of the lesson; what stands before the first one is step 0."""
    found: dict[int, list[str]] = {}
    number = 0
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code":
            found.setdefault(number, []).append(text)
        elif heading := STEP.search(text):
            number = int(heading[1])
    return found
