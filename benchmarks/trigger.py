"""Shown, not claimed: from trigger to drawn chart; five attendees at once, none failing.

In each JupyterLab a kernel triggers user_data_dag, waits for its end and draws the dashboard, as a person would.
Beside it: the same functions and the same chart without Airflow (`fde run`), so that the ratio is what Airflow costs.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from lab import DASHBOARD, Lab, sign_in
from pairs import ROOT, Claim

from tests.room import free_port

NAMES = ["blue", "green", "red", "grey", "pink"]
ONE = f"from workshop import airflow\nassert airflow.run() == 'success'\n{DASHBOARD}"
ALONE = f"import subprocess\nsubprocess.run(['fde', 'run'], check=True, capture_output=True)\n{DASHBOARD}"


def seconds(lab: Lab, kernel: str, code: str) -> float:
    start = time.monotonic()
    lab.execute(kernel, code)
    return time.monotonic() - start


def measure(small: bool) -> list[Claim]:
    """A room of five."""
    times = 2 if small else 5
    with tempfile.TemporaryDirectory(prefix="fde-trigger-") as folder:
        home = Path(folder)
        env = {**os.environ, "FDE_HOME": folder, "FDE_PORT": str(free_port())}
        env.pop("FDE_WORLD", None)
        up = [ROOT / "scripts" / "up", "--detach", "--attendees", ",".join(NAMES)]
        subprocess.run(up, check=True, env=env, stdout=subprocess.DEVNULL)
        try:
            access = json.loads((home / "access.json").read_text())
            labs = [sign_in(access["url"], name, access["attendees"][name]) for name in NAMES]
            kernels = [lab.kernel() for lab in labs]
            for lab, kernel in zip(labs, kernels, strict=True):
                lab.execute(kernel, "import matplotlib.figure, fde.chart, workshop.airflow")
            alone = [seconds(labs[0], kernels[0], ONE) for _ in range(times)]
            with ThreadPoolExecutor(len(NAMES)) as people:
                together = list(people.map(lambda one: seconds(*one, ONE), zip(labs, kernels, strict=True)))
            bare = [seconds(labs[0], kernels[0], ALONE) for _ in range(times)]
        finally:
            subprocess.run([ROOT / "scripts" / "down"], check=True, env=env, stdout=subprocess.DEVNULL)
    for words, took in (("one attendee", alone), ("five at once", together)):
        print(f"  {words:40} median {statistics.median(took):.1f}, max {max(took):.1f} s", file=sys.stderr)
    without = statistics.median(bare)
    return [
        Claim("trigger to chart", "without Airflow", "seconds", statistics.median(alone), without, None),
        Claim("five at once", "one without Airflow", "seconds", statistics.median(together), without, None),
    ]
