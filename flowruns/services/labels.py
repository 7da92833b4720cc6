"""Labels that the server adds to those of clients, and those that pass from one to the next.

As Prefect 3.9: what belongs to something has its labels, then the server's, then its own.
"""

from flowruns.models import Deployment, Flow, FlowRun
from flowruns.wire import JsonObject


def label_deployment(flow: Flow, labels: JsonObject | None) -> JsonObject:
    return {**(flow.labels or {}), "prefect.flow.id": str(flow.pk), **(labels or {})}


def label_flow_run(
    flow: Flow, deployment: Deployment | None, labels: JsonObject | None
) -> JsonObject:
    """Return the labels of a run, which are its deployment's rather than its flow's."""
    if deployment is None:
        return label_deployment(flow, labels)
    system = {"prefect.flow.id": str(flow.pk), "prefect.deployment.id": str(deployment.pk)}
    return {**(deployment.labels or {}), **system, **(labels or {})}


def label_task_run(flow_run: FlowRun | None, labels: JsonObject | None) -> JsonObject:
    if flow_run is None:
        return labels or {}
    return {**flow_run.labels, "prefect.flow-run.id": str(flow_run.pk), **(labels or {})}
