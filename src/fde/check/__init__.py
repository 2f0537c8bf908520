"""The check: whether a desk's pipeline is functional, tried on throw-away copies and judged by what is shown."""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from fde.check.laws import Trials, judge
from fde.check.side_by_side import side_by_side
from fde.check.verdict import Verdict
from fde.pack import Pack
from fde.refused import Refused
from fde.world import World

DAYS = 5  # of a longer story, the first ones
LIMIT = 30.0  # seconds a run may take
SMALL = 20_000_000  # bytes of a file beside the pipeline that comes along


def check(world: World, *, limit: float = LIMIT, tell: Callable[[int], None] = lambda runs: None) -> Verdict:
    """Try a desk's `pipeline.py` on throw-away desks, and judge it by the laws. The desk itself is only read.

    Arguments: limit, seconds that one run may take; tell, hears how many runs have begun.
    Returns: the verdict. A notebook shows it as a table, `print` as text.
    Raises: Refused when there is no pipeline, or a source's rows are bad.
    """
    texts = _texts(world.desk)
    code = texts["pipeline.py"]
    days = world.pack.days[:DAYS]
    begun = 0

    def count() -> None:
        nonlocal begun
        begun += 1
        tell(begun)

    with tempfile.TemporaryDirectory(prefix="fde-check-", ignore_cleanup_errors=True) as folder:
        place = Path(folder).resolve()
        (place / "texts").mkdir()
        for name, text in texts.items():
            (place / "texts" / name).write_bytes(text)
        day = make_packs(world.pack, days, place)
        plan = {
            "plain": str(place / "plain"),
            "resent": str(place / "resent"),
            "texts": str(place / "texts"),
            "days": days,
            "day": day or days[0],
            "limit": limit,
        }
        source = code.decode("utf-8-sig", "replace")
        one, other = side_by_side(plan, (["late"], ["forward", "backward"]), place, source, count)
    return Verdict(hashlib.sha256(code).hexdigest(), tuple(days), judge(Trials(one, other, days, day), source))


def make_packs(pack: Pack, days: list[str], place: Path) -> str | None:
    """Make a pack `plain`, whose sources send the same whenever they are asked, and a pack `resent` beside it.

    In `resent` one of the days, about the middle one, has two more orders. One is an order of another day that comes
    once more, the other only looks like it: so a pipeline is found out that drops duplicates across days.
    Returns that day. None, and two packs alike, when no order fits.
    """
    for name in ("plain", "resent"):
        (place / name).mkdir()
        for file in pack.path.resolve().iterdir():
            if ".from-" not in file.name:
                (place / name / file.name).symlink_to(file)
    middle = len(days) // 2
    for day in days[middle:] + days[:middle]:
        known = pack.rows("users", day, day)["user_id"].to_pylist()
        others = [other for other in days if other != day]
        for other in sorted(others, key=lambda other: abs(days.index(other) - days.index(day))):  # the nearest first
            own, orders = (pack.rows("orders", one, one).to_pandas() for one in (day, other))
            fits = orders[orders["user_id"].isin(known)]
            if "order_id" in orders:
                fits = fits[~fits["order_id"].isin(own.get("order_id", []))]
            if len(fits) and set(own) == set(orders):
                file = place / "resent" / f"orders_day-{pack.number(day)}.csv"
                file.unlink()
                _write(file, own, fits.head(1))
                return day
    return None


def _write(file: Path, rows: pd.DataFrame, order: pd.DataFrame) -> None:
    """Write a file of orders, and at its end an order of another day and one like it."""
    like = order
    if "order_id" in order:
        like = order.assign(order_id=order["order_id"] + "000")
    rows = pd.concat([rows, order, like], ignore_index=True)[list(rows)]
    rows["revenue"] = [f"{cents // 100}.{cents % 100:02}" for cents in rows.pop("revenue_cents")]
    rows.to_csv(file, index=False)


def _texts(desk: Path) -> dict[str, bytes]:
    """`pipeline.py` and the small files beside it; no notebooks."""
    try:
        code = (desk / "pipeline.py").read_bytes()
    except OSError as error:
        raise Refused(
            f"{desk / 'pipeline.py'}: cannot be read: {error.strerror}. "
            "Take one again, in a notebook: solution.take('mutable')"
        ) from None
    beside = [file for file in desk.iterdir() if file.is_file() and file.suffix not in (".ipynb", ".tar")]
    return {file.name: file.read_bytes() for file in beside if file.stat().st_size <= SMALL} | {"pipeline.py": code}
