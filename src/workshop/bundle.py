"""An attendee's own copy of the one DAG template: the folder it lies in says whose it is."""

import os
import tempfile
from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.local import LocalDagBundle


class AttendeeBundle(LocalDagBundle):
    """path: the attendee's folder, named as the attendee. template: the DAG file to lay out there."""

    def __init__(self, *, template: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.template = Path(template)

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
