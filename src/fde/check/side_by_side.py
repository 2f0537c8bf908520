"""Two fresh processes that run the same pipeline side by side and share nothing but the machine."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fde.check.judged import Rows
from fde.refused import Refused

#: a process starts in 1 s; on a machine that is busy with a whole room, in this many at most
START = 60.0
FEW = {f"{name}_THREADS": "2" for name in ("OMP_NUM", "TOKIO_WORKER", "POLARS_MAX")}  # a pod may have few
#: what differs between the two: the hash seed, the time zone (26 hours apart), the language (the first there is)
PLACES = (
    ({"PYTHONHASHSEED": "1", "TZ": "UTC+12", **FEW}, ["C.UTF-8"]),
    ({"PYTHONHASHSEED": "2", "TZ": "UTC-14", **FEW}, ["tr_TR.UTF-8", "de_DE.UTF-8", "fr_FR.UTF-8"]),
)


@dataclass
class Observed:
    """What one process saw. `seen`: (trial, day) -> rows, or why there are none; `failed`: trial -> (day, why)."""

    seen: dict[tuple[str, str], Rows | str] = field(default_factory=dict)
    failed: dict[str, tuple[str, str]] = field(default_factory=dict)


class _Process:
    """One of the two: its process group, and the pipe it reports to."""

    def __init__(self, plan: dict[str, Any], settings: dict[str, str], source: str, tell: Callable[[], None]) -> None:
        self.place, self.limit, self.source, self.tell = Path(plan["place"]), plan["limit"], source, tell
        self.observed, self.rest, self.done = Observed(), b"", False
        self.pipe, theirs = os.pipe()
        code = str(Path(__file__).parents[2])
        # env -i: the pipeline does not learn where the real desk is, nor any token of who asks for the check.
        settings = {**settings, "PATH": os.defpath, "PYTHONPATH": code, "HOME": plan["place"], "TMPDIR": plan["place"]}
        words = ["env", "-i", *(f"{name}={value}" for name, value in settings.items())]
        words += [sys.executable, "-P", "-m", "fde.check.trial_run", json.dumps({**plan, "report": theirs})]
        null = subprocess.DEVNULL
        self.process = subprocess.Popen(
            words, pass_fds=[theirs], start_new_session=True, stdin=null, stdout=null, stderr=null, cwd=plan["place"]
        )
        os.close(theirs)
        self.deadline = time.monotonic() + START
        self.closed = False
        self.begun: tuple[str, str] | None = None  # the trial and the day it is at

    def fileno(self) -> int:
        return self.pipe

    def hear(self) -> None:
        """Take in what was reported. The end of the pipe without the last line means that the process died."""
        data = os.read(self.pipe, 1 << 20)
        *lines, self.rest = (self.rest + data).split(b"\n")
        self.deadline = time.monotonic() + 2 * self.limit + 5  # its own watchdog comes first
        try:
            for line in lines:
                self._take(json.loads(line))
        except (ValueError, KeyError, TypeError):
            return self.end("The pipeline wrote where only the check writes.")
        return None if data else self.end("")

    def look(self) -> None:
        """Whether a silent process is still going on in time."""
        if self.process.poll() is not None and not select.select([self], [], [], 0)[0]:
            self.end("")
        elif time.monotonic() > self.deadline:
            self.end(f"It had not ended after {self.limit:g} seconds, the limit of a run.")

    def end(self, why: str) -> None:
        """The process died by itself, or has to, and why. Raises Refused when it never began."""
        self.done = True
        if self.begun is None:
            raise Refused("a process for the trials did not start. Is the machine short of memory? Then try again.")
        if not why:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
            code = self.process.poll()
            how = f"signal {-code}" if code and code < 0 else f"code {code}"
            why = f"The pipeline ended its process ({how})."
            if code == -signal.SIGKILL:
                why = "The process was killed (signal 9). Did it take all the memory?"
        self.close()
        self._fail(why)

    def close(self) -> None:
        """Kill whatever is left of the process and of those it started. Once: numbers of processes come again."""
        if not self.closed:
            self.closed = True
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            os.close(self.pipe)

    def _take(self, line: dict[str, Any]) -> None:
        if "done" in line:
            self.done = True
            return
        self.begun = name, day = line["trial"], line["day"]
        if "seen" in line:
            self.observed.seen[name, day] = line["seen"]
        elif "failed" in line:
            self.observed.failed[name] = (day, line["failed"])
        else:
            self.tell()

    def _fail(self, why: str) -> None:
        where = (self.place / "where").read_text("utf-8", "replace") if (self.place / "where").exists() else ""
        if where.startswith("Timeout"):
            why = f"It had not ended after {self.limit:g} seconds, the limit of a run."
        if found := re.search(r'/pipeline\.py", line (\d+) in (\S+)', where):
            text = dict(enumerate(self.source.split("\n"), 1)).get(int(found[1]), "")
            why = f"pipeline.py, line {found[1]}, in {found[2]}: {text.strip()}\n{why}"
        assert self.begun
        name, day = self.begun
        self.observed.failed["each day" if name in ("first", "again", "end") else name] = (day, why)


def side_by_side(
    plan: dict[str, Any], trials: tuple[list[str], list[str]], place: Path, source: str, tell: Callable[[], None]
) -> list[Observed]:
    """Carry out a plan (see `trial_run`) in two processes, each with further trials of its own; `tell` hears each run.
    Neither is left running, whatever happens here or there."""
    processes: list[_Process] = []
    try:
        for number, names in enumerate(trials):
            home = place / str(number)
            home.mkdir()
            own = {**plan, "place": str(home), "trials": names, "languages": PLACES[number][1]}
            processes.append(_Process(own, PLACES[number][0], source, tell))
        while waiting := [one for one in processes if not one.done]:
            heard = select.select(waiting, [], [], 0.1)[0]
            for one in waiting:
                one.hear() if one in heard else one.look()
        return [one.observed for one in processes]
    finally:
        for one in processes:
            one.close()
