"""Looking up one row."""

from django.db.models import Model, QuerySet

from flowruns.domain.states import State
from flowruns.models import FlowRun, TaskRun


def current_state(run: FlowRun | TaskRun) -> State | None:
    """Return the state that a run is in, which is read now unless it was read with the run."""
    return run.state.to_domain() if run.state is not None else None


def one[M: Model](found: QuerySet[M], missing: Exception | type[Exception]) -> M:
    """Return the first row of a query; raise `missing` where there is none."""
    row = found.first()
    if row is None:
        raise missing
    return row
