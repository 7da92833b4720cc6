"""What happens to flow runs, told inside the transaction in which it happens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.dispatch import Signal

from flowruns.domain.actors import Actor
from flowruns.domain.states import State


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """A run went from one state to another; `after` is None when the run was deleted.

    `run_input` is the answer as stored (JSON text), where an answer made the change. `parameters`
    are those of the run.
    """

    flow_run_id: UUID
    flow_run_name: str
    flow_name: str
    tags: tuple[str, ...]
    before: State | None
    after: State | None
    actor: Actor
    run_input: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class InputCreated:
    """A run got an input, such as the description of a pause."""

    flow_run_id: UUID
    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InputDeleted:
    """A run lost an input, such as the schema of a pause that another one is to replace."""

    flow_run_id: UUID
    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactChange:
    """A run made an artifact, changed it or deleted it."""

    flow_run_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseEnding:
    """Somebody wants a run to go on from a pause, or a reviewer to reject it.

    `run_input` is the answer as it would be stored, where there is one. The run may have left the
    pause already for an end that nobody decided, and a process may still wait there.
    """

    flow_run_id: UUID
    pause: State
    proposed: State
    actor: Actor
    run_input: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseOverdue:
    """The time of a pause is over, and it is about to fail: what was due before may still be done.

    Whoever waits in it hears of how it ends.
    """

    flow_run_id: UUID
    pause: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Somebody did what an auditor asks for, such as logging in or deleting a flow.

    `actor` is an actor as its `str` says, "" where nobody is known; `address` where it came from.
    """

    action: str
    actor: str
    subject: str = ""
    address: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


# Receivers get `act: Act`
acted = Signal()
# Receivers get `ending: PauseEnding` and return why the run may not go on, or None
pause_is_ending = Signal()
# Receivers get `overdue: PauseOverdue`, outside of a transaction
pause_is_overdue = Signal()
# Receivers get `change: StateChange`, and `run`, the row as it is now, where they may see tables;
# one that raises undoes the change
flow_run_state_changed = Signal()
# Receivers get `created: InputCreated`
run_input_created = Signal()
# Receivers get `change: ArtifactChange`
artifact_changed = Signal()
# Receivers get `deleted: InputDeleted`
run_input_deleted = Signal()
# All that is encrypted is encrypted anew, with the first of the server's keys
encrypting_anew = Signal()
