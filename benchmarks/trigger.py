"""Claim: from trigger to drawn chart in 8 s; five attendees at once in 25 s, none failing.

In each JupyterLab a kernel triggers user_data_dag, waits for its end and draws the dashboard, as a person would.
Beside it: the same functions and the same chart without Airflow (`fde run`), so that the ratio is what Airflow costs.
Run from a checkout: .venv/bin/python benchmarks/trigger.py
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

from lab import DASHBOARD, ROOT, Lab, sign_in

NAMES = ["blue", "green", "red", "grey", "pink"]
ONE = f"from workshop import airflow\nassert airflow.run() == 'success'\n{DASHBOARD}"


def seconds(lab: Lab, kernel: str, code: str) -> float:
    start = time.monotonic()
    lab.execute(kernel, code)
    return time.monotonic() - start


def main() -> None:
    port = sys.argv[1] if len(sys.argv) > 1 else "18510"
    os.environ.pop("FDE_WORLD", None)
    with tempfile.TemporaryDirectory(prefix="fde-trigger-") as folder:
        home = Path(folder)
        env = {**os.environ, "FDE_HOME": folder, "FDE_PORT": port}
        subprocess.run([ROOT / "scripts" / "up", "--detach", "--attendees", ",".join(NAMES)], check=True, env=env)
        try:
            access = json.loads((home / "access.json").read_text())
            labs = [sign_in(access["url"], name, access["attendees"][name]) for name in NAMES]
            kernels = [lab.kernel() for lab in labs]
            for lab, kernel in zip(labs, kernels, strict=True):
                lab.execute(kernel, "import matplotlib.figure, fde.chart, workshop.airflow")
            alone = [seconds(labs[0], kernels[0], ONE) for _ in range(5)]
            with ThreadPoolExecutor(len(NAMES)) as people:
                together = list(people.map(lambda one: seconds(*one, ONE), zip(labs, kernels, strict=True)))
            bare = [seconds(labs[0], kernels[0], f"!fde run\n{DASHBOARD}") for _ in range(5)]
        finally:
            subprocess.run([ROOT / "scripts" / "down"], check=True, env=env)
    print(f"one attendee, s:          median {statistics.median(alone):.1f}, max {max(alone):.1f}")
    print(f"five at once, s:          median {statistics.median(together):.1f}, max {max(together):.1f}")
    ratio = statistics.median(alone) / statistics.median(bare)
    print(f"without Airflow, s:       median {statistics.median(bare):.1f}; with it {ratio:.1f} times that")
    print(json.dumps({"alone": alone, "together": together, "bare": bare}))


if __name__ == "__main__":
    main()
