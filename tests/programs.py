"""Programs that only pretend, for scripts that call others."""

import sys
from pathlib import Path


def fake(folder: Path, name: str, does: str) -> Path:
    """A program of that name in `folder`, which does what a line of bash says."""
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.unlink(missing_ok=True)  # it may be a link to the real one, which must stay as it is
    program.write_text(f"#!/bin/bash\n{does}\n")
    program.chmod(0o755)
    return program


KUBECTL = """
import json, re, sys
from pathlib import Path

clocks, words = Path(sys.argv[1]), sys.argv[2:]
path = re.fullmatch(r"jsonpath=.*?data[.](\\w+).*", words[-1])
match words[:2]:
    case ["get", "configmaps"] if path:
        print(*(one.parent.name for one in clocks.glob(f"*/{path[1]}")), end="")
    case ["get", "configmaps"]:
        print(*(f"configmap/{one.name}" for one in clocks.iterdir()), sep="\\n")
    case ["get", "configmap"]:
        key = clocks / words[2] / path[1]
        print(key.read_text() if key.exists() else "", end="")
    case ["patch", "configmap"]:
        for key, value in json.loads(words[-1])["data"].items():
            (clocks / words[2] / key).unlink(missing_ok=True)
            if value is not None:
                (clocks / words[2] / key).write_text(value)
    case _:
        sys.exit(f"kubectl: what is {words}?")
"""


def fake_kubectl(folder: Path, clocks: Path) -> Path:
    """A kubectl whose ConfigMaps are the folders of `clocks`, and their data the files in them."""
    program = folder / "kubectl.py"
    kubectl = fake(folder, "kubectl", f'exec {sys.executable} {program} {clocks} "$@"')
    program.write_text(KUBECTL)
    return kubectl
