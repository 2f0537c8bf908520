"""An attendee's notebook server as a pod: their world and their account, nobody else's.

JupyterHub's own image runs this, where only JupyterHub is installed: it is handed over as a file (`scripts/release`).
"""

from typing import Any

INSTRUCTOR = "instructor"
ROOM = "/room"
AIRFLOW, BOARD = "/services/airflow/", "/services/board/"


def configure(c: Any) -> None:
    """Complete the hub's configuration by what the chart's values cannot say."""
    c.Proxy.extra_routes = {AIRFLOW: "http://airflow-api-server:8080", BOARD: "http://board:8080"}
    c.JupyterHub.template_vars = {"announcement": f'<a href="{AIRFLOW}">Airflow</a> · <a href="{BOARD}">Board</a>'}
    c.Spawner.pre_spawn_hook = prepare
    # z2jh would mount one volume at one place, the same for all.
    c.KubeSpawner.volumes = {"worlds": {"name": "worlds", "persistentVolumeClaim": {"claimName": "worlds"}}}
    c.KubeSpawner.volume_mounts = {}


def prepare(spawner: Any) -> None:
    """Whose desk it is. The instructor's JupyterLab is at all worlds, and its scripts move the room."""
    name = spawner.user.name
    worlds, world = f"{ROOM}/worlds", f"{ROOM}/worlds/{name}"
    if name == INSTRUCTOR:
        spawner.service_account = INSTRUCTOR
        spawner.volume_mounts = {"worlds": {"name": "worlds", "mountPath": worlds}}
        spawner.notebook_dir, spawner.default_url = worlds, "/lab"
        return
    spawner.service_account = f"attendee-{name}"
    spawner.volume_mounts = {"worlds": {"name": "worlds", "mountPath": world, "subPath": name}}
    spawner.environment = {**spawner.environment, "FDE_WORLD": world, "HOME": world}
    spawner.notebook_dir, spawner.default_url = world, "/lab/tree/desk/lesson.ipynb"
