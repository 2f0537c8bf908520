"""The reader's process: answers questions about copies of worlds, a JSON object a line, in and out.

What it reads is not to be trusted. A table that eats memory, hangs or breaks a library costs this process only.
"""

import faulthandler
import json
import os
import resource
import sys
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from fde.clock import Clock
from fde.refused import Refused
from fde.steps import STEPS
from workshop.board.found import Copy, Sent, facts, line
from workshop.board.look import look

MEMORY = 1_000_000_000  # bytes of data that this process may hold


def _answer(pack: Path, asked: dict[str, Any]) -> dict[str, Any]:
    stamps = tuple(sorted((file.name, file.stat().st_mtime_ns) for file in pack.iterdir()))
    given = asked["clock"]
    clock = Clock(**{**given, "days": tuple(given["days"]), "incidents": tuple(map(tuple, given["incidents"]))})
    world = Copy(Path(asked["world"]), _pack(pack, stamps), clock)
    try:
        return asdict(look(world, asked["word"]) if asked["what"] == "look" else facts(world))
    except MemoryError:
        raise
    except Refused as refused:
        return {"refused": line(world, str(refused))}
    except Exception as error:  # whatever a forged lake makes the libraries raise
        return {"refused": f"the board cannot read this lake: {type(error).__name__}: {line(world, str(error))}"}


@lru_cache(maxsize=1)
def _pack(pack: Path, stamps: tuple[tuple[str, int], ...]) -> Sent:
    return Sent(pack)


def main() -> None:
    """Answer until nobody asks any more. Arguments: the pack's folder; seconds after which an answer comes too late."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pack, seconds = Path(sys.argv[1]), float(sys.argv[2])
    pa.set_cpu_count(1)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)  # whatever a library prints is no answer
        print(json.dumps({"steps": [[step.number, step.title] for step in STEPS]}), file=out, flush=True)
        for line in sys.stdin:
            faulthandler.dump_traceback_later(seconds, exit=True)  # also when whoever asked is gone
            print(json.dumps(_answer(pack, json.loads(line))), file=out, flush=True)
            faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main()
