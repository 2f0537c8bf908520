"""Asks Airflow: for a notebook, or for the board. What people wrote there may be large: nothing is read without end."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import httpx

from fde.refused import Refused
from workshop import settings

LOG_LINES = 12
SECONDS = 30  # that Airflow may take for a person: its database may have one writer, and a room may be busy
MOST_LOG_LINES, MOST_BYTES = 20_000, 20_000_000  # of one answer


class NotDone(Refused):
    """Airflow answers, and does not do what it was asked. status: that of its answer."""

    def __init__(self, told: str, status: int) -> None:
        super().__init__(told)
        self.status = status


class TooLarge(Refused):
    """Airflow's answer is larger than MOST_BYTES."""


def ask(client: httpx.Client, method: str, path: str, **more: Any) -> Any:
    """What Airflow answers. Raises Refused with its reason when it does not do what it is asked."""
    status, content = _answer(client, method, path, **more)
    if 200 <= status < 300:
        return json.loads(content)
    try:
        reason = json.loads(content)["detail"]
    except (ValueError, KeyError, TypeError):
        reason = content[:200].decode(errors="replace")
    if status == 404:
        told = f"Airflow has not found it: {reason}. It reads your DAG every few seconds: try again in a moment."
    elif status == 400 and "partition" in str(reason).lower():
        told = f"{more['json']['partition_key']!r} is no day. Write it like '2022-01-02'."
    else:
        told = f"Airflow refuses this ({status}): {reason}"
    raise NotDone(told, status)


def bought_token(client: httpx.Client, token: str = "") -> str:
    """A short-lived token of Airflow, for a token that JupyterHub gave: by default for the one of this notebook."""
    shown = {"Authorization": f"token {token or settings.hub_token()}"}
    return str(ask(client, "POST", "/auth/token", headers=shown)["access_token"])


@contextmanager
def signed_in(token: str = "") -> Iterator[httpx.Client]:
    """A client that asks Airflow for whoever the hub gave a token to: by default for the owner of this notebook."""
    with httpx.Client(base_url=settings.airflow_url(), timeout=SECONDS, trust_env=False) as client:
        client.headers["Authorization"] = f"Bearer {bought_token(client, token)}"
        yield client


def first_error(client: httpx.Client, run_path: str, task: dict[str, Any]) -> list[str]:
    """The first lines of what went wrong, from the task's log."""
    path = f"{run_path}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
    said: list[str] = []
    for row in islice(_log(client, path), MOST_LOG_LINES):
        if not isinstance(row, dict) or row.get("level") not in ("error", "critical"):
            continue
        ours = row.get("logger") == "airflow.task"  # Airflow may have said less, earlier
        if ours or not said:
            details = [error for error in row.get("error_detail") or [] if isinstance(error, dict)]
            detail = [f"{error.get('exc_type')}: {error.get('exc_value')}" for error in details]
            said = "\n".join(detail or [str(row.get("event"))]).splitlines()[:LOG_LINES]
        if ours:
            break
    return said or ["its log tells no reason. Was it killed? Look in Airflow, then run again."]


def _log(client: httpx.Client, path: str) -> Iterator[Any]:
    """The rows of a log, one after the other: whoever has found what was looked for reads no further."""
    asked = {"params": {"full_content": "true"}, "headers": {"Accept": "application/x-ndjson"}}
    try:
        with client.stream("GET", path.lstrip("/"), **asked) as answer:  # type: ignore[arg-type]
            for line in _lines(answer) if answer.is_success else ():
                yield json.loads(line)
    except (httpx.HTTPError, ValueError, RecursionError) as error:
        raise Refused(f"Airflow does not tell the log ({error}). Look there.") from None


def _lines(answer: httpx.Response) -> Iterator[bytes]:
    left, rest = MOST_BYTES, b""
    for piece in answer.iter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
        if (left := left - len(piece)) < 0:
            return
    if rest:
        yield rest


def _answer(client: httpx.Client, method: str, path: str, **more: Any) -> tuple[int, bytes]:
    content = bytearray()
    try:
        with client.stream(method, path.lstrip("/"), **more) as answer:
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > MOST_BYTES:
                    raise TooLarge(f"Airflow's answer to {path} is larger than {MOST_BYTES / 1e6:.0f} MB.")
            return answer.status_code, bytes(content)
    except httpx.HTTPError as error:
        raise Refused(f"Airflow does not answer at {client.base_url} ({error}). Try again in a minute.") from None
