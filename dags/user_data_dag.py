"""Imports one day's users and orders. Everybody has their own copy of this DAG; the folder it lies in says whose it is.

Each task calls one function of your own `desk/pipeline.py`, as it is at that moment.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG, CronPartitionTimetable, get_current_context, task

from workshop import settings
from workshop.task import call, start_import

ATTENDEE = Path(__file__).parent.name

GUIDE = """
**Trigger** imports the day that the clock says. For another day, open *Advanced Options* in its form and write the day
into *Partition Key*, like `2022-01-02`. **Backfill**, in the same form, imports several days: give the first and the
last one, both at 00:00 (UTC), and choose *All Runs* to import again what was imported before. A day that has not
happened yet is refused. **Clear** a run, and it imports its own day again, whatever the clock says by then.

A task failed? Its log begins with the line of your `pipeline.py` and what is wrong there.
Mend it in JupyterLab and trigger again: the next run uses the file as it is then.
"""


def this_run() -> str:
    """What tells this run from all others. With its time: a run that was deleted leaves its name to another one."""
    run = get_current_context()["dag_run"]
    return f"{run.run_id} {run.run_after}"


with DAG(
    dag_id=f"user_data_dag.{ATTENDEE}",
    dag_display_name="user_data_dag",
    description="Imports one day's users and orders",
    doc_md=GUIDE,
    # Days are partitions. The schedule lies in the past and never fires by itself: the clock and you decide when.
    schedule=CronPartitionTimetable("0 0 * * *", timezone="UTC", key_format="%Y-%m-%d"),
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    end_date=datetime(2000, 1, 2, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,  # one import at a time at one desk
    # No retries: run twice, a pipeline that changes data in place counts everything twice.
    # An endless loop must not hold its place for ever.
    default_args={
        "owner": ATTENDEE,
        "retries": 0,
        "execution_timeout": timedelta(seconds=settings.task_seconds()),
    },
):

    @task(task_id="start_import")
    def settle_day() -> str:
        """One day for the whole run, even when the clock moves meanwhile."""
        return start_import(ATTENDEE, get_current_context()["dag_run"].partition_key, this_run())

    @task
    def load_users() -> None:
        call(ATTENDEE, "load_users", this_run())

    @task
    def load_orders() -> None:
        call(ATTENDEE, "load_orders", this_run())

    @task
    def process_users_orders() -> None:
        call(ATTENDEE, "process_users_orders", this_run())

    settle_day() >> [load_users(), load_orders()] >> process_users_orders()
