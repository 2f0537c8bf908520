"""JupyterHub's configuration in the embedded way: it starts, routes and supervises every part of the workshop."""

import sys
from typing import Any

from jupyterhub.services.service import _ServiceSpawner
from traitlets.config import get_config

from workshop import access, settings
from workshop.airflow_settings import COMMANDS, environment, plain
from workshop.plan import AIRFLOW, BOARD, HERE, read
from workshop.room import RESERVED
from workshop.supervised import marks

c: Any = get_config()
home = settings.home()
plan = read(home)
keys = access.keys(home)
hub = home / "hub"

# --- the one port
c.JupyterHub.bind_url = f"http://{plan.host}:{plan.port}"
c.JupyterHub.hub_bind_url = f"http://{HERE}:{plan.hub_port}"
c.JupyterHub.proxy_class = "traefik_file"
c.TraefikFileProviderProxy.traefik_api_url = f"http://{HERE}:{plan.proxy_port}"
c.TraefikFileProviderProxy.traefik_api_username = "hub"
c.TraefikFileProviderProxy.static_config_file = str(hub / "traefik.toml")
c.TraefikFileProviderProxy.dynamic_config_file = str(hub / "rules.toml")
c.TraefikFileProviderProxy.traefik_env = marks(home, "proxy")
c.TraefikFileProviderProxy.extra_static_config = {"global": {"checkNewVersion": False, "sendAnonymousUsage": False}}
# Not as the `url` of a service: the hub would wait for it before it lets anybody in, and give up after 30 s.
c.Proxy.extra_routes = {f"{AIRFLOW}/": f"http://{HERE}:{plan.airflow_port}", f"{BOARD}/": plan.board_url}
c.JupyterHub.template_vars = {"announcement": f'<a href="{AIRFLOW}/">Airflow</a> · <a href="{BOARD}/">Board</a>'}

# --- state: nothing of the hub outlives it but its cookie key; who takes part stands in access.json
c.JupyterHub.db_url = "sqlite:///:memory:"
c.JupyterHub.cookie_secret = bytes.fromhex(keys["cookie"])
c.JupyterHub.cleanup_servers = True

# --- people
c.JupyterHub.authenticator_class = "workshop.passwords.OwnPassword"
c.OwnPassword.access_file = str(home / "access.json")
c.Authenticator.admin_users = {RESERVED}
c.JupyterHub.load_roles = [
    # A role of this name replaces the hub's own: it must repeat `self`.
    {"name": "user", "scopes": ["self", "access:services!service=airflow", "access:services!service=board"]},
    # With the last one, the token of a notebook's server buys a token of Airflow. It does not open the board.
    {"name": "server", "scopes": ["users:activity!user", "access:servers!server", "access:services!service=airflow"]},
    {"name": "board", "services": ["board"], "scopes": ["access:services!service=airflow"]},
]

# --- Airflow's processes, and the board
# The hub looks after its services every 30 s, which no setting changes: a dead scheduler is noticed after 2.
_ServiceSpawner.poll_interval = 2


def service(name: str, env: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "workshop.service", name]
    return {"name": name, "command": command, "environment": {**env, **marks(home, name)}}


def at_the_hub(name: str, env: dict[str, str], path: str, callback: str) -> dict[str, Any]:
    # The hub tells the prefix only to services with a `url`.
    one = service(name, {**env, "JUPYTERHUB_SERVICE_PREFIX": f"{path}/"})
    return {**one, "api_token": keys[name], "oauth_redirect_uri": f"{path}/{callback}", "oauth_no_confirm": True}


of_airflow = environment(home, plan, keys)
airflow = at_the_hub("airflow", of_airflow, AIRFLOW, "auth/oauth_callback")
of_board = {**plain(home, plan), "FDE_URL": plan.url, "FDE_AIRFLOW": f"{plan.airflow_url}/"}
of_board |= {"FDE_BOARD_PORT": str(plan.board_port), "FDE_ATTENDEES": ",".join(plan.attendees)}
board = at_the_hub("board", of_board, BOARD, "oauth_callback")
# What the instructor does there is done in their name: their sign-in buys a token of Airflow.
board["oauth_client_allowed_scopes"] = ["access:services!service=airflow"]
c.JupyterHub.services = [airflow, *(service(name, of_airflow) for name in COMMANDS if name != "airflow"), board]

# --- attendees' JupyterLabs: no users of the system are needed, all run as the one who called `up`
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(home / "worlds" / "{username}")
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root"]  # in a container the one OS user often is root; JupyterLab would end without a word
c.Spawner.notebook_dir = str(home / "worlds" / "{username}")
c.Spawner.default_url = "/lab/tree/desk"
c.Spawner.http_timeout = c.Spawner.start_timeout = 90  # a room signs in at once, on two cores
c.Spawner.environment = {
    **plain(home, plan),
    **marks(home, "lab"),
    "FDE_AIRFLOW": f"{plan.airflow_url}/",
    # JupyterLab asks nobody for news, updates, extensions or language servers: a room may have no network.
    "JUPYTER_CONFIG_PATH": str(settings.root() / "src" / "workshop" / "jupyter"),
    "HOME": lambda spawner: spawner.home_dir,
}


def prepare(spawner: Any) -> None:
    """Whose desk it is. The instructor's JupyterLab is at all worlds, and its scripts move the room."""
    name = spawner.user.name
    if name == RESERVED:
        spawner.notebook_dir, spawner.default_url = str(home / "worlds"), "/lab"
    else:
        world = settings.world(name)
        spawner.environment = {**spawner.environment, "FDE_WORLD": str(world)}
        if (world / "desk" / "lesson.ipynb").exists():
            spawner.default_url = "/lab/tree/desk/lesson.ipynb"


c.Spawner.pre_spawn_hook = prepare
