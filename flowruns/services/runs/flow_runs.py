"""Flow runs: created, read, changed and deleted."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F

from flowruns import wire
from flowruns.domain.actors import Actor
from flowruns.domain.errors import DeploymentNotFound, FlowRunNotFound, JobVariablesFixed
from flowruns.domain.states import StateType
from flowruns.models import Deployment, Flow, FlowRun
from flowruns.services.deployments.deployments import read_deployment, refuse_work_pool
from flowruns.services.deployments.limits import delete_own_limit
from flowruns.services.deployments.schedules import delete_scheduled_runs, recheck
from flowruns.services.flows import read_flow
from flowruns.services.labels import label_flow_run
from flowruns.services.lookups import current_state
from flowruns.services.runs.artifacts import delete_artifacts
from flowruns.services.runs.logs import delete_logs
from flowruns.services.runs.requesters import find_requester
from flowruns.services.runs.states import begin_flow_run, get_flow_run
from flowruns.services.runs.task_runs import delete_task_runs_of
from flowruns.services.runs.verdicts import announce
from flowruns.signals import Act, acted

# Runs that are deleted in one transaction, which keeps other writers waiting.
_BATCH = 25


def create_flow_run(
    flow_run: wire.FlowRunCreate,
    *,
    actor: Actor,
    deployment_version: str | None = None,
    is_heartbeat: bool = False,
) -> tuple[FlowRun, bool]:
    """Create a run in the proposed state, PENDING by default, and say whether it is new.

    A run of the same flow with the same idempotency key is returned instead (as Prefect 3.9).
    `is_heartbeat` says that the process which will run it asks: should it die, the run has crashed.
    Raises `FlowNotFound`, `DeploymentNotFound` and `WorkPoolNotFound`.
    """
    refuse_work_pool(flow_run.work_pool_name)
    flow = read_flow(flow_run.flow_id)
    try:
        with transaction.atomic():
            run = _make(flow_run, flow, actor=actor, version=deployment_version)
            state = flow_run.state or wire.StateCreate(type=StateType.PENDING)
            begin_flow_run(run, state=state.to_domain(), actor=actor, is_heartbeat=is_heartbeat)
            return run, True
    except IntegrityError:
        same = FlowRun.objects.filter(flow=flow, idempotency_key=flow_run.idempotency_key)
        first = same.select_related("flow").first() if flow_run.idempotency_key else None
        if first is None:
            raise
        return first, False


def _make(
    flow_run: wire.FlowRunCreate, flow: Flow, *, actor: Actor, version: str | None
) -> FlowRun:
    policy = flow_run.empirical_policy
    given = flow_run.deployment_id
    deployment = read_deployment(given) if given is not None else None
    return FlowRun(
        flow=flow,
        name=flow_run.name,
        deployment=deployment,
        deployment_version=version,
        flow_version=flow_run.flow_version,
        parameters=flow_run.parameters,
        context=flow_run.context,
        tags=sorted(set(flow_run.tags)),
        labels=label_flow_run(flow, deployment, flow_run.labels),
        idempotency_key=flow_run.idempotency_key,
        parent_task_run_id=flow_run.parent_task_run_id,
        work_queue_name=flow_run.work_queue_name,
        job_variables=flow_run.job_variables or {},
        infrastructure_document_id=flow_run.infrastructure_document_id,
        created_by=str(actor),
        creator_key_id=actor.key_id,
        creator_owner_id=actor.owner.id if actor.owner else None,
        creator_owner=actor.owner.name if actor.owner else "",
        **find_requester(flow_run.parent_task_run_id, actor=actor),
        **_policy_fields(policy, policy.model_fields_set),
    )


def read_flow_run(flow_run_id: UUID) -> FlowRun:
    """Return the run with its flow; raises `FlowRunNotFound`."""
    return get_flow_run(flow_run_id)


def update_flow_run(flow_run_id: UUID, changes: wire.FlowRunUpdate) -> None:
    """Change the fields that the client sent (as Prefect 3.9).

    Raises `FlowRunNotFound` and `JobVariablesFixed`.
    """
    sent = changes.model_fields_set & {
        *("name", "flow_version", "parameters", "infrastructure_pid", "job_variables", "tags")
    }
    fields: dict[str, Any] = {name: getattr(changes, name) for name in sent}
    if "tags" in fields:
        fields["tags"] = sorted(set(changes.tags))
    if fields.get("name", "") is None:
        del fields["name"]
    if "empirical_policy" in changes.model_fields_set:
        policy = changes.empirical_policy
        fields |= _policy_fields(policy, policy.model_fields_set)
    with transaction.atomic():
        run = get_flow_run(flow_run_id)
        if changes.job_variables is not None:
            _check_job_variables_count(run)
        FlowRun.objects.filter(pk=flow_run_id).update(
            version=F("version") + 1, updated=datetime.now(UTC), **fields
        )


def _check_job_variables_count(run: FlowRun) -> None:
    """Raise `JobVariablesFixed` where no infrastructure is to be made by them any more."""
    if run.state_type != StateType.SCHEDULED:
        reason = f"Job variables for a flow run in state {run.state_type} cannot be updated"
        raise JobVariablesFixed(reason)
    if run.deployment_id is None:
        raise JobVariablesFixed("A deployment for the flow run could not be found")


def update_flow_run_labels(flow_run_id: UUID, labels: wire.JsonObject) -> None:
    """Add labels to a run, or change them (as Prefect 3.9); raises `FlowRunNotFound`."""
    with transaction.atomic():
        run = get_flow_run(flow_run_id)
        FlowRun.objects.filter(pk=run.pk).update(
            labels={**run.labels, **labels}, updated=datetime.now(UTC)
        )


def delete_flow_run(flow_run_id: UUID, *, actor: Actor, is_part: bool = False) -> None:
    """Delete a run with its history, inputs, logs, task runs and artifacts.

    `is_part` says that the audit log tells of a larger deletion. Raises `FlowRunNotFound`.
    """
    with transaction.atomic():
        run = get_flow_run(flow_run_id)
        state = current_state(run)
        announce(run, before=state, after=None, actor=actor)
        delete_logs(flow_run_id)
        delete_task_runs_of(flow_run_id)
        delete_artifacts(flow_run_id)
        run.delete()
        if not is_part:
            _tell_deletion(f"flow run: {run.flow.name}/{run.name}", flow_run_id, actor)


def delete_deployment(deployment_id: UUID, *, actor: Actor, is_part: bool = False) -> None:
    """Delete it with the runs that nobody has started; the others stay, without one.

    As Prefect 3.9, which leaves those that wait for a slot, too. `is_part` says that the audit log
    tells of a larger deletion. Raises `DeploymentNotFound`.
    """
    with transaction.atomic():
        name = Deployment.objects.filter(pk=deployment_id).values_list("name", flat=True).first()
        recheck(deployment_id)
        delete_scheduled_runs(deployment_id, also_due=True)
        unstarted = FlowRun.objects.filter(
            deployment_id=deployment_id, state_type=StateType.SCHEDULED, run_count=0
        )
        # Locked, so that a run that somebody takes now is either theirs or gone
        for run_id in list(unstarted.select_for_update().values_list("pk", flat=True)):
            delete_flow_run(run_id, actor=actor, is_part=True)
        delete_own_limit(deployment_id)
        deleted, _ = Deployment.objects.filter(pk=deployment_id).delete()
        if not deleted:
            raise DeploymentNotFound
        if not is_part:
            _tell_deletion(f"deployment: {name}", deployment_id, actor)


def delete_flow(flow_id: UUID, *, actor: Actor) -> None:
    """Delete a flow with its deployments and its runs (as Prefect 3.9); raises `FlowNotFound`.

    Its runs go some at a time, and others may write in between.
    """
    flow = read_flow(flow_id)
    while _delete_some_runs(flow, actor=actor):
        pass
    with transaction.atomic():
        # Those that came since; the others are gone
        for run_id in list(flow.runs.values_list("pk", flat=True)):
            delete_flow_run(run_id, actor=actor, is_part=True)
        for deployment_id in list(flow.deployments.values_list("pk", flat=True)):
            delete_deployment(deployment_id, actor=actor, is_part=True)
        flow.delete()
        _tell_deletion(f"flow: {flow.name}", flow_id, actor)


def _delete_some_runs(flow: Flow, *, actor: Actor) -> bool:
    """Delete a batch of a flow's runs; False when there were none."""
    with transaction.atomic():
        some = list(flow.runs.values_list("pk", flat=True)[:_BATCH])
        for run_id in some:
            with suppress(FlowRunNotFound):  # deleted by somebody else
                delete_flow_run(run_id, actor=actor, is_part=True)
    return bool(some)


def _tell_deletion(subject: str, identifier: UUID, actor: Actor) -> None:
    act = Act(action="deleted", actor=str(actor), subject=subject, details={"id": str(identifier)})
    acted.send(sender=FlowRun, act=act)


def _policy_fields(policy: wire.FlowRunPolicy, sent: set[str]) -> dict[str, Any]:
    """Return the columns of a policy; what the client left out stays as it is.

    Which pauses a run has been in is the server's to say: one that seems to have been answered
    already is not asked. Prefect 3.9 believes the client, and no client of its says another thing.
    """
    names = sent & {"retries", "retry_delay", "retry_type", "resuming"}
    fields: dict[str, Any] = {name: getattr(policy, name) for name in names}
    if "resuming" in fields:
        fields["resuming"] = bool(fields["resuming"])
    return fields
