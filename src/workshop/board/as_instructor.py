"""What the board does in Airflow for an instructor is done in their name: their sign-in buys the token for it."""

from contextvars import ContextVar

import httpx

from fde.refused import Refused
from workshop import settings

#: The hub's token of whoever pressed the button that is being answered.
token: ContextVar[str] = ContextVar("token")


async def trigger(attendee: str, to: str) -> None:
    """Start somebody's catch_up. to: the number of a step, or `undo`. Raises Refused when Airflow does not take it."""
    try:
        async with httpx.AsyncClient(base_url=settings.airflow_url(), timeout=30, trust_env=False) as client:
            shown = {"Authorization": f"token {token.get()}"}
            bought = (await client.post("auth/token", headers=shown)).raise_for_status().json()["access_token"]
            asked = {"logical_date": None, "conf": {"to": to}}
            path, bearer = f"api/v2/dags/catch_up.{attendee}/dagRuns", {"Authorization": f"Bearer {bought}"}
            (await client.post(path, json=asked, headers=bearer)).raise_for_status()
    except httpx.HTTPStatusError as error:
        answer = error.response
        raise Refused(f"Airflow refuses catch_up of {attendee} ({answer.status_code}): {answer.text[:200]}") from None
    except httpx.HTTPError as error:
        raise Refused(f"Airflow does not answer ({error}). Try again in a minute.") from None
