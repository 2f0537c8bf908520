"""The Kubernetes API as a pod sees it: its own namespace, with the rights of its own service account."""

from functools import cache
from typing import Any

import httpx

from fde.refused import Refused
from workshop import settings

CORE, APPS = "api/v1", "apis/apps/v1"


class Cluster:
    """Objects by kind (`configmaps`) and name. A refusal of the API is a Refused that says what it was about."""

    def __init__(self, address: str, account: Any) -> None:
        self.account = account
        self.namespace = (account / "namespace").read_text("utf-8")
        self.client = httpx.Client(base_url=address, verify=str(account / "ca.crt"), timeout=10, trust_env=False)

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """An object, None when there is none."""
        return self._ask("GET", f"{self._path(kind)}/{name}", missing=(404,))

    def list(self, kind: str, label: str) -> dict[str, dict[str, Any]]:
        """The objects that have a label, like `fde=clock`, by name."""
        found = self._ask("GET", self._path(kind), missing=(), params={"labelSelector": label}) or {}
        return {one["metadata"]["name"]: one for one in found.get("items") or []}

    def create(self, kind: str, name: str, content: dict[str, Any]) -> bool:
        """Make an object. False when one of that name was there already."""
        body = {**content, "metadata": {**content.get("metadata", {}), "name": name}}
        return self._ask("POST", self._path(kind), missing=(409,), json=body) is not None

    def patch(self, kind: str, name: str, content: dict[str, Any], group: str = CORE) -> bool:
        """Merge into an object. False when there is none."""
        path, merge = f"{self._path(kind, group)}/{name}", {"Content-Type": "application/merge-patch+json"}
        return self._ask("PATCH", path, missing=(404,), json=content, headers=merge) is not None

    def _path(self, kind: str, group: str = CORE) -> str:
        return f"/{group}/namespaces/{self.namespace}/{kind}"

    def _ask(self, method: str, path: str, *, missing: tuple[int, ...], **more: Any) -> dict[str, Any] | None:
        token = (self.account / "token").read_text("utf-8")  # read each time: the cluster renews it
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        try:
            answer = self.client.request(method, path, headers=headers, **more)
        except httpx.HTTPError as error:
            raise Refused(f"the cluster does not answer ({error}). Try again in a minute.") from None
        if answer.status_code in missing:
            return None
        if not answer.is_success:
            raise Refused(f"the cluster refuses {method} {path}: {answer.status_code} {answer.text[:200]}")
        content: dict[str, Any] = answer.json()
        return content


@cache
def here() -> Cluster | None:
    """The cluster this process runs in, if it is one."""
    found = settings.in_cluster()
    return Cluster(*found) if found else None
