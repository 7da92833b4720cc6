"""Flow runs, their states, inputs and logs."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Func, Q
from django.db.models.functions import Coalesce

from flowruns.domain.ids import new_id
from flowruns.domain.states import StateType
from flowruns.domain.transitions import RunFacts
from flowruns.models.actors import Acted
from flowruns.models.flows import Deployment, Flow
from flowruns.models.states import Run, RunState


class FlowRun(Run):
    """One run of a flow, with its current state; `version` is what compare-and-set compares."""

    version = models.PositiveBigIntegerField(default=0)
    state = models.ForeignKey(
        "FlowRunState",
        # The state's row goes with the run's, and is stored after it
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="runs")
    deployment = models.ForeignKey(
        Deployment, on_delete=models.SET_NULL, null=True, blank=True, related_name="runs"
    )
    deployment_version = models.TextField(null=True, blank=True)  # when it made the run
    flow_version = models.TextField(null=True, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    context = models.JSONField(default=dict, blank=True)
    idempotency_key = models.TextField(null=True, blank=True)
    parent_task_run_id = models.UUIDField(null=True, blank=True)
    work_queue_name = models.TextField(null=True, blank=True)
    job_variables = models.JSONField(null=True, blank=True)
    infrastructure_document_id = models.UUIDField(null=True, blank=True)
    created_by = models.TextField(blank=True)
    # Of the API key that made the run, and whose key it was then
    creator_key_id = models.UUIDField(null=True, blank=True)
    creator_owner_id = models.BigIntegerField(null=True, blank=True)
    creator_owner = models.TextField(blank=True)
    schedule_id = models.UUIDField(null=True, blank=True)  # the schedule that made the run
    # Who asked for the run, as it was made: None is unknown, "" nobody (a schedule)
    requester_id = models.BigIntegerField(null=True, blank=True)
    requester = models.TextField(null=True, blank=True)

    expires_at = models.DateTimeField(null=True, blank=True)
    # When the process that runs it was last there; null where none is needed, or none says so
    attended_at = models.DateTimeField(null=True, blank=True)

    retries = models.IntegerField(null=True, blank=True)
    retry_delay = models.IntegerField(null=True, blank=True)
    retry_type = models.TextField(null=True, blank=True)
    resuming = models.BooleanField(default=False)
    was_released = models.BooleanField(default=False)
    pause_keys = models.JSONField(default=list, blank=True)
    infrastructure_pid = models.TextField(null=True, blank=True)

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
            # Read by expire_pauses
            models.Index(
                fields=["expires_at"],
                condition=Q(expires_at__isnull=False),
                name="flow_run_expiring",
            ),
            # Read by end_abandoned_runs
            models.Index(
                fields=["attended_at"],
                condition=Q(attended_at__isnull=False),
                name="flow_run_attended",
            ),
            # Read by read_flow_runs: what waits, and what one flow did last
            models.Index(fields=["state_type", "id"], name="flow_run_by_state"),
            models.Index(fields=["flow", "id"], name="flow_run_by_flow"),
            models.Index(fields=["deployment", "id"], name="flow_run_by_deployment"),
            models.Index(
                Coalesce("start_time", "expected_start_time"), "id", name="flow_run_by_start"
            ),
            # Read by read_flow_runs: the run of a call of a subflow
            models.Index(
                fields=["parent_task_run_id"],
                condition=Q(parent_task_run_id__isnull=False),
                name="flow_run_by_parent",
            ),
            models.Index(fields=["expected_start_time"], name="flow_run_by_expected_start"),
            # Read by select_scheduled_flow_runs
            models.Index(
                fields=["deployment", "next_scheduled_start_time"],
                condition=Q(next_scheduled_start_time__isnull=False),
                name="flow_run_scheduled",
            ),
            # Read by mark_late_runs
            models.Index(
                fields=["state_type", "next_scheduled_start_time"],
                condition=Q(next_scheduled_start_time__isnull=False),
                name="flow_run_to_start",
            ),
        ]

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
            was_released=self.was_released,
        )


class ResponseKey(Func):
    """The key under which a pause has its answer, in the details of its state."""

    arity = 1
    output_field = models.TextField()
    templates: ClassVar = {
        "sqlite": "JSON_EXTRACT(%(expressions)s, '$.run_input_keyset.response')",
        "postgresql": "(%(expressions)s #>> '{run_input_keyset,response}')",
    }

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.templates["sqlite"])

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.templates["postgresql"])


class FlowRunState(Acted, RunState):
    """One state in a run's history, and who put the run into it."""

    flow_run = models.ForeignKey(FlowRun, on_delete=models.CASCADE, related_name="states")
    version = models.PositiveBigIntegerField()
    forced = models.BooleanField(default=False)

    class Meta:
        constraints = [
            # Also read by read_flow_run_states
            models.UniqueConstraint(fields=["flow_run", "version"], name="one_state_per_version")
        ]
        indexes = [
            # Read by create_run_input: whether a pause of the run has its answer under a key
            models.Index(
                "flow_run",
                ResponseKey("details"),
                condition=Q(type=StateType.PAUSED),
                name="pause_by_response",
            )
        ]


class RunInput(Acted):
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
    # For the keys that run the flow run
    is_confidential = models.BooleanField(default=False, db_default=False)

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
