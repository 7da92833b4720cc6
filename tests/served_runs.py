"""A run of a deployment on a fake server, and the processes that take it one after the other."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from flowruns import Flow, FlowRun, wire
from flowruns.domain import states
from flowruns.exceptions import FlowRunSuspended
from flowruns.testing import FakeRun, FakeServer


class Served:
    """A run of a deployment, and the processes that take it one after the other."""

    def __init__(self, server: FakeServer, served: Flow[..., Any]) -> None:
        self.server, self.flow = server, served
        body = {"flow_id": str(uuid4()), "name": "served"}
        created = wire.FlowRun.model_validate_json(server._create_run(body).content)
        self.fake = server.runs[created.id]
        self.fake.run.deployment_id = uuid4()
        self.fake.facts = replace(self.fake.facts, has_deployment=True)
        # Suspensions are answered between the processes, not at once.
        server._reviewer = None

    def play(self) -> None:
        """Run the flow in the next process."""
        run = FlowRun.model_validate(self.fake.as_wire().model_dump())
        self.flow.play_taken(run)

    def suspend(self) -> None:
        with pytest.raises(FlowRunSuspended):
            self.play()

    def resume(self) -> None:
        self.server.set_state(self.fake, states.resuming(at=datetime.now(UTC)))
        self.server.set_state(self.fake, states.State(type=states.StateType.PENDING))

    def answer(self, **run_input: Any) -> None:
        """Let a person answer the suspension, so that the next process may go on."""
        keyset = self.fake.state.details.run_input_keyset
        assert self.fake.state.name == "Suspended"
        if keyset is not None:
            self.fake.inputs[keyset["response"]] = json.dumps(run_input)
        self.resume()

    @property
    def asks(self) -> str:
        """The description of the question that the run is suspended for."""
        keyset = self.fake.state.details.run_input_keyset
        assert keyset is not None
        text: str = json.loads(self.fake.inputs.get(keyset["description"], '""'))
        return text

    def children(self) -> list[FakeRun]:
        return [fake for fake in self.server.runs.values() if fake.run.parent_task_run_id]
