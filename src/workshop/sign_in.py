"""Who may see what in Airflow: JupyterHub says who somebody is, a DAG's id says whose it is."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.app import AUTH_MANAGER_FASTAPI_APP_PREFIX
from airflow.api_fastapi.auth.managers.base_auth_manager import BaseAuthManager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity, DagDetails
from airflow.api_fastapi.common.types import MenuItem
from airflow.configuration import conf

from workshop.hub import name_of

if TYPE_CHECKING:
    from fastapi import FastAPI

# Pages that show an attendee something. The others would be dead ends: what they list is the instructor's.
MENU = (MenuItem.DAGS, MenuItem.XCOMS)
BOARD = "board"  # the service of the hub that may buy a token, too
# What the board reads about each DAG: whether it is there, how its runs went, what its tasks said.
READS = (None, DagAccessEntity.RUN, DagAccessEntity.TASK, DagAccessEntity.TASK_INSTANCE, DagAccessEntity.TASK_LOGS)
# Nothing ends a token early, once it is shown outside a browser. An hour, then the page signs in again by itself.
TOKEN_SECONDS = 3600


@dataclass(frozen=True)
class HubUser(BaseUser):
    """Somebody whom JupyterHub knows.

    session: the hub's session a browser signed in with; "" for a token that a notebook bought.
    until: seconds since 1970 after which no new token may be made from this one; None: just signed in.
    """

    name: str
    admin: bool
    session: str = ""
    until: float | None = None

    def get_id(self) -> str:
        return self.name

    def get_name(self) -> str:
        return self.name


class HubAuthManager(BaseAuthManager[HubUser]):
    """Airflow's auth manager: an attendee gets the DAGs `<anything>.<attendee>` and no more, a hub admin everything.

    Built on the base class and not on Airflow's simple manager: what is not answered here is not granted.
    """

    def get_url_login(self, **kwargs: Any) -> str:
        return f"{AUTH_MANAGER_FASTAPI_APP_PREFIX}/login"

    def get_url_logout(self) -> str:
        return f"{AUTH_MANAGER_FASTAPI_APP_PREFIX}/logout"

    def get_fastapi_app(self) -> FastAPI:
        from workshop.sign_in_routes import routes

        return routes(self)

    def get_fastapi_middlewares(self) -> list[tuple[Any, dict[str, Any]]]:
        from workshop.one_writer import OneWriter
        from workshop.sign_in_guard import Guard

        sqlite = conf.get("database", "sql_alchemy_conn").startswith("sqlite")
        return [(Guard, {}), (OneWriter, {})] if sqlite else [(Guard, {})]

    def serialize_user(self, user: HubUser) -> dict[str, Any]:
        return {"sub": user.name, "admin": user.admin, "session": user.session}

    def deserialize_user(self, token: dict[str, Any]) -> HubUser:
        return HubUser(token["sub"], token["admin"] is True, token["session"], token["exp"])

    def generate_jwt(self, user: HubUser, *, expiration_time_in_seconds: int = TOKEN_SECONDS) -> str:
        """A token for `user`, good for that many seconds and at most an hour.

        One made from another token (Airflow's page offers that) is bound to no session, and ends when that one
        would have: nobody stays in by renewing.
        """
        seconds = min(expiration_time_in_seconds, TOKEN_SECONDS)
        if user.until is not None:
            seconds = max(0, min(seconds, int(user.until - time.time())))
            user = replace(user, session="", until=None)
        token: str = super().generate_jwt(user, expiration_time_in_seconds=seconds)
        return token

    def is_authorized_dag(
        self,
        *,
        method: str,
        user: HubUser,
        access_entity: DagAccessEntity | None = None,
        details: DagDetails | None = None,
    ) -> bool:
        if user.admin:
            return True
        dag_id = details.id if details else None
        if user.name == name_of(BOARD):
            checks = (dag_id or "").startswith("check.") and access_entity is DagAccessEntity.RUN
            return access_entity in READS if method == "GET" else method == "POST" and checks
        if dag_id is None:
            # "Any at all?", asked by lists, which then ask again for each DAG. The audit log does not: rows
            # without a DAG would show what everybody does.
            return method == "GET" and access_entity is not DagAccessEntity.AUDIT_LOG
        if method == "DELETE" and access_entity is None:
            return False
        return dag_id.endswith(f".{user.name}")

    def is_authorized_view(self, *, access_view: AccessView, user: HubUser) -> bool:
        return user.admin or (access_view is AccessView.WEBSITE and user.name != name_of(BOARD))

    def filter_authorized_menu_items(self, menu_items: list[MenuItem], *, user: HubUser) -> list[MenuItem]:
        return [item for item in menu_items if user.admin or item in MENU]

    def _admins_only(self, *, user: HubUser, **_: Any) -> bool:
        return user.admin

    is_authorized_asset = _admins_only
    is_authorized_asset_alias = _admins_only
    is_authorized_configuration = _admins_only
    is_authorized_connection = _admins_only
    is_authorized_custom_view = _admins_only
    is_authorized_pool = _admins_only
    is_authorized_team = _admins_only
    is_authorized_variable = _admins_only
