"""Who asked for a run: kept as it is made, and handed down to what the run starts."""

from typing import TypedDict
from uuid import UUID

from flowruns.domain.actors import Actor
from flowruns.models import FlowRun, FlowRunState, TaskRun


class Requester(TypedDict):
    """The columns of a run that say who asked for it: None is unknown, "" is nobody."""

    requester_id: int | None
    requester: str | None


BY_SCHEDULE = Requester(requester_id=None, requester="")


def find_requester(parent_task_run_id: UUID | None, *, actor: Actor) -> Requester:
    """Return who asks for a run that is made now: the owner of the key, or whoever asked for
    the run that starts it.

    What starts a run is believed where the same key runs it: whoever asks for a run themselves
    cannot pass for another one's run.
    """
    if parent_task_run_id is not None:
        parent = _find_parent(parent_task_run_id, actor)
        if parent is not None:
            return Requester(requester_id=parent.requester_id, requester=parent.requester)
    owner = actor.owner
    return Requester(
        requester_id=owner.id if owner else None, requester=owner.name if owner else None
    )


def _find_parent(task_run_id: UUID, actor: Actor) -> FlowRun | None:
    task_run = TaskRun.objects.filter(pk=task_run_id).first()
    parent_id = task_run.flow_run_id if task_run else None
    if parent_id is None or actor.key_id is None:
        return None
    by_this_key = FlowRunState.objects.filter(flow_run=parent_id, actor_key_id=actor.key_id)
    return FlowRun.objects.filter(pk=parent_id).first() if by_this_key.exists() else None
