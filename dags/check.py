"""Runs the check on an attendee's pipeline, in the attendee's own place, and keeps the verdict in their world.

The instructor's board starts it when a pipeline has no verdict yet, and reads what it kept: it never runs their code.
"""

from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, task

from workshop import settings
from workshop.task import check

ATTENDEE = Path(__file__).parent.name

GUIDE = """
Tells whether your `pipeline.py` is functional: its laws are tried on throw-away desks, and your own is only read.
It starts by itself after you have changed your pipeline; **Trigger** starts it, too. The log of its task holds the
verdict. A law that fails is a verdict, not a failed task. In a terminal of JupyterLab the same is `fde check`.
"""

with DAG(
    dag_id=f"check.{ATTENDEE}",
    dag_display_name="check",
    description="Tells which laws of functional data engineering your pipeline breaks",
    doc_md=GUIDE,
    schedule=None,
    max_active_runs=1,
    default_args={
        "owner": ATTENDEE,
        "retries": 0,
        "execution_timeout": timedelta(seconds=settings.task_seconds()),
    },
):

    @task(task_id="check")
    def judge() -> None:
        check(ATTENDEE)

    judge()
