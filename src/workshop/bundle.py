"""An attendee's own copies of the DAG templates: the folder they lie in says whose they are."""

import os
import tempfile
from pathlib import Path
from typing import Any

from airflow.configuration import AIRFLOW_HOME
from airflow.dag_processing.bundles.local import LocalDagBundle

from workshop import settings


class AttendeeBundle(LocalDagBundle):
    """The bundle named as the attendee: a folder of that name below Airflow's home, with copies of the templates."""

    def __init__(self, *, name: str, **kwargs: Any) -> None:
        super().__init__(name=name, path=str(Path(AIRFLOW_HOME) / "bundles" / name), **kwargs)
        self.templates = settings.root() / "dags"

    def initialize(self) -> None:
        self.refresh()
        super().initialize()

    def refresh(self) -> None:
        """Bring the copies up to date. Several processes do so at once: each swaps whole files in."""
        self.path.mkdir(parents=True, exist_ok=True)
        for template in self.templates.glob("*.py"):
            source, copy = template.read_bytes(), self.path / template.name
            if copy.exists() and copy.read_bytes() == source:
                continue
            handle, name = tempfile.mkstemp(dir=self.path)
            with os.fdopen(handle, "wb") as file:
                file.write(source)
            Path(name).replace(copy)
