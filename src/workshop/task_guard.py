"""What a task may ask Airflow by the API of tasks: to report about itself, and what its owner's DAGs hand on.

Airflow 3.3 lets the token of any task start, read and change the runs of every DAG. Attendees' code holds such a token.
"""

import asyncio
from functools import lru_cache

import jwt
from starlette.requests import Request

EXECUTION = "/execution"


def is_for_tasks(request: Request) -> bool:
    """Whether this asks the API by which tasks report. They reach Airflow at its own port."""
    path = _path(request)
    return path == EXECUTION or path.startswith(f"{EXECUTION}/")


async def task_may(request: Request) -> bool:
    """Whether the task whose token this is may ask this. Whether the token is a good one, Airflow says."""
    kind, _, rest = _path(request).removeprefix(f"{EXECUTION}/").partition("/")
    if kind == "health":
        return True
    task = _claimed(request)
    about = rest.partition("/")[0]
    if kind == "task-instances":
        return about == task
    if kind == "xcoms" and task:
        owner = await asyncio.to_thread(owner_of, task)
        return owner is not None and about.rpartition(".")[2] == owner
    return False


@lru_cache(maxsize=4096)
def owner_of(task: str) -> str | None:
    """Whose DAG a task instance belongs to: the end of the DAG's id."""
    from uuid import UUID

    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    try:
        number = UUID(task)
    except ValueError:
        return None
    with create_session() as session:
        dag_id: str | None = session.scalar(select(TaskInstance.dag_id).where(TaskInstance.id == number))
    return dag_id.rpartition(".")[2] if dag_id else None


def _path(request: Request) -> str:
    path: str = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return path


def _claimed(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        return str(jwt.decode(token.strip(), options={"verify_signature": False}).get("sub", ""))
    except jwt.InvalidTokenError:
        return ""
