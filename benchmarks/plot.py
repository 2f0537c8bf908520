"""A picture of claims: how long ours takes beside each of the others, and where the claimed limit is."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # before pyplot: no window

import matplotlib.pyplot as plt  # noqa: E402
from pairs import Claim  # noqa: E402

HOLDS, MISSED, SHOWN = "#2c7fb8", "#c0392b", "#9aa5ad"


def draw(claims: Sequence[Claim], file: Path) -> None:
    """Write a picture of the ratios of times; the scale is logarithmic, the line at 1 is "as long as the other"."""
    timed = [one for one in claims if one.figure in ("seconds", "import")][::-1]
    figure, axes = plt.subplots(figsize=(9, 0.8 + 0.36 * len(timed)), layout="constrained")
    colors = [SHOWN if one.at_most is None else HOLDS if one.holds else MISSED for one in timed]
    names = [f"{one.claim}, beside {one.beside}" for one in timed]
    bars = axes.barh(names, [one.ratio for one in timed], color=colors)
    axes.bar_label(bars, [f" {one.ratio:.2f}" for one in timed])
    for place, one in enumerate(timed):
        if one.at_most is not None:
            axes.plot([one.at_most] * 2, [place - 0.45, place + 0.45], color="black")
    axes.axvline(1, color="black", linewidth=0.5, linestyle=":")
    axes.set_xscale("log")
    axes.margins(x=0.15)
    axes.set_xlabel("times as long as the other\nblack: the most that is claimed; red: missed; grey: only shown")
    figure.savefig(file)
    plt.close(figure)
