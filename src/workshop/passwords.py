"""JupyterHub's authenticator: each attendee has their own password, the instructor is admin."""

from __future__ import annotations

import json
from hmac import compare_digest
from pathlib import Path
from typing import Any

from jupyterhub.auth import Authenticator
from traitlets import Unicode, default


class OwnPassword(Authenticator):  # type: ignore[misc]
    """Lets in the names of `access.json`, each with its own password. The file is read at every sign-in."""

    access_file = Unicode(config=True, help="path of access.json: attendees and instructor, name -> password")

    @default("allow_all")
    def _allow_all(self) -> bool:
        return True  # who has a password of the file is invited; the hub's own list would be a second roster

    @default("username_pattern")
    def _username_pattern(self) -> str:
        return r"^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$"  # a name is a folder, a bundle and the end of a DAG's id

    async def authenticate(self, handler: Any, data: dict[str, str]) -> dict[str, Any] | None:
        """data: username, password. Returns name and admin, or None when they do not fit together."""
        access = json.loads(Path(self.access_file).read_text(encoding="utf-8"))
        instructors: dict[str, str] = access["instructor"]
        passwords: dict[str, str] = {**access["attendees"], **instructors}
        name = data["username"]
        # An unknown name is compared too: it takes as long as a wrong password.
        fits = compare_digest(passwords.get(name, "").encode(), data["password"].encode())
        return {"name": name, "admin": name in instructors} if fits and passwords.get(name) else None
