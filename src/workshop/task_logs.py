"""How the api-server reads logs that attendees' pods wrote: regular files of the DAG's own folder, and not without end.

Code in a task can put there what it likes, and change it while it is read: links to somebody else's logs or to the
api-server's own environment, a pipe that never answers, a file of a terabyte. So a file is looked at when it is open.
"""

import copy
import os
import stat
from pathlib import Path
from typing import Any

from airflow.config_templates.airflow_local_settings import DEFAULT_LOGGING_CONFIG
from airflow.utils.log.file_task_handler import FileTaskHandler, _stream_lines_by_chunk

MOST_FILES, MOST_BYTES = 20, 20_000_000


class OwnLogs(FileTaskHandler):
    """Airflow's handler, but for what it opens."""

    def _read_from_local(self, worker_log_path: Path) -> Any:
        base = Path(self.local_base)
        own = Path(os.path.realpath(base)) / worker_log_path.relative_to(base).parts[0]
        sources, streams = [], []
        for path in sorted(worker_log_path.parent.glob(f"{worker_log_path.name}*"))[:MOST_FILES]:
            try:
                handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            except OSError:
                continue
            if not is_own(handle, own):
                os.close(handle)
                continue
            sources.append(str(path))
            streams.append(_stream_lines_by_chunk(os.fdopen(handle, encoding="utf-8", errors="replace")))
        return sources, streams


def is_own(handle: int, folder: Path) -> bool:
    """Whether an open file is a regular one of the folder, and of a size that fits into memory."""
    about, place = os.fstat(handle), Path(f"/proc/self/fd/{handle}").readlink()
    return stat.S_ISREG(about.st_mode) and about.st_size <= MOST_BYTES and place.is_relative_to(folder)


LOGGING_CONFIG: dict[str, Any] = copy.deepcopy(DEFAULT_LOGGING_CONFIG)
LOGGING_CONFIG["handlers"]["task"]["class"] = "workshop.task_logs.OwnLogs"
