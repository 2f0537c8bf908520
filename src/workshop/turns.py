"""Where there is no room for all tasks, who came first is next. Airflow asks here about each task that it makes.

Of equal weights Airflow takes that of the earlier `logical_date`, which our runs do not have: then somebody may wait
without end while others come and go. And by default it takes first tasks before last ones. So a weight says it all.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance

#: the greater goes first, whoever came before: catching up takes a second, and somebody is stuck; a check can wait
RANKS = {"catch_up": 2, "user_data_dag": 1, "check": 0}
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)  # weights are numbers of 32 bits: this lasts until 2088


def task_instance_mutation_hook(task_instance: "TaskInstance", dag_run: "DagRun | None" = None) -> None:
    """Give a task the weight of its run: all of a run are equal, and greater than those of a later run."""
    if dag_run:
        task_instance.priority_weight = weight(task_instance.dag_id, dag_run.queued_at or dag_run.run_after)


def weight(dag_id: str, came: datetime) -> int:
    """The weight of a task: by the kind of its DAG, then by when its run came, in seconds."""
    return RANKS.get(dag_id.partition(".")[0], 0) * 10**9 - int((came - EPOCH).total_seconds())
