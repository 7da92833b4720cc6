"""One Prefect server as a `Connector`: what can be read there, and the steps of an answer."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from flowruns import wire
from flowruns.connectors.prefect import (
    answering,
    checking,
    details,
    listing,
    probing,
    reading,
    rejecting,
    surroundings,
    versions,
)
from flowruns.connectors.prefect.address import Address
from flowruns.connectors.prefect.client import Client, open_client
from flowruns.connectors.prefect.errors import NeedsAttempt, Unauthorized, UnknownVersion
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
    Surroundings,
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
from flowruns.domain.errors import EncryptionKeyChanged
from flowruns.domain.rejections import rejected
from flowruns.domain.states import State
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
        is_known = versions.can_be_answered(self.server.version)
        return is_known or self.server.kind == RemoteServer.Kind.CLOUD

    # What a mirror asks

    def probe(self) -> Probe:
        """Ask for the version, which shows reach, credentials and clock."""
        return probing.probe(self._client)

    def walk(self) -> Iterator[list[wire.FlowRun]]:
        """Yield all runs that wait, page by page; a run that cannot be read is left out."""
        return listing.walk(self._client, tags=self.server.tags)

    def find_changes(self, known: Collection[UUID]) -> Changes:
        """Return how the waiting runs differ from those that are known.

        A run that paused again between two looks is in none of the lists.
        """
        return listing.find_changes(self._client, known, tags=self.server.tags)

    def watch(self, *, since: datetime, stopped: Callable[[], bool]) -> Iterator[Moved | None]:
        """Yield what the server's stream tells, and None about once a second while it lives.

        Ends once `stopped()`; raises `RemoteTrouble` when the stream breaks.
        """
        from flowruns.connectors.prefect import stream  # websockets come with it

        return stream.watch(self._client.address, since=since, stopped=stopped)

    def read_flow_runs(self, flow_run_ids: Collection[UUID]) -> dict[UUID, wire.FlowRun]:
        """Return by id those of the runs that are there and can be read."""
        return listing.read_runs(self._client, flow_run_ids)

    def read_surroundings(self, runs: Collection[wire.FlowRun]) -> dict[UUID, Surroundings]:
        """Return by a run's id what it belongs to."""
        return surroundings.read_surroundings(self._client, runs)

    def read_pause(self, run: wire.FlowRun, *, patience: float = 2.0) -> PauseForm:
        """Return what the run's pause asks, as far as it is there within so many seconds.

        Prefect's SDK stores the schema after it paused the run.
        """
        return reading.read_pause(self._client, run, patience=patience)

    def find_ending(self, flow_run_id: UUID, pause_state_id: UUID) -> MovedOn:
        """Return the first state after that pause and the stored answer to it.

        Neither while the pause lasts, or is not in the history.
        """
        return answering.find_ending(self._client, flow_run_id, pause_state_id)

    def read_response(self, flow_run_id: UUID, pause_state_id: UUID) -> Response | None:
        """Return the stored answer to that pause, if any."""
        pause = reading.read_pause_state(self._client, flow_run_id, pause_state_id)
        return reading.read_response(self._client, flow_run_id, pause) if pause else None

    # The steps of an answer

    def claim(
        self, flow_run_id: UUID, *, pause_state_id: UUID, value: str, sender: str
    ) -> Claimed | TakenBy | MovedOn:
        """Store an answer (JSON text) in the name of `sender`, our attempt, unless there is one.

        May be called again after anything: a claim of the same sender is `Claimed`.
        """
        return answering.claim(
            self._answering, flow_run_id, pause_state_id=pause_state_id, value=value, sender=sender
        )

    def move(
        self, flow_run_id: UUID, *, pause_state_id: UUID
    ) -> Continued | Expired | MovedOn | Refused:
        """Let a claimed run go on with what is stored."""
        return answering.move(self._answering, flow_run_id, pause_state_id=pause_state_id)

    def uphold_cancel(self, flow_run_id: UUID, *, pause_state_id: UUID) -> None:
        """Cancel a run again that was cancelled in the moment in which we let it go on."""
        answering.uphold_cancel(self._answering, flow_run_id, pause_state_id=pause_state_id)

    def release(self, flow_run_id: UUID, *, pause_state_id: UUID, sender: str | None) -> None:
        """Take the claim of that sender back, our own or one that a reviewer frees."""
        answering.release(self._client, flow_run_id, pause_state_id=pause_state_id, sender=sender)

    def resume(
        self, flow_run_id: UUID, *, pause_state_id: UUID, value: str | None
    ) -> Continued | Expired | MovedOn | Refused:
        """Answer by Prefect's own call, with JSON text taken literally, or None for no answer.

        For servers whose `answer_mode` is resume. It knows no precondition, so a call that is
        delivered late may answer the next pause: never send it again without a look.
        """
        return answering.resume(
            self._answering, flow_run_id, pause_state_id=pause_state_id, value=value
        )

    def end(
        self, flow_run_id: UUID, *, pause_state_id: UUID, reviewer: str, reason: str
    ) -> Ended | Expired | MovedOn | Refused:
        """End the run out of that pause, as far as this server can."""
        return rejecting.end(
            self._answering,
            flow_run_id,
            pause_state_id=pause_state_id,
            rejection=rejected(reviewer=reviewer, reason=reason),
            version=self.server.version,
        )

    def finish_end(self, flow_run_id: UUID, *, reviewer: str, reason: str) -> Ended:
        """See to it that a run that was told to end has ended, a minute after it was told."""
        return rejecting.finish_end(
            self._answering,
            flow_run_id,
            rejection=rejected(reviewer=reviewer, reason=reason),
            clock_offset=self.server.clock_offset,
        )

    # What every connector reads

    def read_flow_run(self, flow_run_id: UUID) -> wire.FlowRun:
        return reading.read_flow_run(self._client, flow_run_id)

    def read_flow_name(self, flow_id: UUID) -> str:
        return reading.read_flow_name(self._client, flow_id)

    def read_flow_run_states(self, flow_run_id: UUID) -> list[HistoryState]:
        states = reading.read_states(self._client, flow_run_id)
        return [HistoryState(state=state, actor="") for state in states]

    def read_timeline(
        self, flow_run_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[TimelineEntry]:
        return details.read_timeline(self._client, flow_run_id, before=before, limit=limit)

    def is_served(self, flow_run: wire.FlowRun) -> bool:
        return reading.is_served(self._client, flow_run)

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
        return details.read_logs(
            self._client, flow_run_id, limit=limit, level=level, text=text, before=before
        )

    def list_artifacts(
        self, flow_run_id: UUID, *, limit: int, until: datetime | None = None
    ) -> list[ArtifactHead]:
        return details.list_artifacts(self._client, flow_run_id, limit=limit, until=until)

    def read_artifact(self, artifact_id: UUID) -> Artifact:
        return details.read_artifact(self._client, artifact_id)

    def read_pause_form(
        self, flow_run_id: UUID, pause_state_id: UUID, *, pause: State | None = None
    ) -> PauseForm:
        found = (
            wire.State.from_domain(pause)
            if pause is not None
            else reading.read_pause_state(self._client, flow_run_id, pause_state_id)
        )
        if found is None:
            return PauseForm(schema=None, description=None)
        return reading.read_form(self._client, flow_run_id, found)

    def read_requester(self, flow_run_id: UUID) -> Requester:
        return Requester(user=None, is_known=False)

    def read_deployment_name(self, deployment_id: UUID) -> str:
        return str(reading.read_deployment(self._client, deployment_id).get("name", ""))

    def check_answer(
        self, flow_run_id: UUID, *, run_input: Any, pause_state_id: UUID
    ) -> CheckedAnswer:
        """Check schema and formats, which Prefect's server leaves out, and claim nothing."""
        return checking.check_answer(
            self._client, flow_run_id, run_input=run_input, pause_state_id=pause_state_id
        )

    def write_votes(
        self,
        flow_run_id: UUID,
        *,
        pause_state_id: UUID,
        votes: str,
        actor: Actor,
        is_confidential: bool = False,
    ) -> None:
        """Tell the flow who answered; between claim and move, never inside a transaction."""
        answering.write_votes(
            self._answering, flow_run_id, pause_state_id=pause_state_id, votes=votes
        )

    def resume_flow_run(
        self, flow_run_id: UUID, *, run_input: Any, pause_state_id: UUID, actor: Actor
    ) -> Reply:
        raise NeedsAttempt

    def may_extend_pause(self, flow_run_id: UUID, *, pause_state_id: UUID) -> bool:
        return False

    def extend_pause(self, flow_run_id: UUID, *, pause_state_id: UUID, deadline: datetime) -> bool:
        """A Prefect server moves no deadline."""
        return False

    def reject_flow_run(
        self, flow_run_id: UUID, *, reason: str, pause_state_id: UUID, actor: Actor
    ) -> Reply:
        raise NeedsAttempt

    @property
    def _client(self) -> Client:
        try:
            return open_client(Address.of(self.server))
        except EncryptionKeyChanged as error:
            raise Unauthorized(str(error)) from error

    @property
    def _answering(self) -> Client:
        """The client, where this desk may answer at all."""
        if not self.can_answer:
            raise UnknownVersion
        return self._client.for_answers()
