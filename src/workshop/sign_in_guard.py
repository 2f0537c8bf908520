"""Looks at each request before Airflow does: a token dies with its session, what only an attack sends is refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import jwt
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from workshop.oauth import came_through_proxy, from_another_site, session_is
from workshop.task_guard import is_for_tasks, task_may

AIRFLOW_COOKIE = "_token"


class Guard:
    """ASGI middleware around the whole of Airflow's api-server."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            task = is_for_tasks(request)
            hidden = task and came_through_proxy(request)
            foreign = "a task asks about itself only" if task and not hidden and not await task_may(request) else None
            if reason := "not found" if hidden else foreign or refusal(request):
                while (await receive()).get("more_body"):
                    pass  # what is left unread would be taken for the next request on this connection
                await PlainTextResponse(reason, 404 if hidden else 403)(scope, receive, send)
                return
            if AIRFLOW_COOKIE in request.cookies and not cookie_belongs(request):
                scope = without_airflow_cookie(scope)
        await self.app(scope, receive, send)


def refusal(request: Request) -> str | None:
    """Why this request is refused, or None."""
    if request.method in ("GET", "HEAD"):
        # Airflow authorises the DAG that a body names, when there is one, and lists that of the address.
        if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
            return "a GET with a body is not answered here"
        # The same with a row of the audit log: it would authorise the DAG of the query and show any row without one.
        if "/eventLogs/" in request.url.path and "dag_id" in parse_qs(request.url.query, keep_blank_values=True):
            return "a row of the audit log is asked for without dag_id"
    elif from_another_site(request):
        return "another site may not change anything here"
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and (session := session_in(token)) and not session_is(request, session):
        return "this token ended with its session in the browser"
    return None


def cookie_belongs(request: Request) -> bool:
    """Whether Airflow's cookie was made in the hub's session of this browser."""
    session = session_in(request.cookies[AIRFLOW_COOKIE])
    return bool(session) and session_is(request, session)


def session_in(token: str) -> str:
    """The hub's session a token claims, "" for none. Its signature is Airflow's business."""
    try:
        return str(jwt.decode(token.strip(), options={"verify_signature": False}).get("session", ""))
    except jwt.InvalidTokenError:
        return ""


def without_airflow_cookie(scope: Any) -> Any:
    """The same request, as if the browser had not sent Airflow's cookie."""
    scope = {**scope, "headers": list(scope["headers"])}
    headers = MutableHeaders(scope=scope)
    sent = ";".join(headers.getlist("cookie")).split(";")
    headers["cookie"] = ";".join(part for part in sent if part.partition("=")[0].strip() != AIRFLOW_COOKIE)
    return scope
