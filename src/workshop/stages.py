"""The first stages of a start: worlds, Airflow's database, and the hub, which starts the rest."""

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from fde.pack import Pack
from fde.refused import Refused
from workshop import access, clock, settings, supervised
from workshop.airflow_settings import environment, plain
from workshop.plan import Plan
from workshop.ready import Progress, last_line

POLICY = (
    "from workshop.dag_policy import dag_policy  # noqa: F401 - refuses a DAG that does not carry its owner's name\n"
    "from workshop.turns import task_instance_mutation_hook  # noqa: F401 - who came first is next\n"
)


def start(home: Path, plan: Plan, progress: Progress) -> "subprocess.Popen[bytes]":
    """Prepare the folder, then start the hub, which starts the rest. Returns the hub's process. Raises Refused."""
    for folder in ("airflow/config", "hub", "logs/before", "worlds"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    (home / "cluster").unlink(missing_ok=True)  # from now on the clock's scripts mean this room, no cluster's
    (home / "hub" / "rules.toml").unlink(missing_ok=True)  # of a proxy that was killed: leads to what is gone
    for log in (home / "logs").glob("*.log"):
        log.replace(home / "logs" / "before" / log.name)
    keys = access.keys(home)
    days = Pack(Path(plan.pack)).days
    migration = migrate(home, environment(home, plan, keys))
    clock.set_days(days)
    for name in plan.attendees:
        make_world(name)
    progress.say(f"worlds of {', '.join(plan.attendees)}; {len(days)} days of {plan.pack}")
    if not any((home / "openings").glob("[!.]*")):  # those of another pack or code are made when somebody needs them
        from workshop import openings

        openings.make(Path(plan.pack))
        progress.say("a desk for each step of the lesson")
    if migration:
        finish(home, migration)
    progress.say("Airflow's database")
    (home / "airflow" / "config" / "airflow_local_settings.py").write_text(POLICY, "utf-8")
    plan.write(home)
    access.give(home, plan.url, plan.attendees)
    config = Path(__file__).with_name("jupyterhub_config.py")
    return launch(home, "hub", ["jupyterhub", "--config", str(config)], plain(home, plan))


def make_world(name: str) -> None:
    """Make the world of an attendee when it is missing."""
    if not (settings.world(name) / "desk").is_dir() or not clock.folder(name).is_dir():
        from workshop import desk  # loads pandas and more: not for worlds that are there

        desk.make(name)


def migrate(home: Path, env: dict[str, str]) -> "subprocess.Popen[bytes] | None":
    """Begin to make Airflow's database, unless a finished one of this version is there."""
    airflow, stamp = home / "airflow", home / "airflow" / "made-by"
    if stamp.exists() and stamp.read_text("utf-8") == version("apache-airflow"):
        return None
    if not stamp.exists():  # none, or one whose making was interrupted
        for left in airflow.glob("airflow.db*"):
            left.unlink()
    return launch(home, "database", ["airflow", "db", "migrate"], env)


def finish(home: Path, migration: "subprocess.Popen[bytes]") -> None:
    """Wait for the database. Raises Refused when it could not be made."""
    if migration.wait():
        raise Refused(f"Airflow's database could not be made: {last_line(home, 'database')}")
    (home / "airflow" / "made-by").write_text(version("apache-airflow"), "utf-8")


def launch(home: Path, service: str, command: list[str], env: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Start a part of the workshop; what it says goes to its log."""
    program = shutil.which(command[0], path=env["PATH"]) or command[0]
    with (home / "logs" / f"{service}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, program, *command[1:]],
            env={**env, **supervised.marks(home, service)},
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for `up`, which stops the parts in order
        )
