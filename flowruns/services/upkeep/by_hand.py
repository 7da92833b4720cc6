"""What operators do by hand, each act with an entry in the audit log."""

from uuid import UUID

from django.db import transaction

from flowruns.domain.actors import Actor
from flowruns.domain.states import State, StateType, cancelled
from flowruns.models import Deployment, DeploymentSchedule, FlowRun
from flowruns.services.deployments import schedules
from flowruns.services.runs.states import get_flow_run, set_flow_run_state
from flowruns.signals import Act, acted
from flowruns.wire.schedules import ScheduleUpdate

_ENDED_BY_HAND = "Ended by {actor}: its process is gone."


def cancel_run(flow_run_id: UUID, *, actor: Actor) -> bool:
    """Have a run end, by its process where it has one; return whether it does or has.

    Raises `FlowRunNotFound`. A run whose process is gone stays at Cancelling: `end_run` ends it.
    """
    proposed = State(type=StateType.CANCELLING, message=f"Cancelled by {actor}.")
    return _propose(flow_run_id, proposed, action="run_cancelled", actor=actor)


def end_run(flow_run_id: UUID, *, actor: Actor) -> bool:
    """End a run whose process is gone, and return whether it was not over.

    It is Crashed, or Cancelled where somebody had cancelled it. Raises `FlowRunNotFound`.
    """
    message = _ENDED_BY_HAND.format(actor=actor)
    is_cancelling = get_flow_run(flow_run_id).state_type == StateType.CANCELLING
    crashed = State(type=StateType.CRASHED, message=message)
    proposed = cancelled(message) if is_cancelling else crashed
    return _propose(flow_run_id, proposed, action="run_ended", actor=actor)


def _propose(flow_run_id: UUID, proposed: State, *, action: str, actor: Actor) -> bool:
    with transaction.atomic():
        outcome = set_flow_run_state(flow_run_id, proposed=proposed, actor=actor)
        if not outcome.is_new:
            return False
        run = FlowRun.objects.select_related("flow").get(pk=flow_run_id)
        _tell(action, f"flow run: {run.flow.name}/{run.name}", actor)
    return True


def pause_deployment(deployment: Deployment, *, actor: Actor) -> None:
    """Make no more runs by its schedules; raises `DeploymentNotFound`."""
    with transaction.atomic():
        schedules.pause_deployment(deployment.pk)
        _tell("paused", f"deployment: {deployment}", actor)


def resume_deployment(deployment: Deployment, *, actor: Actor) -> None:
    """Let its schedules make runs again; raises `DeploymentNotFound`."""
    with transaction.atomic():
        schedules.resume_deployment(deployment.pk)
        _tell("resumed", f"deployment: {deployment}", actor)


def switch_schedule(schedule: DeploymentSchedule, *, active: bool, actor: Actor) -> None:
    """Have a schedule make runs, or none."""
    with transaction.atomic():
        changes = ScheduleUpdate(active=active)
        schedules.update_schedule(schedule.deployment_id, schedule.pk, changes)
        subject = f"schedule: {schedule.deployment} {schedule.slug or schedule.pk}"
        _tell("resumed" if active else "paused", subject, actor)


def _tell(action: str, subject: str, actor: Actor) -> None:
    acted.send(sender=FlowRun, act=Act(action=action, actor=str(actor), subject=subject))
