"""A picture for a notebook: drawn by matplotlib alone, and it always carries the words that say the same."""

import base64
import io
from html import escape
from typing import Any

#: a status looks the same in every picture; fill and hatch differ, so that it reads in grey too
LOOKS = {
    "bronze": ("#b87333", "///"),
    "gold": ("#e8c33a", ""),
    "none": ("#ffffff", "xx"),
    "silver": ("#b8bec6", "..."),
}
OTHERS = (("#4477aa", "\\\\"), ("#66aa88", "++"), ("#aa77aa", "oo"), ("#88ccee", "--"), ("#dd8877", "**"))
DPI = 144


def look(status: str, place: int) -> dict[str, Any]:
    """Fill, hatch and edge of a status's bars; `place` decides for a status of another pack."""
    fill, hatch = LOOKS.get(status) or OTHERS[place % len(OTHERS)]
    return {"facecolor": fill, "hatch": hatch, "edgecolor": "#333333", "linewidth": 0.7}


class Picture:
    """A figure of width x height inches. A notebook shows it with its words as alt text."""

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.figure import Figure  # takes a second: only who draws pays

        self.figure = Figure(figsize=(width, height), layout="constrained")
        self.words = ""

    def panels(self, rows: int, columns: int, **options: Any) -> Any:
        """Axes without a frame on top and at the right, as a flat sequence."""
        axes = self.figure.subplots(rows, columns, squeeze=False, **options)
        for one in axes.flat:
            one.spines[["top", "right"]].set_visible(False)
        return axes.flat

    def finish(self, words: str, statuses: list[str], note: str) -> None:
        """Add a legend, statuses in the order of the bars, and what stands under the picture."""
        from matplotlib.patches import Patch

        self.words = words if note in words else f"{words}\n{note}"
        patches = [Patch(label=status, **look(status, place)) for place, status in enumerate(statuses)]
        self.figure.legend(handles=patches, loc="outside upper right", ncols=max(len(patches), 1), frameon=False)
        self.figure.supxlabel(note, fontsize=7.5, family="monospace", x=0.01, ha="left")

    def png(self) -> bytes:
        """The picture as a PNG file."""
        file = io.BytesIO()
        self.figure.savefig(file, format="png", dpi=DPI)
        return file.getvalue()

    def __repr__(self) -> str:
        return self.words

    def _repr_html_(self) -> str:
        width = round(self.figure.get_figwidth() * 96)
        data = base64.b64encode(self.png()).decode()
        return f'<img alt="{escape(self.words)}" width="{width}" src="data:image/png;base64,{data}">'
