"""Airflow asks here before it takes a DAG. The end of its id says whose it is: no file may name somebody else."""

from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.exceptions import AirflowClusterPolicyViolation


def dag_policy(dag: Any) -> None:
    """Refuses a DAG whose id does not end in `.<name of its bundle>`, or whose file lies in no bundle."""
    owner = bundle_of(Path(dag.fileloc))
    if owner is None or not dag.dag_id.endswith(f".{owner}"):
        raise AirflowClusterPolicyViolation(
            f"{dag.dag_id}: the id of a DAG in {dag.fileloc} must end in .{owner}: it says who may see and run it."
        )


def bundle_of(file: Path) -> str | None:
    """The name of the bundle that `file` lies in."""
    for bundle in DagBundlesManager().get_all_dag_bundles():  # type: ignore[no-untyped-call]
        if file.resolve().is_relative_to(bundle.path.resolve()):
            return str(bundle.name)
    return None
