"""The README's pictures, taken while the browser test runs. Written only when asked for: FDE_PICTURES=1."""

import io
import os
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
WANTED = bool(os.environ.get("FDE_PICTURES"))
WIDTH, BAND = 880, 44
SECONDS = 3.2


class Story:
    """Screens with a line below each; becomes one GIF."""

    def __init__(self) -> None:
        self.frames: list[Any] = []

    def tell(self, page: Any, line: str, cell: Any = None, at: str = "start") -> None:
        """Take the screen with a cell at the start or the end of what one sees of the notebook."""
        if not WANTED:
            return
        from PIL import Image, ImageDraw, ImageFont

        if cell:
            cell.evaluate("(cell, at) => cell.scrollIntoView({block: at})", at)
            page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        screen = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        screen = screen.resize((WIDTH, round(screen.height * WIDTH / screen.width)), Image.Resampling.LANCZOS)
        frame = Image.new("RGB", (WIDTH, screen.height + BAND), "#17324d")
        frame.paste(screen, (0, 0))
        ImageDraw.Draw(frame).text((16, screen.height + 9), line, "white", ImageFont.load_default(22))
        self.frames.append(frame)

    def write(self) -> None:
        if self.frames:
            small = [frame.quantize(256, dither=0) for frame in self.frames]
            options = {"append_images": small[1:], "duration": int(SECONDS * 1000), "loop": 0, "optimize": True}
            small[0].save(DOCS / "story.gif", save_all=True, **options)


def keep(name: str, png: bytes) -> None:
    if WANTED:
        (DOCS / name).write_bytes(png)
