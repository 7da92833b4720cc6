"""The calls of the JSON API about deployments, named as the methods of Prefect's client."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from pydantic import ConfigDict, TypeAdapter

from flowruns import wire
from flowruns.sdk.calls.asking import GRACE_SECONDS, STARTING, WAITING, WORKING, ask
from flowruns.sdk.errors import ObjectNotFound
from flowruns.sdk.states import FlowRun, State
from flowruns.sdk.steps.steps import Send, Steps
from flowruns.wire.deployments import Deployment, DeploymentCreate, DeploymentFlowRunCreate

_FLOW_RUNS = TypeAdapter(list[FlowRun], config=ConfigDict(defer_build=True))


def create_deployment(deployment: DeploymentCreate) -> Steps[UUID]:
    """Make a deployment, or change the one of that name, and return its id."""
    body = deployment.model_dump(mode="json", exclude_unset=True)
    request = Send(method="POST", path="/deployments/", body=body)
    reply = yield from ask(request, patience=STARTING)
    return Deployment.model_validate(reply.json()).id


def read_deployment(deployment_id: UUID) -> Steps[Deployment]:
    """Read a deployment; raises ObjectNotFound."""
    reply = yield from ask(Send(method="GET", path=f"/deployments/{deployment_id}"))
    return Deployment.model_validate(reply.json())


def read_deployment_by_name(name: str) -> Steps[Deployment]:
    """Read the deployment `flow/deployment`; raises ObjectNotFound."""
    flow_name, _, deployment_name = name.partition("/")
    if not deployment_name:
        raise ValueError(f"{name!r} names no deployment; the form is 'flow-name/deployment-name'.")
    path = f"/deployments/name/{quote(flow_name, safe='')}/{quote(deployment_name, safe='')}"
    try:
        reply = yield from ask(Send(method="GET", path=path))
    except ObjectNotFound:
        raise ObjectNotFound(f"The server knows no deployment {name!r}; is it served?") from None
    return Deployment.model_validate(reply.json())


def delete_deployment(deployment_id: UUID) -> Steps[None]:
    """Delete a deployment, but not its runs; raises ObjectNotFound."""
    yield from ask(Send(method="DELETE", path=f"/deployments/{deployment_id}"))


def pause_deployment(deployment_id: UUID) -> Steps[None]:
    """Let the schedules of a deployment rest; raises ObjectNotFound."""
    path = f"/deployments/{deployment_id}/pause_deployment"
    yield from ask(Send(method="POST", path=path), patience=STARTING)


def create_flow_run_from_deployment(  # noqa: PLR0913 -- the arguments of Prefect's
    deployment_id: UUID | str,
    *,
    parameters: Mapping[str, Any] | None = None,
    state: State[Any] | None = None,
    name: str | None = None,
    tags: Iterable[str] | None = None,
    idempotency_key: str | None = None,
    labels: Mapping[str, Any] | None = None,
    parent_task_run_id: UUID | None = None,
    job_variables: Mapping[str, Any] | None = None,
) -> Steps[FlowRun]:
    """Schedule a run of a deployment, for now unless `state` says when; raises ObjectNotFound.

    One that is sent twice is created once, by its idempotency key.
    """
    given: dict[str, Any] = {
        "parameters": parameters,
        "state": _scheduling(state),
        "name": name,
        "tags": sorted(tags) if tags else None,
        "labels": labels,
        "parent_task_run_id": parent_task_run_id,
        "job_variables": job_variables,
        "idempotency_key": idempotency_key or str(uuid4()),
    }
    create = DeploymentFlowRunCreate.model_validate(
        {key: value for key, value in given.items() if value is not None}
    )
    body = create.model_dump(mode="json", exclude_unset=True)
    path = f"/deployments/{deployment_id}/create_flow_run"
    reply = yield from ask(Send(method="POST", path=path, body=body), patience=WORKING)
    return FlowRun.model_validate(reply.json())


def _scheduling(state: State[Any] | None) -> wire.StateCreate | None:
    if state is None:
        return None
    return wire.StateCreate(
        type=state.type,
        name=state.name,
        message=state.message,
        state_details=state.state_details,
    )


def get_scheduled_flow_runs(
    deployment_ids: Iterable[UUID], *, hold: int = 0
) -> Steps[tuple[list[FlowRun], bool]]:
    """Return the runs that wait to be started, soonest first, and whether the server holds.

    A server that can holds the request for up to `hold` seconds, until a run is due; one that
    cannot answers at once, and also with runs of the future. Absences are waited out.
    """
    request = Send(
        method="POST",
        path="/deployments/get_scheduled_flow_runs",
        body={"deployment_ids": [str(each) for each in deployment_ids]},
        headers={"Prefer": f"wait={hold}"} if hold else {},
        timeout=hold + GRACE_SECONDS,
    )
    reply = yield from ask(request, patience=WAITING)
    was_held = reply.headers.get("preference-applied", "").startswith("wait")
    return _FLOW_RUNS.validate_python(reply.json()), was_held
