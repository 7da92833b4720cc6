"""Deployments: flows that a process serves, and starting their runs from elsewhere."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from flowruns import wire
from flowruns.domain.states import StateType
from flowruns.sdk.calls import deployments as deployment_calls
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.calls.asking import STARTING
from flowruns.sdk.calls.client import FlowRunsClient, SyncFlowRunsClient
from flowruns.sdk.calls.waiting import wait_steps
from flowruns.sdk.context import FlowRunContext, current_flow_run, current_tags
from flowruns.sdk.dispatch import dispatch, on_loop
from flowruns.sdk.errors import FlowRunWaitTimeout, ObjectNotFound
from flowruns.sdk.runs.definitions import FlowDefinition
from flowruns.sdk.runs.parameter_schemas import schema_of_parameters
from flowruns.sdk.runs.parameters import to_json_object
from flowruns.sdk.runs.subflows import link_call
from flowruns.sdk.serving.entrypoints import entrypoint_of
from flowruns.sdk.serving.schedules import Schedule
from flowruns.sdk.states import FlowRun, State
from flowruns.sdk.steps.steps import Steps
from flowruns.wire.concurrency import ConcurrencyOptions
from flowruns.wire.deployments import Deployment, DeploymentCreate
from flowruns.wire.schedules import DeploymentSchedule, ScheduleCreate


@dataclass(frozen=True, slots=True)
class ConcurrencyLimitConfig:
    """How many runs at a time, and what becomes of one too many; as in Prefect 3.9.

    It waits for a slot (`ENQUEUE`), or is cancelled (`CANCEL_NEW`).
    """

    limit: int
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"] = "ENQUEUE"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerDeployment:
    """A flow under the name by which it is served; made by `flow.to_deployment`."""

    flow: FlowDefinition[..., Any]
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: Iterable[str] = ()
    description: str | None = None
    version: str | None = None
    enforce_parameter_schema: bool = True
    paused: bool = False
    schedules: tuple[Schedule, ...] = ()
    concurrency_limit: int | ConcurrencyLimitConfig | None = None

    @property
    def full_name(self) -> str:
        return f"{self.flow.name}/{self.name}"

    @property
    def entrypoint(self) -> str:
        return entrypoint_of(self.flow)

    def register(self) -> Steps[UUID]:
        """Make the deployment on the server, or change the one of that name; return its id."""
        entrypoint = self.entrypoint
        flow_id = yield from flow_runs.create_flow(self.flow.name, patience=STARTING)
        schedules = yield from self._schedules()
        create = DeploymentCreate(
            name=self.name,
            flow_id=flow_id,
            entrypoint=entrypoint,
            path=".",
            paused=self.paused,
            schedules=schedules,
            **self._limit(),
            version=self.version,
            description=self.description or self.flow.description,
            tags=list(self.tags),
            parameters=to_json_object(self.parameters),
            parameter_openapi_schema=schema_of_parameters(self.flow.fn),
            enforce_parameter_schema=self.enforce_parameter_schema,
        )
        return (yield from deployment_calls.create_deployment(create))

    def _schedules(self) -> Steps[list[ScheduleCreate]]:
        """Write the schedules; one that somebody has switched off since stays off."""
        schedules = [(schedule, schedule.to_wire()) for schedule in self.schedules]
        if any(schedule.active is None for schedule, _ in schedules):
            known = yield from self._known_schedules()
            for schedule, ours in schedules:
                if schedule.active is None and any(_is_off(each, ours) for each in known):
                    ours.active = False
        return [ours for _, ours in schedules]

    def _known_schedules(self) -> Steps[list[DeploymentSchedule]]:
        try:
            deployment = yield from deployment_calls.read_deployment_by_name(self.full_name)
        except ObjectNotFound:
            return []
        return deployment.schedules

    def _limit(self) -> dict[str, Any]:
        limit = self.concurrency_limit
        if not isinstance(limit, ConcurrencyLimitConfig):
            return {"concurrency_limit": limit}
        options = ConcurrencyOptions(collision_strategy=limit.collision_strategy)
        return {"concurrency_limit": limit.limit, "concurrency_options": options}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What `run_deployment` is asked for; times are in seconds."""

    name: str | UUID
    parameters: Mapping[str, Any] | None = None
    scheduled_time: datetime | None = None
    flow_run_name: str | None = None
    timeout: float | None = None
    poll_interval: float = 5
    tags: Iterable[str] | None = None
    idempotency_key: str | None = None
    as_subflow: bool = True
    job_variables: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.timeout is not None and self.timeout < 0:
            raise ValueError("`timeout` cannot be negative")

    def play(self) -> Steps[FlowRun]:
        run = yield from self._create()
        if self.timeout == 0:
            return run
        waiting = wait_steps(
            run.id, timeout=self.timeout, poll_interval=self.poll_interval, log_states=False
        )
        try:
            return (yield from waiting)
        except FlowRunWaitTimeout:
            return (yield from flow_runs.read_flow_run(run.id))

    def _create(self) -> Steps[FlowRun]:
        deployment = yield from self._find()
        task_run_id, key = None, self.idempotency_key
        if self.as_subflow and (caller := current_flow_run()):
            task_run_id = yield from self._link(deployment, caller)
            # Ordered once, also by the process that goes on after a suspension.
            attempt = (yield from flow_runs.read_flow_run(caller.flow_run.id)).run_count
            key = key or f"{task_run_id}-{attempt}"
        return (
            yield from deployment_calls.create_flow_run_from_deployment(
                deployment.id,
                parameters=to_json_object(self.parameters or {}),
                state=self._state(),
                name=self.flow_run_name,
                tags={*(self.tags or ()), *current_tags()},
                idempotency_key=key,
                parent_task_run_id=task_run_id,
                job_variables=self.job_variables,
            )
        )

    def _find(self) -> Steps[Deployment]:
        if deployment_id := _id_in(self.name):
            return (yield from deployment_calls.read_deployment(deployment_id))
        return (yield from deployment_calls.read_deployment_by_name(str(self.name)))

    def _link(self, deployment: Deployment, caller: FlowRunContext) -> Steps[UUID]:
        """Make the task run that stands for the new run in the one that asks for it."""
        name = str(self.name)
        if "/" not in name:
            flow = yield from flow_runs.read_flow(deployment.flow_id)
            name = f"{flow.name}/{deployment.name}"
        parameters = self.parameters or {}
        key = f"run_deployment.{name}"
        return (yield from link_call(caller, name=name, task_key=key, parameters=parameters))

    def _state(self) -> State[Any] | None:
        if self.scheduled_time is None:
            return None
        details = wire.StateDetails(scheduled_time=self.scheduled_time)
        return State(type=StateType.SCHEDULED, state_details=details)


def _is_off(known: DeploymentSchedule, ours: ScheduleCreate) -> bool:
    """Whether the server knows our schedule and it is switched off there."""
    wanted = ours.schedule.model_dump(exclude_unset=True, exclude_none=True)
    theirs = known.schedule.model_dump(include=set(wanted))
    is_same = theirs == wanted and known.parameters == ours.parameters
    return is_same and not known.active and ours.slug in {None, known.slug}


def _id_in(name: str | UUID) -> UUID | None:
    try:
        return UUID(str(name))
    except ValueError:
        return None


def run_deployment(  # noqa: PLR0913, PLR0917 -- the arguments of Prefect's
    name: str | UUID,
    client: FlowRunsClient | SyncFlowRunsClient | None = None,
    parameters: Mapping[str, Any] | None = None,
    scheduled_time: datetime | None = None,
    flow_run_name: str | None = None,
    timeout: float | None = None,
    poll_interval: float = 5,
    tags: Iterable[str] | None = None,
    idempotency_key: str | None = None,
    as_subflow: bool = True,
    job_variables: Mapping[str, Any] | None = None,
) -> Any:
    """Schedule a run of a deployment, wait for its end and return it, a `FlowRun`.

    Semantics of Prefect 3.9; awaitable in async code, where `arun_deployment` is the same with
    types to match. `name` is "flow-name/deployment-name", or the deployment's id. After
    `timeout` seconds the run is returned as it is then; 0 waits not at all, None for ever.
    `poll_interval` is in seconds, for a server that cannot hold requests. Asked for twice under
    one `idempotency_key`, a run is created once. `job_variables` are kept with the run for
    whoever starts its process; a serving process has no use for them.

    Called in a flow, the run becomes a subflow of it: linked to it by a task run, not to be
    suspended, and not asked for again when that flow goes on after a suspension (Prefect starts
    another one). `as_subflow=False` leaves it on its own.

    Raises ValueError for a negative timeout; ObjectNotFound when there is no such deployment;
    ObjectAlreadyExists (409) where the parameters do not fit its schema.

    Example: `run = run_deployment("refund/desk", parameters={"order": 7}, timeout=0)`
    """
    order = _Order(
        name=name,
        parameters=parameters,
        scheduled_time=scheduled_time,
        flow_run_name=flow_run_name,
        timeout=timeout,
        poll_interval=poll_interval,
        tags=tags,
        idempotency_key=idempotency_key,
        as_subflow=as_subflow,
        job_variables=job_variables,
    )
    return client.play(order.play()) if client else dispatch(order.play())


async def arun_deployment(name: str | UUID, **options: Any) -> FlowRun:
    """Schedule a run of a deployment and wait for its end: `run_deployment` for async code.

    Takes the same options but for `client`.

    Example: `run = await arun_deployment("refund/desk", parameters={"order": 7})`
    """
    return await on_loop(_Order(name=name, **options).play())
