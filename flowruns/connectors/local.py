"""Runs in our own tables."""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from flowruns import wire
from flowruns.connectors.protocol import (
    ArtifactHead,
    CheckedAnswer,
    HistoryState,
    PauseForm,
    Reply,
    Requester,
    TimelineEntry,
)
from flowruns.domain.actors import Actor, ActorKind, Owner
from flowruns.domain.errors import DeploymentNotFound, StateMovedOn
from flowruns.domain.keysets import policy_key, votes_key
from flowruns.domain.rejections import BY_POLICY, rejected
from flowruns.domain.states import State, StateType
from flowruns.domain.texts import read_text
from flowruns.domain.transitions import Accept
from flowruns.services import flows, timelines
from flowruns.services.deployments import deployments
from flowruns.services.presenting import present_flow_run, present_log
from flowruns.services.runs import artifacts, extending, flow_runs, logs, resume, run_inputs, states
from flowruns.services.runs.verdicts import Outcome
from flowruns.services.upkeep import heartbeat
from flowruns.wire.artifacts import Artifact


class LocalConnector:
    """The `Connector` of this server's own tables."""

    name = "local"

    def read_flow_run(self, flow_run_id: UUID) -> wire.FlowRun:
        return present_flow_run(flow_runs.read_flow_run(flow_run_id))

    def read_flow_name(self, flow_id: UUID) -> str:
        return flows.read_flow(flow_id).name

    def read_flow_run_states(self, flow_run_id: UUID) -> list[HistoryState]:
        return [
            HistoryState(state=wire.State.from_domain(row.to_domain()), actor=str(row.actor))
            for row in states.read_flow_run_states(flow_run_id)
        ]

    def read_timeline(
        self, flow_run_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[TimelineEntry]:
        return [
            TimelineEntry(
                id=entry.id,
                moment=entry.moment,
                state=wire.State.from_domain(entry.state),
                actor=str(entry.actor or ""),
                step=entry.task_run_name,
                run_time=entry.run_time,
            )
            for entry in timelines.read_timeline(flow_run_id, before=before, limit=limit)
        ]

    def is_served(self, flow_run: wire.FlowRun) -> bool:
        if flow_run.deployment_id is None:
            return False
        try:
            return deployments.is_served(deployments.read_deployment(flow_run.deployment_id))
        except DeploymentNotFound:  # deleted since the run was read
            return False

    def is_lost(self, flow_run_id: UUID) -> bool:
        return heartbeat.is_lost(flow_run_id)

    def read_logs(
        self,
        flow_run_id: UUID,
        *,
        limit: int,
        level: int = 0,
        text: str = "",
        before: tuple[datetime, UUID] | None = None,
    ) -> tuple[list[wire.Log], int]:
        found, count = logs.read_run_logs(
            flow_run_id, limit=limit, level=level, text=text, before=before
        )
        return [present_log(line) for line in found], count

    def list_artifacts(
        self, flow_run_id: UUID, *, limit: int, until: datetime | None = None
    ) -> list[ArtifactHead]:
        return [
            ArtifactHead(
                id=found.pk,
                key=found.key or "",
                type=found.type or "",
                description=found.description or "",
                updated=found.updated,
            )
            for found in artifacts.list_run_artifacts(flow_run_id, limit=limit, until=until)
        ]

    def read_artifact(self, artifact_id: UUID) -> Artifact:
        return artifacts.present_artifact(artifacts.read_artifact(artifact_id))

    def read_pause_form(
        self, flow_run_id: UUID, pause_state_id: UUID, *, pause: State | None = None
    ) -> PauseForm:
        if pause is None and (pause := _find_pause(flow_run_id, pause_state_id)) is None:
            return PauseForm(schema=None, description=None)
        keyset = pause.details.run_input_keyset or {}
        names = {
            "schema": keyset.get("schema", ""),
            "description": keyset.get("description", ""),
            "policy": policy_key(pause.name, pause.details.pause_key or ""),
        }
        inputs = run_inputs.find_run_inputs(flow_run_id, names.values())
        return PauseForm(
            schema=inputs.get(names["schema"]),
            description=read_text(inputs.get(names["description"])),
            policy=read_text(inputs.get(names["policy"])),
        )

    def read_requester(self, flow_run_id: UUID) -> Requester:
        run = flow_runs.read_flow_run(flow_run_id)
        if run.requester_id is None:
            return Requester(user=None, is_known=run.requester == "")
        user = Owner(id=run.requester_id, name=run.requester or "")
        return Requester(user=user, is_known=True)

    def read_deployment_name(self, deployment_id: UUID) -> str:
        return deployments.read_deployment(deployment_id).name

    def check_answer(
        self, flow_run_id: UUID, *, run_input: Any, pause_state_id: UUID
    ) -> CheckedAnswer:
        checked = resume.check_answer_to(
            flow_run_id, run_input=_as_literal(run_input), pause_state_id=pause_state_id
        )
        if isinstance(checked, resume.ResumeOutcome):
            return CheckedAnswer(text="", reply=_to_reply(checked, _problems_of(checked)))
        return CheckedAnswer(text=checked or "", reply=Reply(accepted=True, still_waits=True))

    def write_votes(
        self,
        flow_run_id: UUID,
        *,
        pause_state_id: UUID,
        votes: str,
        actor: Actor,
        is_confidential: bool = False,
    ) -> None:
        pause = states.read_flow_run_state(pause_state_id).to_domain()
        key = votes_key(pause.name, pause.details.pause_key or "")
        run_inputs.write_run_input(
            flow_run_id, key=key, value=votes, actor=actor, is_confidential=is_confidential
        )

    def may_extend_pause(self, flow_run_id: UUID, *, pause_state_id: UUID) -> bool:
        return extending.may_extend_pause(flow_run_id, pause_state_id=pause_state_id)

    def extend_pause(self, flow_run_id: UUID, *, pause_state_id: UUID, deadline: datetime) -> bool:
        return extending.extend_pause(flow_run_id, pause_state_id=pause_state_id, deadline=deadline)

    def resume_flow_run(
        self, flow_run_id: UUID, *, run_input: Any, pause_state_id: UUID, actor: Actor
    ) -> Reply:
        outcome = resume.resume_flow_run(
            flow_run_id,
            run_input=_as_literal(run_input),
            pause_state_id=pause_state_id,
            actor=actor,
        )
        return _to_reply(outcome, _problems_of(outcome))

    def reject_flow_run(
        self, flow_run_id: UUID, *, reason: str, pause_state_id: UUID, actor: Actor
    ) -> Reply:
        reviewer = BY_POLICY if actor.kind is ActorKind.POLICY else actor.name
        try:
            outcome = states.set_flow_run_state(
                flow_run_id,
                proposed=rejected(reviewer=reviewer, reason=reason),
                actor=actor,
                known_state_id=pause_state_id,
            )
        except StateMovedOn as error:
            return Reply(accepted=False, still_waits=False, reason=str(error))
        return _to_reply(outcome)


def _find_pause(flow_run_id: UUID, pause_state_id: UUID) -> State | None:
    found = states.find_state_of(flow_run_id, pause_state_id)
    return found.to_domain() if found is not None else None


def _as_literal(run_input: Any) -> dict[str, Any]:
    """Write an answer as JSON text, so that nothing in it is taken for a placeholder."""
    return {"__prefect_kind": "json", "value": json.dumps(run_input)}


def _problems_of(outcome: resume.ResumeOutcome) -> list[tuple[tuple[str | int, ...], str]]:
    return [(problem.path, problem.message) for problem in outcome.problems]


def _to_reply(
    outcome: Outcome, problems: list[tuple[tuple[str | int, ...], str]] | None = None
) -> Reply:
    if isinstance(outcome.verdict, Accept):
        return Reply(accepted=True, still_waits=False)
    return Reply(
        accepted=False,
        still_waits=outcome.state is not None and outcome.state.type is StateType.PAUSED,
        reason=outcome.verdict.reason,
        problems=problems or (),
    )
