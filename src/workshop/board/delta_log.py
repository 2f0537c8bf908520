"""Looks through the log of a table before Delta reads it: where it would lead, and what was imported."""

import json
import re
from pathlib import Path
from typing import Any

from fde.refused import Refused

ACTIONS = {"commitInfo", "protocol", "metaData", "add", "remove", "txn"}
#: As each import writes it. No %, by which Delta writes what has a meaning in paths, and no step up or elsewhere.
PATH = re.compile(r"import_date=\d{4}-\d{2}-\d{2}/\w[\w.-]*\.parquet", re.ASCII)
DAY, SHA256 = re.compile(r"(\d{4}-\d{2}-\d{2})?", re.ASCII), re.compile(r"([0-9a-f]{64})?", re.ASCII)


def imports(table: Path) -> list[tuple[int, str, int]]:
    """The imports of a table, in order: its version, the day, how many rows.

    Raises: Refused when the log says anything that no import of ours writes: above all a path that leads out of the
    table. Then Delta is not to open it.
    """
    found = []
    for file in sorted((table / "_delta_log").glob("*.json")):
        try:
            facts = [fact for line in file.read_bytes().splitlines() if (fact := _looked_through(line))]
            found += [(int(file.stem), *_import(fact)) for fact in facts[:1]]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            what = str(error) if isinstance(error, ValueError) else type(error).__name__
            raise Refused(
                f"the log of {table.name}, version {int(file.stem)}, is not as an import writes it ({what[:200]}). "
                "The board does not read this lake. Set it aside: fde start-over"
            ) from None
    return found


def _looked_through(line: bytes) -> Any:
    """What an import recorded about itself, if this line of the log holds that."""
    actions = json.loads(line.decode("utf-8"), object_pairs_hook=_each_once)
    if not isinstance(actions, dict) or not actions.keys() <= ACTIONS:
        raise ValueError(f"{line[:60]!r}")
    for action in filter(None, map(actions.get, ("add", "remove"))):
        if not PATH.fullmatch(action["path"]) or action.get("deletionVector"):
            raise ValueError(f"path {action['path'][:100]!r}")
    return (actions.get("commitInfo") or {}).get("fde")


def _import(fact: Any) -> tuple[str, int]:
    """Day and number of rows, once the record is one that can be worked with."""
    texts = {name: fact[name] for name in ("day", "newest", "learned", "code")}
    for name, text in texts.items():
        if not (SHA256 if name == "code" else DAY).fullmatch(text):  # the code's names a file
            raise ValueError(f"{name} {text[:100]!r}")
    if not all(type(number) is int for number in (fact["rows"], *fact["read"].values())):
        raise ValueError("rows, or versions read")
    return fact["day"], fact["rows"]


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. A name that stands twice would mean one thing to us and another to Delta."""
    if len(pairs) != len(dict(pairs)):
        raise ValueError("a name stands twice")
    return dict(pairs)
