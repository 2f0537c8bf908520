"""The twin: pipelines side by side over the same days, and what each showed of the first day, day after day."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from fde.chart import draw_bars, revenue_by_status
from fde.pack import Pack
from fde.picture import Picture
from fde.refused import Refused
from fde.trial import Trial


def twin_chart(pack: Pack, days: Sequence[str], pipelines: Mapping[str, bytes]) -> Picture:
    """Run pipelines over the same days, each in a throw-away world, and draw how they show the first of these days.

    Arguments: days, ISO, in order; pipelines, title -> text of a `pipeline.py`, from left to right, two or more.
    Raises: Refused, with the title and the day, when a pipeline cannot do a day.
    """
    seen = {title: first_day_seen(pack, days, title, pipeline) for title, pipeline in pipelines.items()}
    statuses = sorted({str(status) for table in seen.values() for status in table})
    picture = Picture(width=max(9.0, 3.0 * len(days) + 2), height=4.2)
    for axes, (title, table) in zip(picture.panels(1, len(seen), sharey=True), seen.items(), strict=True):
        draw_bars(axes, table.reindex(columns=statuses, fill_value=0.0))
        axes.set_title(title, fontsize=11)
        axes.set_xlabel("as seen on")
    picture.figure.axes[0].set_ylabel(f"revenue of {days[0]}")
    told = "\n".join(f"{title.capitalize()}: {what_changed(table)}" for title, table in seen.items())
    words = f"Bar charts of the revenue of {days[0]} by status, as seen each day: {', '.join(seen)}. {told}"
    picture.finish(words, statuses, told)
    return picture


def first_day_seen(pack: Pack, days: Sequence[str], title: str, pipeline: bytes) -> pd.DataFrame:
    """What the dashboards of a pipeline showed of the first day, on each of the days.

    Returns: revenue in currency units: a row per day on which one looked, a column per status. Raises Refused.
    """
    with TemporaryDirectory(prefix="fde-twin-") as folder:
        trial = Trial(Path(folder), pack, {"pipeline.py": pipeline})
        seen = []
        for today in days:
            try:
                trial.today = today
                trial.run(today)
                rows = trial.seen(today)
            except Refused as error:
                why = str(error).replace(f"{trial.world.desk}/", "")
                raise Refused(f"no picture: the pipeline {title} could not do {today}. {why}") from None
            seen.append(rows[rows["sales_date"] == days[0]].assign(sales_date=today))
    return revenue_by_status(pd.concat(seen)).reindex(list(days), fill_value=0.0)


def what_changed(seen: pd.DataFrame) -> str:
    """What changed about the first day from one look to the next: the largest move, or that there is none.

    Rows as of `first_day_seen`. Of moves of the same size the first counts, and before a gain the loss of the same day.
    """
    looks: dict[str, dict[str, float]] = {str(day): dict(seen.loc[day]) for day in seen.index}
    first, *later = looks
    if not later:
        return f"{first} was seen on one day only, there is nothing to compare."
    moves = [
        (round(looks[now][status] - was, 2), before, now, status)
        for before, now in pairwise(looks)
        for status, was in looks[before].items()
    ]
    moved = [move for move in moves if move[0]]
    if not moved:
        return f"every day shows the same of {first}."
    _, before, now, status = min(moved, key=lambda move: (-abs(move[0]), move[1], move[0]))
    was, came_to = looks[before][status], looks[now][status]
    more = f" Bars moved {len(moved)} times in all." if len(moved) > 1 else ""
    return f"{status} of {first} was {was:,.2f} when seen on {before} and {came_to:,.2f} when seen on {now}.{more}"
