"""An attendee's own copy of the one DAG template: the folder it lies in says whose it is."""

import os
import tempfile
from pathlib import Path
from typing import Any

from airflow.configuration import AIRFLOW_HOME
from airflow.dag_processing.bundles.local import LocalDagBundle

from workshop import settings


class AttendeeBundle(LocalDagBundle):
    """The bundle named as the attendee: a folder of that name below Airflow's home, with a copy of the template."""

    def __init__(self, *, name: str, **kwargs: Any) -> None:
        super().__init__(name=name, path=str(Path(AIRFLOW_HOME) / "bundles" / name), **kwargs)
        self.template = settings.root() / "dags" / "user_data_dag.py"

    def initialize(self) -> None:
        self.refresh()
        super().initialize()

    def refresh(self) -> None:
        """Bring the copy up to date. Several processes do so at once: each swaps a whole file in."""
        source, copy = self.template.read_bytes(), self.path / self.template.name
        if not copy.exists() or copy.read_bytes() != source:
            self.path.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.path)
            with os.fdopen(handle, "wb") as file:
                file.write(source)
            Path(name).replace(copy)
