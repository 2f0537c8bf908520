"""How the api-server reads logs that attendees' pods wrote: no link leads out of a DAG's own folder."""

import copy
import os
from pathlib import Path
from typing import Any

from airflow.config_templates.airflow_local_settings import DEFAULT_LOGGING_CONFIG
from airflow.utils.log.file_task_handler import FileTaskHandler


class OwnLogs(FileTaskHandler):
    """Airflow's handler keeps to the folder of all logs; code in a task can link to those of somebody else there."""

    def _read_from_local(self, worker_log_path: Path) -> Any:
        base = Path(self.local_base)
        own = Path(os.path.realpath(base)) / worker_log_path.relative_to(base).parts[0]
        found = worker_log_path.parent.glob(f"{worker_log_path.name}*")
        if all(Path(os.path.realpath(file)).is_relative_to(own) for file in found):
            return super()._read_from_local(worker_log_path)
        return [], []


LOGGING_CONFIG: dict[str, Any] = copy.deepcopy(DEFAULT_LOGGING_CONFIG)
LOGGING_CONFIG["handlers"]["task"]["class"] = "workshop.task_logs.OwnLogs"
