"""What a database holds in the end, read by a command beside the servers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers import ApprovalsServer

_READ = """
import json
from approvals.models import Approval
from flowruns.models import FlowRun
runs = {}
for run in FlowRun.objects.prefetch_related("states", "inputs").select_related("flow"):
    runs[str(run.pk)] = {
        "flow": run.flow.name,
        "tags": run.tags,
        "state": str(run.state_id),
        "states": [
            [str(s.pk), s.version, s.type, s.name, s.message, str(s.actor)]
            for s in sorted(run.states.all(), key=lambda s: s.version)
        ],
        "inputs": [[i.key, i.value, i.actor_name] for i in run.inputs.all()],
        "approvals": [],
    }
found = Approval.objects.select_related("decision").prefetch_related("votes", "comments")
for approval in found:
    decision = getattr(approval, "decision", None)
    runs[str(approval.flow_run_id)]["approvals"].append({
        "pause": str(approval.pause_state_id),
        "outcome": approval.outcome,
        "closed_by": approval.closed_by,
        "decision": decision and [decision.decided_by, decision.answer, decision.reason],
        "votes": [
            [v.name, v.kind, v.answer + v.reason, v.voided_because] for v in approval.votes.all()
        ],
        "comments": [[c.name, c.text] for c in approval.comments.all()],
    })
print("\\n" + json.dumps(runs))
"""


@dataclass(frozen=True, kw_only=True)
class State:
    id: str
    version: int
    type: str
    name: str
    message: str
    actor: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    by: str
    answer: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Vote:
    name: str
    kind: str
    content: str
    voided_because: str


@dataclass(frozen=True, kw_only=True)
class Approval:
    pause: str
    outcome: str
    closed_by: str
    decision: Decision | None
    votes: list[Vote]
    comments: list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Run:
    id: str
    flow: str
    tags: list[str]
    state: str
    states: list[State]
    inputs: list[tuple[str, str, str]]
    approvals: list[Approval]

    @property
    def last(self) -> State:
        return self.states[-1]


def read_runs(server: ApprovalsServer) -> dict[str, Run]:
    """Return all runs of a server with what belongs to them, by their ids."""
    printed = server.manage("shell", "--command", _READ).splitlines()[-1]
    return {run: _read_run(run, found) for run, found in json.loads(printed).items()}


def _read_run(run: str, found: dict[str, Any]) -> Run:
    names = ("id", "version", "type", "name", "message", "actor")
    return Run(
        id=run,
        flow=found["flow"],
        tags=found["tags"],
        state=found["state"],
        states=[State(**dict(zip(names, each, strict=True))) for each in found["states"]],
        inputs=[(key, value, by) for key, value, by in found["inputs"]],
        approvals=[_read_approval(each) for each in found["approvals"]],
    )


def _read_approval(found: dict[str, Any]) -> Approval:
    decision = found["decision"]
    names = ("name", "kind", "content", "voided_because")
    return Approval(
        pause=found["pause"],
        outcome=found["outcome"],
        closed_by=found["closed_by"],
        decision=Decision(**dict(zip(("by", "answer", "reason"), decision, strict=True)))
        if decision
        else None,
        votes=[Vote(**dict(zip(names, each, strict=True))) for each in found["votes"]],
        comments=[(name, text) for name, text in found["comments"]],
    )


@dataclass(frozen=True, kw_only=True)
class Note:
    """What a run has written down itself: how its pause ended and with what, or a message."""

    run: str
    ended: str = ""
    value: str | None = None
    memo: str = ""
    heard: bool = False  # that no more messages came
    after: float = 0.0  # seconds, on the clock of the flow that nobody sets


def read_notes(folder: Path) -> Iterator[Note]:
    """Return what all processes of flows have noted in a folder."""
    for path in folder.glob("notes-*"):
        lines = path.read_text().splitlines(keepends=True)
        # The last line of a process that was killed may have no end
        yield from (Note(**json.loads(line)) for line in lines if line.endswith("\n"))
