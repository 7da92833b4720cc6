"""Looking up one row."""

from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from flowruns.models import FlowRunState, TaskRunState
from flowruns.models.prepared import PreparedQuery

_states: dict[type[Model], PreparedQuery[Any]] = {
    kept: PreparedQuery(kept.objects.all(), by="pk") for kept in (FlowRunState, TaskRunState)
}


def find_state[S: FlowRunState | TaskRunState](kept: type[S], state_id: UUID) -> S | None:
    """Return a state of a run of a flow or of a task, or None."""
    found: S | None = _states[kept].find(state_id)
    return found


def one[M: Model](found: QuerySet[M], missing: Exception | type[Exception]) -> M:
    """Return the first row of a query; raise `missing` where there is none."""
    row = found.first()
    if row is None:
        raise missing
    return row
