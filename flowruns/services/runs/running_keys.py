"""Which API key runs a flow run: the one by which a process started it, or went on with it."""

from uuid import UUID

from django.db.models import Exists, OuterRef

from flowruns.domain.actors import Actor, ActorKind
from flowruns.domain.states import StateType
from flowruns.models import FlowRunState


def is_run_by_another(flow_run_id: UUID, actor: Actor) -> bool:
    """Whether a key other than the actor's runs the run, as far as that is known."""
    key_id = _find_running_key(flow_run_id)
    return key_id is not None and key_id != actor.key_id


def _find_running_key(flow_run_id: UUID) -> UUID | None:
    """Return the key of the last start; who resumes a pause starts nothing by that."""
    went_on = FlowRunState.objects.filter(
        flow_run=OuterRef("flow_run"),
        version=OuterRef("version") - 1,
        type__in=[StateType.RUNNING, StateType.PAUSED],
    )
    starts = FlowRunState.objects.filter(
        ~Exists(went_on),
        flow_run_id=flow_run_id,
        type=StateType.RUNNING,
        actor_kind=ActorKind.API_KEY,
    )
    return starts.order_by("-version").values_list("actor_key_id", flat=True).first()
