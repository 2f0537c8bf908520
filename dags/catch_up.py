"""Gives an attendee the desk with which a step of the lesson begins. The one they had is kept whole, and comes back."""

from pathlib import Path

from airflow.sdk import DAG, Param, get_current_context, task

from workshop.task import catch_up

ATTENDEE = Path(__file__).parent.name

GUIDE = """
**Trigger** with the number of a step, or with `undo`, which brings back the desk that was there before.
In a terminal of JupyterLab the same is `catch-up 3` and `catch-up --undo`.
Notebooks stay as they are; `pipeline.py`, `lake/` and `files/` become those of the step. Nothing is thrown away.
"""

with DAG(
    dag_id=f"catch_up.{ATTENDEE}",
    dag_display_name="catch_up",
    description="Gives you the desk of a step of the lesson",
    doc_md=GUIDE,
    schedule=None,
    max_active_runs=1,
    default_args={"owner": ATTENDEE, "retries": 0},
    params={"to": Param("1", type="string", pattern="^([1-9]|undo)$", title="Step, or undo")},
):

    @task(task_id="catch_up")
    def swap() -> None:
        catch_up(ATTENDEE, get_current_context()["params"]["to"])

    swap()
