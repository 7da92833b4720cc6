"""Flows: made when somebody first runs them."""

from uuid import UUID

from flowruns import wire
from flowruns.domain.errors import FlowNotFound
from flowruns.models import Flow


def create_flow(flow: wire.FlowCreate) -> tuple[Flow, bool]:
    """Return the flow of that name, and whether it was new (as Prefect 3.8)."""
    return Flow.objects.get_or_create(
        name=flow.name, defaults={"tags": flow.tags, "labels": flow.labels or {}}
    )


def read_flow(flow_id: UUID) -> Flow:
    """Return the flow; raises `FlowNotFound`."""
    flow = Flow.objects.filter(pk=flow_id).first()
    if flow is None:
        raise FlowNotFound
    return flow


def read_flow_by_name(name: str) -> Flow:
    """Return the flow of that name; raises `FlowNotFound`."""
    flow = Flow.objects.filter(name=name).first()
    if flow is None:
        raise FlowNotFound
    return flow


def update_flow(flow_id: UUID, changes: wire.FlowUpdate) -> None:
    """Change the tags, if they were sent; raises `FlowNotFound`."""
    flow = read_flow(flow_id)
    if "tags" in changes.model_fields_set:
        flow.tags = changes.tags
        flow.save(update_fields=["tags", "updated"])
