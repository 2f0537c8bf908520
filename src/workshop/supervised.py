"""The processes of a running workshop. Each carries FDE_SUPERVISED and FDE_SERVICE: none is missed or mistaken."""

import fcntl
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from fde.refused import Refused


def marks(home: Path, service: str) -> dict[str, str]:
    """What to put into the environment of a part, so that it is found again."""
    # setproctitle would otherwise write over the environment that we look at.
    return {"FDE_SUPERVISED": str(home.resolve()), "FDE_SERVICE": service, "SPT_NOENV": "1"}


def find(home: Path, service: str | None = None) -> list[psutil.Process]:
    """The living processes of the workshop in `home`; of one service, or all. Never the caller and those above it."""
    own, mark = psutil.Process(), str(home.resolve())
    spared = {own.pid, *(parent.pid for parent in own.parents())}
    found = []
    for process in psutil.process_iter():
        try:
            environ = process.environ()
            ours = environ.get("FDE_SUPERVISED") == mark and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or another user's
        if ours and service in (None, environ.get("FDE_SERVICE")) and process.pid not in spared:
            found.append(process)
    return found


def end(home: Path, service: str | None = None, patience: float = 2) -> int:
    """End what `find` finds: asked first, killed after `patience` seconds. Returns how many there were.

    Two seconds are enough to end well: what Airflow's api-server does for four more is tidying its own memory.
    """
    processes = find(home, service)
    _each(_roots(processes), psutil.Process.terminate)  # each ends its own children in its own way
    if not _gone(home, service, patience):
        for _ in range(5):  # again, until nothing new was born meanwhile
            _each(find(home, service), psutil.Process.kill)
            if _gone(home, service, 1):
                break
    return len(processes)


def stop(home: Path) -> bool:
    """Stop the workshop in `home`. Returns False when nothing ran."""
    # The hub goes first, at once: it keeps nothing, but would start again what ends. Its own way out takes 11 s.
    hub = find(home, "hub")
    _each(hub, psutil.Process.kill)
    _gone(home, "hub", 5)
    return bool(end(home)) or bool(hub)


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Held while starting. Raises Refused while another `up` does the same."""
    with (home / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"Another scripts/up is starting the workshop of {home} right now. Wait for it to end."
            ) from None
        yield


@contextmanager
def stopped_when_it_fails(home: Path) -> Iterator[None]:
    """Stop the workshop when what is done meanwhile raises, Ctrl-C included."""
    try:
        yield
    except BaseException:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave processes behind
        if find(home):
            print("\nStopping ...", flush=True)
            stop(home)
            print(f"Stopped. Worlds and passwords stay in {home}.", flush=True)
        raise


def _gone(home: Path, service: str | None, seconds: float) -> bool:
    """Wait until `find` finds nothing. A zombie is gone: who adopted it may never fetch it."""
    deadline = time.monotonic() + seconds
    while find(home, service):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _roots(processes: list[psutil.Process]) -> list[psutil.Process]:
    pids, roots = {process.pid for process in processes}, []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.ppid() not in pids:
                roots.append(process)
    return roots


def _each(processes: list[psutil.Process], action: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            action(process)
