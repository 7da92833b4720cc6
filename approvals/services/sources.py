"""Where an approval's run is read: in our own tables, or in what was read of its server last.

So whatever judges and records does it in one transaction, for runs of other servers too, and a
server that is away keeps nobody waiting.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from approvals.models import Approval, Attempt, Snapshot
from approvals.services.attempts import write_attempt
from flowruns import wire
from flowruns.connectors import (
    LOCAL,
    ArtifactHead,
    CheckedAnswer,
    Connector,
    HistoryState,
    PauseForm,
    Reply,
    Requester,
    TimelineEntry,
    get_connector,
)
from flowruns.connectors.prefect.checking import check_against
from flowruns.domain.actors import Actor
from flowruns.domain.errors import ArtifactNotFound, FlowRunNotFound
from flowruns.domain.states import State
from flowruns.wire.artifacts import Artifact


def find_source(approval: Approval) -> Connector:
    """Return what answers for an approval's run without asking another server."""
    if approval.connector == LOCAL:
        return get_connector(LOCAL)
    return SnapshotSource(approval)


def read_form(approval: Approval, *, pause: State | None = None) -> PauseForm:
    """Return what an approval asks, as far as it is there; pass on its `pause` if you have it."""
    source = find_source(approval)
    return source.read_pause_form(approval.flow_run_id, approval.pause_state_id, pause=pause)


def find_source_of(flow_run_id: UUID) -> Connector:
    """Return what answers for a run: a run of this server, unless its approvals say otherwise."""
    approvals = Approval.objects.filter(flow_run_id=flow_run_id).order_by("-opened_at")
    if approvals.filter(connector=LOCAL).exists():
        return get_connector(LOCAL)
    newest = approvals.first()
    return get_connector(LOCAL) if newest is None else SnapshotSource(newest)


class SnapshotSource:
    """The `Connector` of one approval of another server: what was read last, and what is sent next.

    An answer is a row here, which a loop brings to the server.
    """

    def __init__(self, approval: Approval) -> None:
        self.name = approval.connector
        self._approval = approval

    @property
    def _snapshot(self) -> Snapshot:
        return self._approval.snapshot

    def read_flow_run(self, flow_run_id: UUID) -> wire.FlowRun:
        if self._snapshot.is_deleted:
            raise FlowRunNotFound
        return wire.FlowRun.model_validate(self._snapshot.run)

    def read_flow_name(self, flow_id: UUID) -> str:
        return self._approval.flow_name

    def read_flow_run_states(self, flow_run_id: UUID) -> list[HistoryState]:
        return [
            HistoryState(state=wire.State.model_validate(each), actor="")
            for each in self._snapshot.states
        ]

    def read_timeline(
        self, flow_run_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[TimelineEntry]:
        states = [past.state for past in self.read_flow_run_states(flow_run_id)]
        entries = [TimelineEntry(id=each.id, moment=each.timestamp, state=each) for each in states]
        earlier = [each for each in entries if before is None or (each.moment, each.id) < before]
        return sorted(earlier, key=lambda each: (each.moment, each.id), reverse=True)[:limit]

    def is_served(self, flow_run: wire.FlowRun) -> bool:
        return self._snapshot.is_served

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
        lines = [wire.Log.model_validate(each) for each in self._snapshot.logs]
        words = text.lower().split()
        found = [
            line
            for line in lines
            if line.level >= level
            and all(word in line.message.lower() for word in words)
            and (before is None or (line.timestamp, line.id) < before)
        ]
        is_all = not (level or words or before)
        return found[:limit], self._snapshot.log_count if is_all else len(found)

    def list_artifacts(
        self, flow_run_id: UUID, *, limit: int, until: datetime | None = None
    ) -> list[ArtifactHead]:
        kept = self._artifacts()
        return [_head_of(each) for each in kept if until is None or _is_before(each, until)][
            -limit:
        ]

    def read_artifact(self, artifact_id: UUID) -> Artifact:
        for each in self._artifacts():
            if each.id == artifact_id:
                return each
        raise ArtifactNotFound

    def _artifacts(self) -> Sequence[Artifact]:
        return [Artifact.model_validate(each) for each in self._snapshot.artifacts]

    def read_pause_form(
        self, flow_run_id: UUID, pause_state_id: UUID, *, pause: State | None = None
    ) -> PauseForm:
        kept = self._snapshot
        return PauseForm(schema=kept.schema, description=kept.description, policy=kept.policy)

    def read_requester(self, flow_run_id: UUID) -> Requester:
        """A schedule is nobody; who else made a run is not a user of ours."""
        return Requester(user=None, is_known=bool(self._snapshot.run.get("auto_scheduled")))

    def read_deployment_name(self, deployment_id: UUID) -> str:
        return self._snapshot.deployment_name

    def check_answer(
        self, flow_run_id: UUID, *, run_input: Any, pause_state_id: UUID
    ) -> CheckedAnswer:
        """Check schema and formats here, since a server that is claimed first checks nothing."""
        if not self._approval.asks_for_input:
            return CheckedAnswer(text="", reply=_ACCEPTABLE)
        return check_against(self._snapshot.schema, run_input=run_input)

    def write_votes(
        self,
        flow_run_id: UUID,
        *,
        pause_state_id: UUID,
        votes: str,
        actor: Actor,
        is_confidential: bool = False,
    ) -> None:
        """The attempt tells the flow who answered, before the run goes on."""

    def may_extend_pause(self, flow_run_id: UUID, *, pause_state_id: UUID) -> bool:
        return False

    def extend_pause(self, flow_run_id: UUID, *, pause_state_id: UUID, deadline: datetime) -> bool:
        """Another server's deadlines are not ours to move."""
        return False

    def resume_flow_run(
        self, flow_run_id: UUID, *, run_input: Any, pause_state_id: UUID, actor: Actor
    ) -> Reply:
        checked = self.check_answer(flow_run_id, run_input=run_input, pause_state_id=pause_state_id)
        if not checked.reply.accepted:
            return checked.reply
        kind = Attempt.Kind.ANSWER
        return write_attempt(self._approval, kind=kind, actor=actor, value=checked.text)

    def reject_flow_run(
        self, flow_run_id: UUID, *, reason: str, pause_state_id: UUID, actor: Actor
    ) -> Reply:
        kind = Attempt.Kind.REJECT
        return write_attempt(self._approval, kind=kind, actor=actor, reason=reason)


_ACCEPTABLE = Reply(accepted=True, still_waits=True)


def _head_of(artifact: Artifact) -> ArtifactHead:
    return ArtifactHead(
        id=artifact.id,
        key=artifact.key or "",
        type=artifact.type or "",
        description=artifact.description or "",
        updated=_updated(artifact),
    )


def _updated(artifact: Artifact) -> datetime:
    moment = artifact.updated or artifact.created
    return moment or datetime.fromtimestamp(0).astimezone()


def _is_before(artifact: Artifact, until: datetime) -> bool:
    return artifact.created is None or artifact.created <= until
