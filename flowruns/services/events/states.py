"""The events by which this server tells of the states of flow runs, as Prefect 3.9's does."""

from datetime import timedelta
from typing import Any

from flowruns.domain.states import State, StateType
from flowruns.models import FlowRun
from flowruns.services.events.events import store_events
from flowruns.signals import StateChange, flow_run_state_changed
from flowruns.wire.events import (
    RESOURCE_ID,
    RESOURCE_NAME,
    RESOURCE_ROLE,
    Event,
    RelatedResource,
    relate,
    shorten_message,
)

# An event names the one before it where both could arrive in the wrong order.
_CLOSE = timedelta(minutes=5)


def connect() -> None:
    """Start to tell of states, in the transactions in which they come about."""
    flow_run_state_changed.connect(tell_state, dispatch_uid="flowruns.tell_state")


def tell_state(*, change: StateChange, run: FlowRun, **_: Any) -> None:
    """Store the event of a state that a run went into; a deleted run has none."""
    if change.after is None:
        return
    store_events([describe_state(run, change.before, change.after)])
    if _ends_a_waiting_process(change.before, change.after):
        store_events([describe_state(run, change.before, _call_off(change.after))])


def describe_state(run: FlowRun, before: State | None, after: State) -> Event:
    """Make the event of a state; its id is that of the state."""
    return Event(
        id=after.id,
        occurred=after.timestamp,
        event=f"prefect.flow-run.{after.name}",
        resource={
            RESOURCE_ID: f"prefect.flow-run.{run.pk}",
            RESOURCE_NAME: run.name,
            "prefect.run-count": str(run.run_count),
            "prefect.state-message": shorten_message(after.message),
            "prefect.state-name": after.name,
            "prefect.state-timestamp": after.timestamp.isoformat(),
            "prefect.state-type": after.type,
        },
        related=_related_to(run),
        payload={
            "intended": {"from": before.type if before else None, "to": after.type},
            "initial_state": _describe(before) if before else None,
            "validated_state": _describe(after),
        },
        follows=before.id if before and _are_close(before, after) else None,
    )


def _ends_a_waiting_process(before: State | None, after: State) -> bool:
    """Whether a process waits in a pause that was cancelled, as by a reviewer who rejects it."""
    if before is None or before.type is not StateType.PAUSED or before.is_suspended:
        return False
    return after.type is StateType.CANCELLED


def _call_off(cancelled: State) -> State:
    """Make the state that a Prefect runner listens for: it ends processes at Cancelling alone."""
    return State(
        type=StateType.CANCELLING, message=cancelled.message, timestamp=cancelled.timestamp
    )


def _related_to(run: FlowRun) -> list[RelatedResource]:
    """Name the flow, the deployment and the tags; more than a hundred tags are cut."""
    related = [relate("flow", run.flow_id, run.flow.name)]
    tags = {*run.tags, *run.flow.tags}
    if run.deployment is not None:
        related.append(relate("deployment", run.deployment.pk, run.deployment.name))
        tags.update(run.deployment.tags)
    room = 100 - len(related)
    named = [{RESOURCE_ID: f"prefect.tag.{tag}", RESOURCE_ROLE: "tag"} for tag in sorted(tags)]
    return related + named[:room]


def _describe(state: State) -> dict[str, Any]:
    described = {"type": state.type, "name": state.name}
    if state.message:
        described["message"] = shorten_message(state.message)
    if state.type is StateType.PAUSED:
        described["pause_reschedule"] = str(state.details.pause_reschedule).lower()
    return described


def _are_close(before: State, after: State) -> bool:
    return abs(after.timestamp - before.timestamp) < _CLOSE
