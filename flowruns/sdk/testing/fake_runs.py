"""What the fake server of `flowruns.testing` keeps of a flow run, and how it answers."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from flowruns import wire
from flowruns.domain import states
from flowruns.domain.keysets import policy_key
from flowruns.domain.policies import ANNOTATION
from flowruns.domain.transitions import Abort, Accept, Reject, RunFacts, Wait
from flowruns.sdk.steps.steps import Reply, Send
from flowruns.sdk.testing.reviewers import Asked


@dataclass(slots=True)
class FakeRun:
    run: wire.FlowRun
    facts: RunFacts
    history: list[states.State]
    inputs: dict[str, str] = field(default_factory=dict)
    senders: dict[str, str | None] = field(default_factory=dict)

    @property
    def state(self) -> states.State:
        return self.history[-1]

    @property
    def names(self) -> list[str]:
        return [state.name for state in self.history]

    def as_wire(self) -> wire.FlowRun:
        state = wire.State.from_domain(self.state)
        policy = self.run.empirical_policy.model_copy(
            update={"pause_keys": sorted(self.facts.pause_keys)}
        )
        known = {"state": state, "state_id": state.id, "state_type": state.type}
        return self.run.model_copy(
            update=known
            | {"state_name": state.name, "empirical_policy": policy}
            | {"run_count": self.facts.run_count}
        )


def is_outdated(run: FakeRun, request: Send) -> bool:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return headers.get("if-match") not in {None, f'"{run.state.id}"'}


def reply_with_inputs(run: FakeRun, wanted: wire.RunInputFilter) -> Reply:
    found = [
        wire.RunInput(
            id=uuid4(), flow_run_id=run.run.id, key=key, value=value, sender=run.senders.get(key)
        ).model_dump(mode="json")
        for key, value in run.inputs.items()
        if key.startswith(wanted.prefix) and key not in wanted.exclude_keys
    ]
    return json_reply(200, found[: wanted.limit])


def show_state(state: states.State) -> dict[str, Any]:
    return wire.State.from_domain(state).model_dump(mode="json")


def read_question(run: FakeRun) -> Asked:
    keyset = run.state.details.run_input_keyset or {}
    texts = {name: run.inputs.get(key) for name, key in keyset.items()}
    loaded = {name: json.loads(text) for name, text in texts.items() if text}
    key = run.state.details.pause_key or ""
    policy = json.loads(run.inputs.get(policy_key(run.state.name, key), '""'))
    annotation = (loaded.get("schema") or {}).get(ANNOTATION, {})
    return Asked(
        flow_run=run.as_wire(),
        key=key,
        description=loaded.get("description"),
        schema=loaded.get("schema"),
        policy=policy or annotation.get("policy", ""),
    )


def read_verdict(
    verdict: Accept | Reject | Abort | Wait,
) -> tuple[str, states.State | None, str | None, int | None]:
    match verdict:
        case Accept(state):
            return "ACCEPT", state, None, None
        case Reject(reason, state):
            return "REJECT", state, reason, None
        case Abort(reason):
            return "ABORT", None, reason, None
        case _:
            return "WAIT", None, verdict.reason, verdict.delay_seconds


def json_reply(status: int, body: Any) -> Reply:
    if isinstance(body, wire.Wire):
        body = body.model_dump(mode="json")
    return Reply(status, json.dumps(body).encode(), {"content-type": "application/json"})
