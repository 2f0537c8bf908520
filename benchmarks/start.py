"""Shown, not claimed: how long the workshop takes until it is up, and in how much memory, from a fresh clone.

Beside it: `airflow standalone` plus `jupyter lab` from the same packages, without hub, sign-in and worlds. Both sides
end with one JupyterLab, one kernel that drew the dashboard, and Airflow healthy.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx
import psutil
from lab import DASHBOARD, Lab, pss_mib, sign_in, wait
from pairs import ROOT, Claim

from tests.room import free_port


def ours(clone: Path, home: Path, port: int) -> dict[str, float]:
    """A fresh clone: packages, first start, memory, second start."""
    env = {**os.environ, "FDE_HOME": str(home), "FDE_PORT": str(port)}
    env.pop("FDE_WORLD", None)
    python = clone / ".venv" / "bin"
    start = time.monotonic()
    subprocess.run([clone / "scripts" / "install"], check=True, env=env, stdout=subprocess.DEVNULL)
    packages = time.monotonic() - start
    first = timed([clone / "scripts" / "up", "--detach"], env)
    try:
        access = json.loads((home / "access.json").read_text())
        world = {**env, "FDE_WORLD": str(home / "worlds" / "learner")}
        subprocess.run([python / "fde", "run"], check=True, env=world, stdout=subprocess.DEVNULL)
        lab = sign_in(access["url"], "learner", access["attendees"]["learner"])
        lab.execute(lab.kernel(), DASHBOARD)
        memory = pss_mib(marked(home))
    finally:
        timed([clone / "scripts" / "down"], env)
    second = timed([clone / "scripts" / "up", "--detach"], env)
    down = timed([clone / "scripts" / "down"], env)
    return {"packages": packages, "first": first, "second": second, "memory": memory, "down": down}


def by_hand(clone: Path, home: Path, port: int) -> dict[str, float]:
    """The same parts, started as their documentation says; the same world, the same kernel."""
    python = clone / ".venv" / "bin"
    env = {**os.environ, "AIRFLOW_HOME": str(home / "by-hand"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    env |= {
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
    }
    env |= {
        "FDE_HOME": str(home),
        "FDE_WORLD": str(home / "worlds" / "learner"),
        "PATH": f"{python}:{os.environ['PATH']}",
    }
    found = {}
    for name in ("first", "second"):
        log = (home / f"by-hand-{name}.log").open("w")
        start = time.monotonic()
        parts = [
            subprocess.Popen([python / program, *words], env=env, stdout=log, stderr=log, cwd=home)
            for program, words in (
                ("airflow", ["standalone"]),
                (
                    "jupyter",
                    ["lab", "--no-browser", "--allow-root", f"--port={port + 1}", "--IdentityProvider.token=bench"],
                ),
            )
        ]
        try:
            http = httpx.Client(timeout=60, trust_env=False, headers={"Authorization": "token bench"})
            lab = Lab(http, f"http://127.0.0.1:{port + 1}/")
            wait(lambda lab=lab, http=http: http.get(f"{lab.base}api/status").is_success)
            wait(lambda http=http: healthy(http.get(f"http://127.0.0.1:{port}/api/v2/monitor/health").json()))
            found[name] = time.monotonic() - start
            lab.execute(lab.kernel(), DASHBOARD)
            tree = [
                process
                for part in parts
                for process in (psutil.Process(part.pid), *psutil.Process(part.pid).children(True))
            ]
            found["memory"] = pss_mib(tree)
        finally:
            tree = [process for part in parts for process in psutil.Process(part.pid).children(True)]
            for part in parts:
                part.terminate()
            psutil.wait_procs(tree, 15)
            for left in tree:
                if left.is_running():
                    left.kill()
            for part in parts:
                part.wait()
    return found


def healthy(parts: dict[str, dict[str, str]]) -> bool:
    return all(parts[name]["status"] == "healthy" for name in ("metadatabase", "scheduler", "dag_processor"))


def marked(home: Path) -> list[psutil.Process]:
    """All processes of the workshop in `home`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("FDE_SUPERVISED") == str(home):
                found.append(process)
        except psutil.Error:
            continue
    return found


def timed(command: list[object], env: dict[str, str]) -> float:
    start = time.monotonic()
    subprocess.run([str(word) for word in command], check=True, env=env, stdout=subprocess.DEVNULL)
    return time.monotonic() - start


def measure(small: bool) -> list[Claim]:
    """Both sides, each started twice. There is no smaller form."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="fde-start-") as folder:
        clone, home = Path(folder, "clone"), Path(folder, "home")
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        us, hand = ours(clone, home, port), by_hand(clone, home, free_port())
    for words, key in (("packages, from a warm cache", "packages"), ("scripts/down", "down")):
        print(f"  {words:40} {us[key]:5.1f} s", file=sys.stderr)
    return [
        Claim(name, "Airflow, Lab by hand", figure, us[key], hand[key], None)
        for name, figure, key in (
            ("first start", "seconds", "first"),
            ("second start", "seconds", "second"),
            ("a room of one", "peak_mib", "memory"),
        )
    ]
