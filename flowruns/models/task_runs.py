"""Task runs as the processes that run them report them."""

from django.db import models

from flowruns.domain.transitions import RunFacts
from flowruns.models.states import Run, RunState


class TaskRun(Run):
    """One run of a task, with its latest state; its flow run may be unknown to this server."""

    state = models.ForeignKey(
        "TaskRunState",
        # The state's row goes with the run's, and is stored after it
        on_delete=models.DO_NOTHING,
        null=True,
        blank=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    flow_run_id = models.UUIDField(null=True, blank=True)
    task_key = models.TextField()
    dynamic_key = models.TextField()
    cache_key = models.TextField(null=True, blank=True)
    cache_expiration = models.DateTimeField(null=True, blank=True)
    task_version = models.TextField(null=True, blank=True)
    empirical_policy = models.JSONField(default=dict, blank=True)
    task_inputs = models.JSONField(default=dict, blank=True)

    flow_run_run_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["flow_run_id", "task_key", "dynamic_key"], name="one_task_run_per_call"
            )
        ]
        indexes = [
            # Read by read_task_runs
            models.Index(fields=["state_type", "id"], name="task_run_by_state"),
            # Read by read_timeline: the task runs of one run in their order
            models.Index(
                fields=["flow_run_id", "expected_start_time"], name="task_run_by_flow_run"
            ),
        ]

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


class TaskRunState(RunState):
    """One state in a task run's history, at the time that its process gave."""

    task_run = models.ForeignKey(TaskRun, on_delete=models.CASCADE, related_name="states")

    class Meta:
        # Read by read_task_run_states
        indexes = [models.Index(fields=["task_run", "timestamp"], name="task_run_state_by_time")]
