"""What runs of flows and of tasks have in common: a current state, a history, counters, times."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models

from flowruns.domain.ids import new_id
from flowruns.domain.states import State, StateDetails, StateType
from flowruns.models.fields import choices_of


class Run(models.Model):
    """A run with its current state, `state`, whose row is in the run's history."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    updated = models.DateTimeField(auto_now=True)
    name = models.TextField()
    tags = models.JSONField(default=list, blank=True)
    labels = models.JSONField(default=dict, blank=True)

    state_type = models.CharField(
        max_length=16, choices=choices_of(StateType), null=True, blank=True
    )
    state_name = models.TextField(null=True, blank=True)
    state_timestamp = models.DateTimeField(null=True, blank=True)

    run_count = models.PositiveIntegerField(default=0)
    expected_start_time = models.DateTimeField(null=True, blank=True)
    next_scheduled_start_time = models.DateTimeField(null=True, blank=True)
    start_time = models.DateTimeField(null=True, blank=True)
    end_time = models.DateTimeField(null=True, blank=True)
    total_run_time = models.DurationField(default=timedelta(0))

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    @property
    def is_new(self) -> bool:
        """Whether it is not stored yet."""
        return self._state.adding


class RunState(models.Model):
    """One state in a run's history."""

    id = models.UUIDField(primary_key=True, editable=False)
    type = models.CharField(max_length=16, choices=choices_of(StateType))
    name = models.TextField()
    timestamp = models.DateTimeField()
    message = models.TextField(null=True, blank=True)
    data = models.JSONField(null=True, blank=True)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        abstract = True

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
            details=_read_details(self.details),
        )


def _read_details(stored: dict[str, object]) -> StateDetails:
    fields = dict(stored)
    for name in ("scheduled_time", "pause_timeout"):
        if isinstance(value := fields.get(name), str):
            fields[name] = datetime.fromisoformat(value).astimezone(UTC)
    return StateDetails(**fields)  # type: ignore[arg-type]  # written by dump_details


def dump_state(state: State) -> dict[str, Any]:
    """Return the columns of a state in a run's history."""
    return {
        "id": state.id,
        "type": state.type,
        "name": state.name,
        "timestamp": state.timestamp,
        "message": state.message,
        "data": state.data,
        "details": dump_details(state.details),
    }


def dump_current_state(state: State) -> dict[str, Any]:
    """Return what a run's row shows of its state."""
    return {
        "state_id": state.id,
        "state_type": state.type,
        "state_name": state.name,
        "state_timestamp": state.timestamp,
    }


def dump_details(details: StateDetails) -> dict[str, Any]:
    """Write details as JSON: what differs from the default, times in ISO 8601."""
    stored = {name: value for name, value in asdict(details).items() if value}
    for name in ("scheduled_time", "pause_timeout"):
        if name in stored:
            stored[name] = stored[name].isoformat()
    return stored
