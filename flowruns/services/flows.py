"""Flows: made when somebody first runs them."""

from uuid import UUID

from flowruns import wire
from flowruns.domain.errors import FlowNotFound
from flowruns.models import Flow
from flowruns.models.prepared import PreparedQuery
from flowruns.services.lookups import one

_flows = PreparedQuery(Flow.objects.all(), by="pk")


def create_flow(flow: wire.FlowCreate) -> tuple[Flow, bool]:
    """Return the flow of that name, and whether it was new (as Prefect 3.9)."""
    return Flow.objects.get_or_create(
        name=flow.name, defaults={"tags": flow.tags, "labels": flow.labels or {}}
    )


def read_flow(flow_id: UUID) -> Flow:
    """Return the flow; raises `FlowNotFound`."""
    flow = _flows.find(flow_id)
    if flow is None:
        raise FlowNotFound
    return flow


def read_flow_by_name(name: str) -> Flow:
    """Return the flow of that name; raises `FlowNotFound`."""
    return one(Flow.objects.filter(name=name), FlowNotFound)


def update_flow(flow_id: UUID, changes: wire.FlowUpdate) -> None:
    """Change the tags, if they were sent; raises `FlowNotFound`."""
    flow = read_flow(flow_id)
    if "tags" in changes.model_fields_set:
        flow.tags = changes.tags
        flow.save(update_fields=["tags", "updated"])
