"""The tables of flow runs. Only `flowruns.services` writes them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.db.models.lookups import Lookup
from django.db.models.sql.compiler import SQLCompiler

from flowruns.domain.actors import Actor, ActorKind
from flowruns.domain.ids import new_id
from flowruns.domain.states import State, StateDetails, StateType
from flowruns.domain.transitions import RunFacts


def _choices(kind: type[StateType] | type[ActorKind]) -> list[tuple[str, str]]:
    return [(member.value, member.value.capitalize()) for member in kind]


@models.JSONField.register_lookup
class HasItem(Lookup):
    """`tags__has_item="x"`: the JSON array holds that string, on both databases."""

    lookup_name = "has_item"
    prepare_rhs = False

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} @> jsonb_build_array(%s::text)", [*params, self.rhs]

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        sql = f"EXISTS (SELECT 1 FROM json_each({lhs}) WHERE value = %s)"  # noqa: S608 -- a column
        return sql, [*params, self.rhs]


class Flow(models.Model):
    """A flow by its name; it exists as soon as somebody runs it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True, db_index=True)
    updated = models.DateTimeField(auto_now=True)
    name = models.TextField(unique=True)
    tags = models.JSONField(default=list, blank=True)
    labels = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return self.name


class Deployment(models.Model):
    """A flow that some process serves: what starts a scheduled run, or a resumed one again."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="deployments")
    name = models.TextField()
    paused = models.BooleanField(default=False)
    enforce_parameter_schema = models.BooleanField(default=True)
    parameter_openapi_schema = models.JSONField(null=True, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    tags = models.JSONField(default=list, blank=True)
    labels = models.JSONField(default=dict, blank=True)
    work_queue_name = models.TextField(null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    path = models.TextField(null=True, blank=True)
    version = models.TextField(null=True, blank=True)
    entrypoint = models.TextField(null=True, blank=True)
    pull_steps = models.JSONField(null=True, blank=True)
    job_variables = models.JSONField(default=dict, blank=True)
    last_polled = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["flow", "name"], name="one_deployment_per_name")
        ]

    def __str__(self) -> str:
        return f"{self.flow}/{self.name}"


class FlowRun(models.Model):
    """One run of a flow, with its current state; `version` is what compare-and-set compares."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    version = models.PositiveBigIntegerField(default=0)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="runs")
    name = models.TextField()
    deployment = models.ForeignKey(
        Deployment, on_delete=models.SET_NULL, null=True, blank=True, related_name="runs"
    )
    flow_version = models.TextField(null=True, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    context = models.JSONField(default=dict, blank=True)
    tags = models.JSONField(default=list, blank=True)
    labels = models.JSONField(default=dict, blank=True)
    idempotency_key = models.TextField(null=True, blank=True)
    parent_task_run_id = models.UUIDField(null=True, blank=True)
    work_queue_name = models.TextField(null=True, blank=True)
    job_variables = models.JSONField(null=True, blank=True)
    infrastructure_document_id = models.UUIDField(null=True, blank=True)
    created_by = models.TextField(blank=True)

    state_id = models.UUIDField(null=True, blank=True)
    state_type = models.CharField(max_length=16, choices=_choices(StateType), null=True, blank=True)
    state_name = models.TextField(null=True, blank=True)
    state_timestamp = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    run_count = models.PositiveIntegerField(default=0)
    retries = models.IntegerField(null=True, blank=True)
    retry_delay = models.IntegerField(null=True, blank=True)
    retry_type = models.TextField(null=True, blank=True)
    resuming = models.BooleanField(default=False)
    pause_keys = models.JSONField(default=list, blank=True)
    infrastructure_pid = models.TextField(null=True, blank=True)
    expected_start_time = models.DateTimeField(null=True, blank=True)
    next_scheduled_start_time = models.DateTimeField(null=True, blank=True)
    start_time = models.DateTimeField(null=True, blank=True)
    end_time = models.DateTimeField(null=True, blank=True)
    total_run_time = models.DurationField(default=timedelta(0))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["flow", "idempotency_key"], name="one_run_per_idempotency_key"
            ),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(state_type=StateType.PAUSED),
                name="only_paused_runs_expire",
            ),
        ]
        indexes = [
            # read by expire_pauses
            models.Index(
                fields=["expires_at"],
                condition=Q(expires_at__isnull=False),
                name="flow_run_expiring",
            ),
            # read by read_flow_runs: what waits, and what one flow did last
            models.Index(fields=["state_type", "id"], name="flow_run_by_state"),
            models.Index(fields=["flow", "id"], name="flow_run_by_flow"),
            models.Index(fields=["expected_start_time"], name="flow_run_by_expected_start"),
            # read by read_scheduled_flow_runs
            models.Index(
                fields=["deployment", "next_scheduled_start_time"],
                condition=Q(next_scheduled_start_time__isnull=False),
                name="flow_run_scheduled",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def facts(self) -> RunFacts:
        """What the rules know of this run; whether its answer is acceptable is not in the row."""
        return RunFacts(
            has_deployment=self.deployment_id is not None,
            is_subflow=self.parent_task_run_id is not None,
            infrastructure_pid=self.infrastructure_pid,
            run_count=self.run_count,
            retries=self.retries,
            retry_delay=self.retry_delay,
            retry_type=self.retry_type,  # type: ignore[arg-type]  # one of the wire's literals
            resuming=self.resuming,
            pause_keys=frozenset(self.pause_keys),
            expected_start_time=self.expected_start_time,
            next_scheduled_start_time=self.next_scheduled_start_time,
            start_time=self.start_time,
            end_time=self.end_time,
            total_run_time=self.total_run_time,
        )


class FlowRunState(models.Model):
    """One state in a run's history, and who put the run into it."""

    id = models.UUIDField(primary_key=True, editable=False)
    flow_run = models.ForeignKey(FlowRun, on_delete=models.CASCADE, related_name="states")
    version = models.PositiveBigIntegerField()
    type = models.CharField(max_length=16, choices=_choices(StateType))
    name = models.TextField()
    timestamp = models.DateTimeField()
    message = models.TextField(null=True, blank=True)
    data = models.JSONField(null=True, blank=True)
    details = models.JSONField(default=dict, blank=True)
    forced = models.BooleanField(default=False)
    actor_kind = models.CharField(max_length=16, choices=_choices(ActorKind))
    actor_name = models.TextField()

    class Meta:
        constraints = [
            # also read by read_flow_run_states
            models.UniqueConstraint(fields=["flow_run", "version"], name="one_state_per_version")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def actor(self) -> Actor:
        return Actor(ActorKind(self.actor_kind), self.actor_name)

    def to_domain(self) -> State:
        return State(
            id=self.id,
            type=StateType(self.type),
            name=self.name,
            timestamp=self.timestamp,
            message=self.message,
            data=self.data,
            details=_read_details(self.details),
        )


def _read_details(stored: dict[str, object]) -> StateDetails:
    fields = dict(stored)
    for name in ("scheduled_time", "pause_timeout"):
        if isinstance(value := fields.get(name), str):
            fields[name] = datetime.fromisoformat(value).astimezone(UTC)
    return StateDetails(**fields)  # type: ignore[arg-type]  # written by set_flow_run_state alone


class RunInput(models.Model):
    """A named text that belongs to a run: schema, description or answer of a pause, or a message.

    The value is text, not JSON, so that an answer keeps its key order and its digits.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    flow_run = models.ForeignKey(FlowRun, on_delete=models.CASCADE, related_name="inputs")
    key = models.TextField()
    value = models.TextField(blank=True)
    sender = models.TextField(null=True, blank=True)
    actor_kind = models.CharField(max_length=16, choices=_choices(ActorKind))
    actor_name = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["flow_run", "key"], name="one_input_per_key")
        ]

    def __str__(self) -> str:
        return self.key


class LogLine(models.Model):
    """A line that a flow logged; it may name a run this server does not know."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    name = models.TextField()
    level = models.IntegerField()
    message = models.TextField(blank=True)
    timestamp = models.DateTimeField()
    flow_run_id = models.UUIDField(null=True, blank=True)
    task_run_id = models.UUIDField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["flow_run_id", "timestamp"], name="log_by_flow_run"),
            models.Index(fields=["timestamp"], name="log_by_time"),
        ]

    def __str__(self) -> str:
        return self.message[:80]


class ApiKey(models.Model):
    """A bearer key of a flow or an operator's script. Only its hash is stored."""

    class Scope(models.TextChoices):
        FLOWS = "flows", "run flows: create, read and change runs, inputs and logs"
        RESUME = "resume", "read runs and answer those that wait"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    name = models.TextField(unique=True)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return self.name

    def allows(self, scope: str) -> bool:
        return scope in self.scopes
