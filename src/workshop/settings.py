"""Where things are: the only module that reads the environment."""

import os
from dataclasses import dataclass
from pathlib import Path

from fde.refused import Refused


def root() -> Path:
    """The repository: holds dags/, notebooks/, scripts/, solutions/ and sources/."""
    return Path(__file__).resolve().parents[2]


def home() -> Path:
    """The folder of the running workshop: worlds/, clocks/, access.json."""
    if "FDE_WORLD" in os.environ:  # first of all: an opened world is at home in its own folder, in JupyterLab too
        return Path(os.environ["FDE_WORLD"]).absolute().parent.parent
    return Path(os.environ.get("FDE_HOME", root() / ".workshop")).absolute()


def pack() -> Path:
    """The folder of the simulated source systems: the one that came with an opened world, else FDE_PACK."""
    if (own := home() / "pack").is_dir():
        return own
    return Path(os.environ.get("FDE_PACK", root() / "sources" / "shop")).absolute()


def world(attendee: str | None = None) -> Path:
    """The world of one attendee; without a name, of whoever's terminal or notebook this is."""
    if attendee is not None:
        return home() / "worlds" / attendee
    if "FDE_WORLD" not in os.environ:
        raise Refused(
            "whose world? FDE_WORLD is not set. Run this in a terminal of JupyterLab, or set FDE_WORLD=FOLDER."
        )
    return Path(os.environ["FDE_WORLD"]).absolute()


def openings() -> list[Path]:
    """Where the desks of the steps may lie: made with the image, or here; the last may be written to."""
    return [*map(Path, of_the_image().get("FDE_OPENINGS", "").split()), home() / "openings"]


def of_the_image() -> dict[str, str]:
    """What an image says to all that runs in it: how many threads, and where it has openings."""
    names = ("FDE_OPENINGS", "OMP_NUM_THREADS", "TOKIO_WORKER_THREADS", "POLARS_MAX_THREADS")
    return {name: os.environ[name] for name in names if name in os.environ}


def task_seconds() -> int:
    """How long one task of a DAG may take."""
    return int(os.environ.get("FDE_TASK_SECONDS", "600"))


# --- Kubernetes: what it tells a pod


def in_cluster() -> tuple[str, Path] | None:
    """The address of the Kubernetes API and the folder of this pod's service account; None outside a pod with one."""
    account, host = Path("/var/run/secrets/kubernetes.io/serviceaccount"), os.environ.get("KUBERNETES_SERVICE_HOST")
    if not host or not account.is_dir():
        return None
    return f"https://{host}:{os.environ['KUBERNETES_SERVICE_PORT']}", account


def url() -> str:
    """The address to give to people (FDE_URL)."""
    return os.environ.get("FDE_URL", "http://localhost:8000")


def roster() -> list[str]:
    """Who takes part, as the chart, or the plan of a start, tells it (FDE_ATTENDEES)."""
    return os.environ["FDE_ATTENDEES"].split(",")


def board_address() -> tuple[str, int]:
    """Where the board listens: in a pod FDE_BOARD_HOST is 0.0.0.0."""
    return os.environ.get("FDE_BOARD_HOST", "127.0.0.1"), int(os.environ.get("FDE_BOARD_PORT", "8080"))


# --- JupyterHub: what it tells a service it manages, and an attendee's server


@dataclass(frozen=True)
class HubService:
    """What JupyterHub tells one of its services about itself.

    api: where the hub answers, seen from this process; base: path of the hub's site, ends with a slash;
    prefix: path of the service, ends with a slash; secret: proves to the hub that we are that service.
    """

    name: str
    api: str
    base: str
    prefix: str
    client_id: str
    secret: str


def hub_service() -> HubService:
    """The service this process is, as told by JupyterHub. A missing variable is a KeyError that names it."""
    return HubService(
        name=os.environ["JUPYTERHUB_SERVICE_NAME"],
        api=os.environ["JUPYTERHUB_API_URL"],
        base=os.environ["JUPYTERHUB_BASE_URL"],
        prefix=os.environ["JUPYTERHUB_SERVICE_PREFIX"],
        client_id=os.environ["JUPYTERHUB_CLIENT_ID"],
        secret=os.environ["JUPYTERHUB_API_TOKEN"],
    )


def hub_token() -> str:
    """The token that JupyterHub gave to this notebook's server."""
    if "JUPYTERHUB_API_TOKEN" not in os.environ:
        raise Refused("this works only in JupyterLab: no token of JupyterHub is here (JUPYTERHUB_API_TOKEN).")
    return os.environ["JUPYTERHUB_API_TOKEN"]


def airflow_url() -> str:
    """Where Airflow answers a notebook: an address that ends with `/services/airflow/`."""
    if "FDE_AIRFLOW" not in os.environ:
        raise Refused("this works only in JupyterLab: nobody said where Airflow is (FDE_AIRFLOW).")
    return os.environ["FDE_AIRFLOW"].rstrip("/") + "/"


def airflow_path() -> str:
    """The path of Airflow on the room's site, for links that a browser opens."""
    return os.environ.get("JUPYTERHUB_BASE_URL", "/") + "services/airflow/"
