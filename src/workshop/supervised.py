"""The processes of a running workshop. Each carries FDE_SUPERVISED and FDE_SERVICE, so that none is missed or mistaken."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil


def marks(home: Path, service: str) -> dict[str, str]:
    """What to put into the environment of a part, so that it is found again."""
    # setproctitle would otherwise write over the environment that we look at.
    return {"FDE_SUPERVISED": str(home), "FDE_SERVICE": service, "SPT_NOENV": "1"}


def find(home: Path, service: str | None = None) -> list[psutil.Process]:
    """The living processes of the workshop in `home`; of one service, or all. Never the caller and those above it."""
    own = psutil.Process()
    spared = {own.pid, *(parent.pid for parent in own.parents())}
    found = []
    for process in psutil.process_iter():
        try:
            environ = process.environ()
            ours = environ.get("FDE_SUPERVISED") == str(home) and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or another user's
        if ours and service in (None, environ.get("FDE_SERVICE")) and process.pid not in spared:
            found.append(process)
    return found


def end(home: Path, service: str | None = None, patience: float = 5) -> int:
    """End what `find` finds: asked first, killed after `patience` seconds. Returns how many there were."""
    ended = set()
    for _ in range(5):  # again, until nothing new was born meanwhile
        processes = find(home, service)
        if not processes:
            break
        ended |= {process.pid for process in processes}
        _each(processes, psutil.Process.terminate)
        _, left = psutil.wait_procs(processes, patience)
        _each(left, psutil.Process.kill)
        psutil.wait_procs(left, patience)
    return len(ended)


def stop(home: Path, patience: float = 20) -> bool:
    """Stop the workshop in `home`: the hub ends its parts in order, what is left then is ended. False: nothing ran."""
    hub = find(home, "hub")
    _each(hub, psutil.Process.terminate)
    psutil.wait_procs(hub, patience)
    return bool(end(home)) or bool(hub)


def _each(processes: list[psutil.Process], action: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            action(process)
