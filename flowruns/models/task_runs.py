"""Task runs as the processes that run them report them."""

from datetime import UTC, timedelta

from django.db import models

from flowruns.domain.ids import new_id
from flowruns.domain.states import State, StateType
from flowruns.domain.transitions import RunFacts
from flowruns.models.fields import choices_of
from flowruns.models.runs import read_details


class TaskRun(models.Model):
    """One run of a task, with its latest state; its flow run may be unknown to this server."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    name = models.TextField()
    flow_run_id = models.UUIDField(null=True, blank=True)
    task_key = models.TextField()
    dynamic_key = models.TextField()
    cache_key = models.TextField(null=True, blank=True)
    cache_expiration = models.DateTimeField(null=True, blank=True)
    task_version = models.TextField(null=True, blank=True)
    empirical_policy = models.JSONField(default=dict, blank=True)
    tags = models.JSONField(default=list, blank=True)
    labels = models.JSONField(default=dict, blank=True)
    task_inputs = models.JSONField(default=dict, blank=True)

    state_id = models.UUIDField(null=True, blank=True)
    state_type = models.CharField(
        max_length=16, choices=choices_of(StateType), null=True, blank=True
    )
    state_name = models.TextField(null=True, blank=True)
    state_timestamp = models.DateTimeField(null=True, blank=True)

    run_count = models.PositiveIntegerField(default=0)
    flow_run_run_count = models.PositiveIntegerField(default=0)
    expected_start_time = models.DateTimeField(null=True, blank=True)
    next_scheduled_start_time = models.DateTimeField(null=True, blank=True)
    start_time = models.DateTimeField(null=True, blank=True)
    end_time = models.DateTimeField(null=True, blank=True)
    total_run_time = models.DurationField(default=timedelta(0))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["flow_run_id", "task_key", "dynamic_key"], name="one_task_run_per_call"
            )
        ]
        indexes = [
            # read by read_task_runs
            models.Index(fields=["state_type", "id"], name="task_run_by_state"),
            # read by read_timeline: the task runs of one run in their order
            models.Index(
                fields=["flow_run_id", "expected_start_time"], name="task_run_by_flow_run"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def facts(self) -> RunFacts:
        """What a new state changes: counters and times."""
        return RunFacts(
            run_count=self.run_count,
            expected_start_time=self.expected_start_time,
            next_scheduled_start_time=self.next_scheduled_start_time,
            start_time=self.start_time,
            end_time=self.end_time,
            total_run_time=self.total_run_time,
        )


class TaskRunState(models.Model):
    """One state in a task run's history, at the time that its process gave."""

    id = models.UUIDField(primary_key=True, editable=False)
    task_run = models.ForeignKey(TaskRun, on_delete=models.CASCADE, related_name="states")
    type = models.CharField(max_length=16, choices=choices_of(StateType))
    name = models.TextField()
    timestamp = models.DateTimeField()
    message = models.TextField(null=True, blank=True)
    data = models.JSONField(null=True, blank=True)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        # read by read_task_run_states
        indexes = [models.Index(fields=["task_run", "timestamp"], name="task_run_state_by_time")]

    def __str__(self) -> str:
        return self.name

    def to_domain(self) -> State:
        return State(
            id=self.id,
            type=StateType(self.type),
            name=self.name,
            timestamp=self.timestamp.astimezone(UTC),
            message=self.message,
            data=self.data,
            details=read_details(self.details),
        )
