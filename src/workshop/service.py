"""Becomes a part of the room: `python -m workshop.service scheduler`. The hub starts it, again when it died."""

import os
import sys
from importlib import import_module

from workshop import settings, supervised
from workshop.airflow_settings import COMMANDS


def main() -> None:
    """Run the service named on the command line: the board, or one of Airflow's; further arguments go to Airflow."""
    name, home = sys.argv[1], settings.home()
    with (home / "logs" / f"{name}.log").open("ab") as log:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log.fileno(), stream.fileno())
    # A killed scheduler leaves its workers behind, maybe in the middle of an import that will be run again.
    supervised.end(home, name, patience=1)
    if name == "board":
        import_module("workshop.board.__main__").main()
        return
    if name == "scheduler":
        import_module(
            "workshop.desk"
        )  # tasks are forks of this process: pandas and the lake are loaded once, not in each (1 s)
    sys.argv = ["airflow", *COMMANDS[name], *sys.argv[2:]]
    import_module("airflow.__main__").main()


if __name__ == "__main__":
    main()
