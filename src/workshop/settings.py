"""Where things are: the only module that reads the environment."""

import os
from pathlib import Path

from fde.refused import Refused


def root() -> Path:
    """The repository: holds dags/, notebooks/, scripts/, solutions/ and sources/."""
    return Path(__file__).resolve().parents[2]


def home() -> Path:
    """The folder of the running workshop: worlds/, clocks/, access.json."""
    if "FDE_HOME" not in os.environ and "FDE_WORLD" in os.environ:
        return Path(os.environ["FDE_WORLD"]).absolute().parents[1]
    return Path(os.environ.get("FDE_HOME", root() / ".workshop")).absolute()


def pack() -> Path:
    """The folder of the simulated source systems."""
    return Path(os.environ.get("FDE_PACK", root() / "sources" / "shop")).absolute()


def world(attendee: str | None = None) -> Path:
    """The world of one attendee; without a name, of whoever's terminal or notebook this is."""
    if attendee is not None:
        return home() / "worlds" / attendee
    if "FDE_WORLD" not in os.environ:
        raise Refused("whose world? FDE_WORLD is not set. Run this in a terminal of JupyterLab, or set FDE_WORLD=FOLDER.")
    return Path(os.environ["FDE_WORLD"]).absolute()
