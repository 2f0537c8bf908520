"""Airflow's settings in the embedded way, as environment: only what differs from its defaults, each with its reason."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from workshop import settings
from workshop.plan import AIRFLOW, Plan

COMMANDS = {
    "airflow": ["api-server", "--host", "127.0.0.1", "--workers", "1"],
    "scheduler": [
        "scheduler",
        "--skip-serve-logs",
    ],  # logs are files on this machine; its log server would listen everywhere
    "dag-processor": ["dag-processor"],
}


def search_path() -> str:
    """PATH of every part. The room's scripts come last: one is called `install`, as a program of the system is."""
    places = [Path(sys.prefix) / "bin", "/usr/local/bin", "/usr/bin", "/bin", settings.root() / "scripts"]
    return ":".join(map(str, places))


def plain(home: Path, plan: Plan) -> dict[str, str]:
    """The environment of every part: nothing of the shell that called `up`, and no secret."""
    return {
        "PATH": search_path(),
        "HOME": str(Path.home()),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "FDE_HOME": str(home),
        "FDE_PACK": plan.pack,
        "FDE_TASK_SECONDS": str(settings.task_seconds()),
        **settings.of_the_image(),
    }


def environment(home: Path, plan: Plan, keys: Mapping[str, str]) -> dict[str, str]:
    """The environment of Airflow's processes. keys: those of `access.keys`."""
    airflow = home / "airflow"
    chosen: dict[str, dict[str, object]] = {
        "core": {
            "executor": "LocalExecutor",
            "parallelism": 4,  # tasks at once; each of the four waiting workers costs 10 MB
            "load_examples": False,
            "dags_are_paused_at_creation": False,  # an attendee's first press of the button runs something
            "auth_manager": "workshop.sign_in.HubAuthManager",
            # With the path of the proxy, at Airflow's own port: tasks need no way through the proxy.
            "execution_api_server_url": f"{plan.airflow_url}/execution/",
            "fernet_key": keys["fernet"],
        },
        "api": {"base_url": f"{plan.url}{AIRFLOW}", "port": plan.airflow_port, "secret_key": keys["jwt"][:32]},
        # One key for all processes, else each makes its own and no task may report.
        # An hour instead of a day: a token outlives who it was given to.
        "api_auth": {"jwt_secret": keys["jwt"], "jwt_expiration_time": 3600},
        "database": {
            "sql_alchemy_conn": f"sqlite:///{airflow / 'airflow.db'}",
            # No bound (default 10 beside 5 that stay): Airflow asks who somebody is inside its event loop. When all are
            # lent it waits there for one, and those who have one wait for the loop: nobody is served for 30 s.
            "sql_alchemy_max_overflow": -1,
        },
        "dag_processor": {
            "dag_bundle_config_list": json.dumps([bundle(name) for name in plan.attendees]),
            "refresh_interval": 5,  # default 300: a changed template shows while one looks
            "dag_bundle_storage_path": airflow / "bundles",
            "print_stats_interval": 0,
        },
        "scheduler": {
            "scheduler_idle_sleep_time": 0.5,  # default 1: four tasks in a row wait four times
            # A scheduler that was killed: the next one takes its running tasks over after 10 s (defaults: 30 and 300).
            "job_heartbeat_sec": 2,
            "scheduler_health_check_threshold": 10,
            "orphaned_tasks_check_interval": 5,
            # A task that was killed together with what watched over it: its run ends after 20 s (default 300).
            "task_instance_heartbeat_timeout": 20,
            "task_instance_heartbeat_timeout_detection_interval": 5,
        },
        "logging": {"colored_console_log": False},
        "usage_data_collection": {"enabled": False},  # no news about a workshop leaves the machine
    }
    values = {
        f"AIRFLOW__{section}__{key}".upper(): str(value)
        for section, keys_ in chosen.items()
        for key, value in keys_.items()
    }
    return {**plain(home, plan), "AIRFLOW_HOME": str(airflow), **values}


def bundle(attendee: str) -> dict[str, object]:
    """One bundle per attendee: their DAG's source, versions and import errors are theirs alone."""
    return {"name": attendee, "classpath": "workshop.bundle.AttendeeBundle", "kwargs": {}}
