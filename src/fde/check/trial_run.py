"""The process that runs a pipeline on throw-away desks and reports what the dashboards show, a JSON object a line.

Started by `side_by_side`, with a pipe of its own to report to: whatever the pipeline prints disturbs nothing.
"""

import contextlib
import faulthandler
import json
import locale
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from fde.pack import Pack
from fde.refused import Refused
from fde.run import run
from fde.trial import Trial


class TrialRun:
    """Carries out trials. `plan`: place, plain and resent (packs; one day differs), day (that day), days,
    texts (folder of the desk's files), limit (seconds a run may take)."""

    def __init__(self, plan: dict[str, Any], report: int) -> None:
        self.place, self.days, self.limit = Path(plan["place"]), plan["days"], plan["limit"]
        self.plain, self.resent, self.day = Pack(Path(plan["plain"])), Pack(Path(plan["resent"])), plan["day"]
        self.texts = {file.name: file.read_bytes() for file in Path(plan["texts"]).iterdir()}
        self.process, self.report = os.getpid(), report
        self.where = (self.place / "where").open("w")
        faulthandler.enable(self.where)

    def each_day(self) -> bool:
        """Each day on its day, and once more. When a second run changes something: anew, each day once.

        Returns whether all days ran.
        """
        for again in (True, False):
            trial = self._trial("twice" if again else "once", self.plain)
            for day in self.days:
                trial.today = day
                if not self._run(trial, "each day", day):
                    return False
                first = self._observe(trial, "first", day)
                if again and not (self._run(trial, "again", day) and self._observe(trial, "again", day) == first):
                    break
            else:
                break
        self._observe_all(trial, "end")
        return True

    def forward(self) -> None:
        """All days with the clock at the last one, a day sent otherwise from the start."""
        self._all("forward", self.resent, self.days)

    def backward(self) -> None:
        """The same from the last day to the first."""
        self._all("backward", self.resent, self.days[::-1])

    def late(self) -> None:
        """All days with the clock at the last one; then a day is sent again, otherwise, and run again."""
        trial = self._all("late", self.plain, self.days)
        if trial:
            trial.world.pack = self.resent
            if self._run(trial, "sent again", self.day):
                self._observe_all(trial, "sent again")

    def _all(self, name: str, pack: Pack, days: list[str]) -> Trial | None:
        trial = self._trial(name, pack)
        trial.today = self.days[-1]
        if not all(self._run(trial, name, day) for day in days):
            return None
        self._observe_all(trial, name)
        return trial

    def _observe_all(self, trial: Trial, name: str) -> None:
        """What the dashboards show with the clock at each day."""
        for day in self.days:
            self._observe(trial, name, day)
        trial.today = self.days[-1]

    def _trial(self, name: str, pack: Pack) -> Trial:
        trial = Trial(self.place / name, pack, self.texts)
        os.chdir(trial.world.desk)
        return trial

    def _run(self, trial: Trial, name: str, day: str) -> bool:
        self._say({"trial": name, "day": day, "run": True})
        try:
            run(trial.world, day, tell=lambda line: self._end_a_copy())
            return True
        except BaseException as error:  # whatever it raises is the pipeline's
            self._end_a_copy()
            self._say({"trial": name, "day": day, "failed": self._plain(trial, error)})
            return False

    def _observe(self, trial: Trial, name: str, day: str) -> object:
        try:
            seen: object = json.loads(trial.seen(day).to_json(orient="records"))
        except Exception as error:
            seen = self._plain(trial, error)
        self._say({"trial": name, "day": day, "seen": seen})
        return seen

    def _plain(self, trial: Trial, error: BaseException) -> str:
        text = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
        for place in (trial.world.desk, self.plain.path, self.resent.path):
            text = text.replace(f"{place}/", "")
        return text

    def _end_a_copy(self) -> None:
        if os.getpid() != self.process:  # a pipeline that forked and came back: one of the two goes on
            os._exit(0)

    def _say(self, line: dict[str, object]) -> None:
        """Report a line, and start the time anew. A watchdog of C: it ends even a process that is stuck outside
        Python, and one whose parent is gone, and writes where it was."""
        try:
            os.write(self.report, json.dumps(line).encode() + b"\n")
        except BrokenPipeError:  # whoever asked was killed, and cannot remove the folder any more
            shutil.rmtree(self.place.parent, ignore_errors=True)
            os._exit(1)
        faulthandler.dump_traceback_later(self.limit, exit=True, file=self.where)


def main() -> None:
    """Carry out the trials of a plan, and end without waiting for threads that the pipeline left."""
    plan = json.loads(sys.argv[1])
    os.set_inheritable(plan["report"], False)
    for name in plan["languages"]:
        with contextlib.suppress(locale.Error):
            locale.setlocale(locale.LC_ALL, name)
            break
    trials = TrialRun(plan, plan["report"])
    if trials.each_day():
        for name in plan["trials"]:
            getattr(trials, name)()
    trials._say({"done": True})
    os._exit(0)


if __name__ == "__main__":
    main()
