"""The pod of one task: what it gets of the room is one attendee's world, the clock, and the logs of one DAG.

Airflow's scheduler calls `pod_mutation_hook` for each pod it starts. The template of the pod stands in
`charts/airflow.yaml`; here is added what depends on whose task it is.
"""

import json
from typing import TYPE_CHECKING

from workshop import clock, settings
from workshop.airflow_settings import bundle

if TYPE_CHECKING:
    from kubernetes.client import V1Pod

LOGS = "/opt/airflow/logs"


def pod_mutation_hook(pod: "V1Pod") -> None:
    """Mount what belongs to the owner of the pod's DAG, and nothing else of the volumes."""
    from kubernetes import client as k8s

    dag = pod.metadata.annotations["dag_id"]
    attendee = dag.rpartition(".")[2]  # dag_policy sees to it: the end of a DAG's id says whose it is
    pod.metadata.labels["workshop/attendee"] = attendee
    pod.spec.automount_service_account_token = False
    container = pod.spec.containers[0]
    world = str(settings.world(attendee))
    container.volume_mounts += [
        k8s.V1VolumeMount(name="worlds", mount_path=world, sub_path=attendee),
        # A volume of logs would show what everybody's runs said.
        k8s.V1VolumeMount(name="logs", mount_path=f"{LOGS}/dag_id={dag}", sub_path=f"dag_id={dag}"),
    ]
    for owner in (None, attendee):
        name, path = clock.name_of(owner), str(clock.folder(owner))
        source = k8s.V1ConfigMapVolumeSource(name=name)
        pod.spec.volumes.append(k8s.V1Volume(name=name, config_map=source))
        container.volume_mounts.append(k8s.V1VolumeMount(name=name, mount_path=path, read_only=True))
    bundles = json.dumps([bundle(attendee)])
    container.env.append(k8s.V1EnvVar(name="AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", value=bundles))
    # What ignores Airflow's own time limit is ended by the cluster.
    pod.spec.active_deadline_seconds = settings.task_seconds() + 60
