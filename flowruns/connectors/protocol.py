"""What a connector can do, and what it tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from flowruns import wire
from flowruns.domain.actors import Actor, Owner
from flowruns.domain.states import State
from flowruns.wire.artifacts import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseForm:
    """What a pause asks: its schema and its Markdown description as stored, None where absent.

    `policy` is what the flow's author wrote of who may answer, as stored.
    """

    schema: str | None
    description: str | None
    policy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryState:
    """One state of a run's history, and who put the run into it ("" where that is unknown)."""

    state: wire.State
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """A state that a run went into, or a step of it (a task run) with its name and its state."""

    id: UUID
    moment: datetime
    state: wire.State
    actor: str = ""
    step: str = ""
    run_time: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a server says: whether the run goes on as asked.

    `problems` are (path, message) of a refused answer.
    """

    accepted: bool
    still_waits: bool
    reason: str = ""
    problems: Sequence[tuple[tuple[str | int, ...], str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAnswer:
    """An answer as the flow would get it, "" where nothing is asked, and what is said of it."""

    text: str
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Requester:
    """Who asked for a run, as it was made: a user, nobody (a schedule), or unknown."""

    user: Owner | None
    is_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactHead:
    """An artifact without its data, which may be large; another `updated` means other data."""

    id: UUID
    key: str
    type: str
    description: str
    updated: datetime


class Connector(Protocol):
    """One server that keeps flow runs. Unknown runs raise `FlowRunNotFound`."""

    name: str

    def read_flow_run(self, flow_run_id: UUID) -> wire.FlowRun:
        """Return the run as it is now."""

    def read_flow_name(self, flow_id: UUID) -> str:
        """Return the name of the flow that a run belongs to; raises `FlowNotFound`."""

    def read_flow_run_states(self, flow_run_id: UUID) -> list[HistoryState]:
        """Return the run's states, oldest first."""

    def read_timeline(
        self, flow_run_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[TimelineEntry]:
        """Return the latest states and steps before a place in time, the latest first."""

    def is_served(self, flow_run: wire.FlowRun) -> bool:
        """Whether somebody has lately asked for the runs of this run's deployment."""

    def is_lost(self, flow_run_id: UUID) -> bool:
        """Whether the process of the run was there and is not now, as far as that is known."""

    def read_logs(
        self,
        flow_run_id: UUID,
        *,
        limit: int,
        level: int = 0,
        text: str = "",
        before: tuple[datetime, UUID] | None = None,
    ) -> tuple[list[wire.Log], int]:
        """Return the newest lines that the run logged, newest first, and how many there are.

        Only those of at least `level`, with every word of `text`, before a place in time.
        """

    def list_artifacts(
        self, flow_run_id: UUID, *, limit: int, until: datetime | None = None
    ) -> list[ArtifactHead]:
        """Return what the run left to look at, the latest version of each key, oldest first."""

    def read_artifact(self, artifact_id: UUID) -> Artifact:
        """Return an artifact with its data; raises `ArtifactNotFound`."""

    def read_pause_form(
        self, flow_run_id: UUID, pause_state_id: UUID, *, pause: State | None = None
    ) -> PauseForm:
        """Return what that pause of the run asks; whoever has read the `pause` passes it on."""

    def read_requester(self, flow_run_id: UUID) -> Requester:
        """Return who asked for the run."""

    def read_deployment_name(self, deployment_id: UUID) -> str:
        """Return the name of a deployment; raises `DeploymentNotFound`."""

    def check_answer(
        self, flow_run_id: UUID, *, run_input: Any, pause_state_id: UUID
    ) -> CheckedAnswer:
        """Check an answer as `resume_flow_run` does, and leave the run as it is."""

    def write_votes(
        self,
        flow_run_id: UUID,
        *,
        pause_state_id: UUID,
        votes: str,
        actor: Actor,
        is_confidential: bool = False,
    ) -> None:
        """Tell the flow, as JSON text beside its answer, who gave it.

        What is confidential is for the keys that run it, where the server can tell them apart.
        """

    def may_extend_pause(self, flow_run_id: UUID, *, pause_state_id: UUID) -> bool:
        """Whether whoever waits in that pause hears of another deadline."""

    def extend_pause(self, flow_run_id: UUID, *, pause_state_id: UUID, deadline: datetime) -> bool:
        """Move the deadline of that pause; False where `may_extend_pause` says so, or too late."""

    def resume_flow_run(
        self, flow_run_id: UUID, *, run_input: Any, pause_state_id: UUID, actor: Actor
    ) -> Reply:
        """Answer that pause, and no later one, with a JSON value taken literally."""

    def reject_flow_run(
        self, flow_run_id: UUID, *, reason: str, pause_state_id: UUID, actor: Actor
    ) -> Reply:
        """Cancel the run out of that pause, in the name of the reviewer or of a policy."""
