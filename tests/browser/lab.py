"""JupyterLab as somebody at a keyboard sees it: cells are run by Shift + Enter, and nothing is clicked."""

import base64
import re
from pathlib import Path
from typing import Any

import jupytext
from playwright.sync_api import TimeoutError

PANEL = ".jp-NotebookPanel:visible"
IDLE = f"{PANEL} .jp-Notebook-ExecutionIndicator[data-status=idle]"
PROMPT = "cell.querySelector('.jp-InputPrompt')?.textContent"
HEARD = f"cell => !cell.classList.contains('jp-mod-active') || /\\[[\\d*]+\\]/.test({PROMPT})"
NUMBERED = f"cell => /\\[\\d+\\]/.test({PROMPT})"


def ready(page: Any) -> None:
    """Wait until a notebook is laid out and its kernel answers: a cell run before that may never end.

    Once, on a machine with three times the work it could do, JupyterLab drew a notebook and its kernel ran, and tab and
    toolbar never followed. The page is then loaded again, as anybody would.
    """
    for last in (False, True):
        try:
            page.locator(f"{PANEL} .jp-MarkdownOutput h1").first.wait_for(timeout=90_000)
            page.locator(IDLE).wait_for(timeout=90_000)
            page.get_by_text("| Idle").first.wait_for(timeout=90_000)
            return
        except TimeoutError:
            if last:
                raise
            page.reload()


class Notebook:
    """An open notebook. Cells run in order, from the first; `file` is the same notebook on disk."""

    def __init__(self, page: Any, file: Path) -> None:
        self.page = page
        self.sources = [(cell.cell_type, cell.source) for cell in jupytext.read(file).cells]
        self.at = 0
        self.panel = page.locator(PANEL)
        ready(page)
        self.panel.locator(".jp-Cell").first.focus()
        page.keyboard.press("Escape")

    def step(self) -> Any:
        """Shift + Enter. Returns the cell that was left, after its run has ended."""
        kind, source = self.sources[self.at]
        cell = self.panel.locator(".jp-Cell.jp-mod-active").element_handle()
        # Shift + Enter would add an empty cell at the end.
        last = self.at + 1 == len(self.sources)
        if last and kind == "markdown":
            self.page.keyboard.press("Control+Enter")  # nothing to hear: it is drawn already
        else:
            self._press("Control+Enter" if last else "Shift+Enter", cell)
        if kind == "code":
            self.page.wait_for_function(NUMBERED, arg=cell, timeout=180_000)
            stopped = cell.query_selector("[data-mime-type='application/vnd.jupyter.stderr']")
            assert not stopped, f"{source}\n{stopped.inner_text()}"
        self.at += 1
        return cell

    def _press(self, keys: str, cell: Any) -> None:
        """Press until the cell has heard it: while a page is still being laid out, focus and key may get lost."""
        for _ in range(4):
            self.page.keyboard.press(keys)
            try:
                self.page.wait_for_function(HEARD, arg=cell, timeout=20_000)
                return
            except TimeoutError:
                self.panel.locator(".jp-Cell.jp-mod-active").focus()
                self.page.keyboard.press("Escape")
        raise AssertionError(f"{keys} was not heard by cell {self.at}")

    def steps_to(self, start: str) -> Any:
        """Run on, until a code cell that begins like this has been run; returns that cell."""
        while True:
            kind, source = self.sources[self.at]
            cell = self.step()
            if kind == "code" and source.startswith(start):
                return cell

    def says(self, cell: Any, words: str) -> None:
        """Wait until a cell shows these words: JupyterLab may draw them after the number of a run."""
        self.page.wait_for_function("([cell, words]) => cell.innerText.includes(words)", arg=[cell, words])

    @property
    def at_end(self) -> bool:
        return self.at == len(self.sources)


def picture(cell: Any) -> tuple[str, bytes]:
    """The alt text and the PNG of the picture that a cell shows, once the browser has drawn it."""
    image = cell.wait_for_selector("img[alt]")
    image.evaluate("image => image.decode()")
    assert image.evaluate("image => image.naturalWidth") > 600
    source = image.get_attribute("src")
    return image.get_attribute("alt"), base64.b64decode(re.sub("^data:image/png;base64,", "", source))
