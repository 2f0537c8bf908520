"""Prepares the room in a cluster, as `stages` does on one machine: keys, passwords, days, worlds. Safe to run again.

The chart's Job runs it whenever roster, pack or image have changed: `python -m workshop.prepare`.
"""

import base64
import json
import secrets
import socket
import sys
import time
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from fde.pack import Pack
from fde.refused import Refused
from workshop import access, clock, desk, settings
from workshop.cluster import APPS, Cluster, here

# The hub's chart looks into its own Secret before it makes a key. Made now and given over, they never change: else the
# second installation would start the hub again, with other keys.
HUB_KEYS = [f"hub.services.{name}.apiToken" for name in ("airflow", "board")]
HUB_KEYS += [f"hub.config.{key}" for key in ("JupyterHub.cookie_secret", "CryptKeeper.keys")]
HUB_KEYS += ["hub.config.ConfigurableHTTPProxy.auth_token"]
PATIENCE_SECONDS = 120


def main() -> int:
    """Prepare everything, telling each stage. Returns the exit code."""
    try:
        room = here()
        if room is None:
            raise Refused("this is no pod of a cluster. On one machine, scripts/up does all of this.")
        prepare(room, settings.roster())
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 2
    return 0


def prepare(room: Cluster, names: list[str]) -> None:
    """Make what is missing."""
    password = keep(room, "postgres", {"password": secrets.token_hex(24)})["password"]
    database = f"postgresql://airflow:{password}@postgres:5432/airflow"
    keys = {"jwt-secret": secrets.token_hex(48), "api-secret-key": secrets.token_hex(16), "fernet-key": access.fernet()}
    kept = keep(room, "airflow-keys", {**keys, "connection": database})
    owner = {"meta.helm.sh/release-name": "jupyterhub", "meta.helm.sh/release-namespace": room.namespace}
    manager = {"app.kubernetes.io/managed-by": "Helm"}
    keep(room, "hub", {key: secrets.token_hex(32) for key in HUB_KEYS}, labels=manager, annotations=owner)
    before = json.loads(keep(room, "access", {"access.json": "{}"})["access.json"])
    now = access.roster(before, settings.url(), names)
    if now != before:
        room.patch("secrets", "access", {"data": encoded({"access.json": json.dumps(now, indent=2)})})
    print("keys and passwords", flush=True)
    clock.set_days(Pack(settings.pack()).days)
    print(f"days of {settings.pack()}", flush=True)
    print(f"worlds of {', '.join(name for name in names if made(name))}", flush=True)
    # Airflow reads the list of bundles once, at its start. The same mark again restarts nobody.
    mark = {"annotations": {"workshop/roster": sha256(",".join(names).encode()).hexdigest()[:16]}}
    room.patch("deployments", "airflow-dag-processor", {"spec": {"template": {"metadata": mark}}}, APPS)
    wait_for(kept["connection"])
    print("Airflow's database answers", flush=True)


def keep(room: Cluster, name: str, made: dict[str, str], **metadata: dict[str, str]) -> dict[str, str]:
    """The values of a Secret; those that are missing are made, those that are there are kept."""
    if room.create("secrets", name, {"data": encoded(made), "metadata": metadata}):
        return made
    kept = {key: base64.b64decode(value).decode() for key, value in (held(room, name).get("data") or {}).items()}
    if missing := {key: value for key, value in made.items() if key not in kept}:
        room.patch("secrets", name, {"data": encoded(missing)})
    return {**made, **kept}


def held(room: Cluster, name: str) -> dict[str, Any]:
    """A Secret that is there."""
    found = room.get("secrets", name)
    if found is None:
        raise Refused(f"Secret {name}: somebody took it away in this moment. It is made when this runs again.")
    return found


def encoded(values: dict[str, str]) -> dict[str, str]:
    return {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}


def made(name: str) -> bool:
    """Make the world of an attendee when it is missing. What one of them did to theirs must not stop the room."""
    world = settings.world(name)
    try:
        # Only where there is nothing yet, and built beside it: a link in a world of somebody's could lead to another's.
        if not world.is_dir() or not any(world.iterdir()):
            desk.make(f".new-{name}").rename(world)
    except (OSError, Refused) as error:
        print(f"{world} could not be made: {error}", file=sys.stderr)
        return False
    return True


def wait_for(database: str) -> None:
    """Wait until the database's port is open. Raises Refused when it stays closed."""
    place = urlsplit(database)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection((place.hostname or "", place.port or 5432), timeout=2).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise Refused(f"the database at {place.hostname} does not answer: {error}") from None
            time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
