"""One Prefect server as a `Connector`: what can be read there, and the steps of an answer."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from flowruns import wire
from flowruns.connectors.prefect.errors import NeedsAttempt
from flowruns.connectors.prefect.outcomes import (
    Changes,
    Claimed,
    Continued,
    Ended,
    Expired,
    Moved,
    MovedOn,
    Probe,
    Refused,
    Response,
    TakenBy,
)
from flowruns.connectors.protocol import (
    ArtifactHead,
    CheckedAnswer,
    HistoryState,
    PauseForm,
    Reply,
    Requester,
    TimelineEntry,
)
from flowruns.domain.actors import Actor
from flowruns.models import RemoteServer
from flowruns.wire.artifacts import Artifact


class PrefectConnector:
    """The `Connector` of one Prefect server. Whatever asks the server raises `RemoteTrouble`.

    Threads may share it. `server` is the row as it was when the connector was got.
    """

    def __init__(self, server: RemoteServer) -> None:
        self.name = server.name
        self.server = server

    @property
    def can_answer(self) -> bool:
        """Whether this desk knows how runs are answered on the server's version."""
        raise NotImplementedError

    # What a mirror asks

    def probe(self) -> Probe:
        """Ask for the version, which shows reach, credentials and clock."""
        raise NotImplementedError

    def walk(self) -> Iterator[list[wire.FlowRun]]:
        """Yield all runs that wait, page by page; a run that cannot be read is left out."""
        raise NotImplementedError

    def find_changes(self, known: Collection[UUID]) -> Changes:
        """Return how the waiting runs differ from those that are known.

        A run that paused again between two looks is in none of the lists.
        """
        raise NotImplementedError

    def watch(self, *, since: datetime, stopped: Callable[[], bool]) -> Iterator[Moved | None]:
        """Yield what the server's stream tells, and None about once a second while it lives.

        Ends once `stopped()`; raises `RemoteTrouble` when the stream breaks.
        """
        raise NotImplementedError

    def read_pause(self, run: wire.FlowRun) -> PauseForm | None:
        """Return what the run's pause asks, None where its schema is not there within 2 s.

        Prefect's SDK stores the schema after it paused the run.
        """
        raise NotImplementedError

    def read_ending(self, flow_run_id: UUID, pause_state_id: UUID) -> wire.State | None:
        """Return the first state after that pause, None while it lasts or is not in the history."""
        raise NotImplementedError

    def read_response(self, flow_run_id: UUID, pause_state_id: UUID) -> Response | None:
        """Return the stored answer to that pause, if any."""
        raise NotImplementedError

    # The steps of an answer

    def claim(
        self, flow_run_id: UUID, *, pause_state_id: UUID, value: str, sender: str
    ) -> Claimed | TakenBy | MovedOn:
        """Store an answer (JSON text) in the name of `sender`, our attempt, unless there is one.

        May be called again after anything: a claim of the same sender is `Claimed`.
        """
        raise NotImplementedError

    def move(
        self, flow_run_id: UUID, *, pause_state_id: UUID
    ) -> Continued | Expired | MovedOn | Refused:
        """Let a claimed run go on with what is stored."""
        raise NotImplementedError

    def release(self, flow_run_id: UUID, *, pause_state_id: UUID, sender: str) -> None:
        """Take our own claim back; anybody else's stays."""
        raise NotImplementedError

    def resume(
        self, flow_run_id: UUID, *, pause_state_id: UUID, value: str | None
    ) -> Continued | Expired | MovedOn | Refused:
        """Answer by Prefect's own call, with JSON text taken literally, or None for no answer.

        For servers whose `answer_mode` is resume. It knows no precondition, so a call that is
        delivered late may answer the next pause: never send it again without a look.
        """
        raise NotImplementedError

    def end(
        self, flow_run_id: UUID, *, pause_state_id: UUID, reviewer: str, reason: str
    ) -> Ended | Expired | MovedOn | Refused:
        """End the run out of that pause, as far as this server can."""
        raise NotImplementedError

    def finish_end(self, flow_run_id: UUID, *, reviewer: str, reason: str) -> Ended:
        """See to it that a run that was told to end has ended, a minute after it was told."""
        raise NotImplementedError

    # What every connector reads

    def read_flow_run(self, flow_run_id: UUID) -> wire.FlowRun:
        raise NotImplementedError

    def read_flow_name(self, flow_id: UUID) -> str:
        raise NotImplementedError

    def read_flow_run_states(self, flow_run_id: UUID) -> list[HistoryState]:
        raise NotImplementedError

    def read_timeline(
        self, flow_run_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[TimelineEntry]:
        raise NotImplementedError

    def is_served(self, flow_run: wire.FlowRun) -> bool:
        raise NotImplementedError

    def is_lost(self, flow_run_id: UUID) -> bool:
        return False

    def read_logs(
        self,
        flow_run_id: UUID,
        *,
        limit: int,
        level: int = 0,
        text: str = "",
        before: tuple[datetime, UUID] | None = None,
    ) -> tuple[list[wire.Log], int]:
        raise NotImplementedError

    def list_artifacts(
        self, flow_run_id: UUID, *, limit: int, until: datetime | None = None
    ) -> list[ArtifactHead]:
        raise NotImplementedError

    def read_artifact(self, artifact_id: UUID) -> Artifact:
        raise NotImplementedError

    def read_pause_form(self, flow_run_id: UUID, pause_state_id: UUID) -> PauseForm:
        raise NotImplementedError

    def read_requester(self, flow_run_id: UUID) -> Requester:
        return Requester(user=None, is_known=False)

    def read_deployment_name(self, deployment_id: UUID) -> str:
        raise NotImplementedError

    def check_answer(
        self, flow_run_id: UUID, *, run_input: Any, pause_state_id: UUID
    ) -> CheckedAnswer:
        """Check schema and formats, which Prefect's server leaves out, and claim nothing."""
        raise NotImplementedError

    def write_votes(
        self, flow_run_id: UUID, *, pause_state_id: UUID, votes: str, actor: Actor
    ) -> None:
        """Tell the flow who answered; between claim and move, never inside a transaction."""
        raise NotImplementedError

    def resume_flow_run(
        self, flow_run_id: UUID, *, run_input: Any, pause_state_id: UUID, actor: Actor
    ) -> Reply:
        raise NeedsAttempt

    def reject_flow_run(
        self, flow_run_id: UUID, *, reason: str, pause_state_id: UUID, actor: Actor
    ) -> Reply:
        raise NeedsAttempt
