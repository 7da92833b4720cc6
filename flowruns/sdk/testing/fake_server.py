"""Run flows in tests without a server: a fake one in memory, and a reviewer who answers at once.

The fake judges transitions by the rules of the real one. It speaks as much of the API as a flow
needs, keeps everything in public attributes, and holds no requests.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from flowruns import wire
from flowruns.domain import states
from flowruns.domain.bookkeeping import facts_after
from flowruns.domain.rejections import rejected
from flowruns.domain.rules import judge
from flowruns.domain.transitions import RunFacts, Transition
from flowruns.sdk.config import Config, override_config
from flowruns.sdk.steps.steps import Reply, Send
from flowruns.sdk.testing.fake_records import FakeRecords
from flowruns.sdk.testing.fake_runs import (
    FakeRun,
    is_outdated,
    json_reply,
    read_question,
    read_verdict,
    reply_with_inputs,
    show_state,
)
from flowruns.sdk.testing.reviewers import Asked, Rejected, Reviewer, ask_reviewer
from flowruns.wire.events import Event

if TYPE_CHECKING:
    import httpx


class FakeServer:
    """The API of one server, as a function from request to reply."""

    def __init__(
        self,
        reviewer: Reviewer | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.flows: dict[str, UUID] = {}
        self.runs: dict[UUID, FakeRun] = {}
        self.task_runs: dict[tuple[str, str, str], UUID] = {}
        self.logs: list[wire.LogCreate] = []
        self.events: list[Event] = []
        self.asked: list[Asked] = []
        self.records = FakeRecords()
        self._reviewer = reviewer
        self._now = now
        self._lock = threading.RLock()

    @property
    def run(self) -> FakeRun:
        """The only flow run there is."""
        (run,) = self.runs.values()
        return run

    def handle(self, request: Send) -> Reply:  # noqa: PLR0911 -- a table
        match request.path.split("?")[0].strip("/").split("/"), request.method:
            case (["flows"], "POST"):
                return self._create_flow(request.body)
            case (["flow_runs"], "POST"):
                return self._create_run(request.body)
            case (["flow_runs", "filter"], "POST"):
                return self._find_runs(request.body)
            case (["task_runs"], "POST"):
                return self._create_task_run(request.body)
            case (["logs"], "POST"):
                self.logs += [wire.LogCreate.model_validate(line) for line in request.body]
                return Reply(201, b"null")
            case (["events"], "POST"):
                self.events += [Event.model_validate(event) for event in request.body]
                return Reply(204, b"")
            case ([kind, *rest], _) if kind in FakeRecords.kinds:
                return self.records.handle(kind, rest, request)
            case (["flow_run_states"], "GET"):
                history = self.runs[UUID(request.path.rpartition("=")[2])].history
                return json_reply(200, [show_state(state) for state in history])
            case (["flow_runs", run_id, *rest], _) if run := self.runs.get(UUID(run_id)):
                with self._lock:
                    return self._handle_run(run, rest, request)
        return json_reply(404, {"detail": "Not found"})

    def _create_flow(self, body: Any) -> Reply:
        create = wire.FlowCreate.model_validate(body)
        flow_id = self.flows.setdefault(create.name, uuid4())
        return json_reply(201, wire.Flow(id=flow_id, name=create.name))

    def _create_run(self, body: Any) -> Reply:
        create = wire.FlowRunCreate.model_validate(body)
        initial = create.state or wire.StateCreate(type=states.StateType.PENDING)
        policy = create.empirical_policy
        run = wire.FlowRun(id=uuid4(), **create.model_dump(include=_KEPT))
        run.empirical_policy = policy
        facts = RunFacts(retries=policy.retries, retry_delay=policy.retry_delay)
        self.runs[run.id] = FakeRun(run, facts, [self._stamped(initial)])
        return json_reply(201, self.runs[run.id].as_wire())

    def _create_task_run(self, body: Any) -> Reply:
        keys = (body["flow_run_id"], body["task_key"], body["dynamic_key"])
        task_run_id = self.task_runs.setdefault(keys, uuid4())
        return json_reply(201, body | {"id": str(task_run_id)})

    def _find_runs(self, body: Any) -> Reply:
        """Return the subflows of a task run, or of all those of a flow run, the last one first."""
        criteria = body["flow_runs"]
        callers = criteria.get("parent_flow_run_id", {"any_": []})["any_"]
        wanted = [str(each) for (caller, *_), each in self.task_runs.items() if caller in callers]
        wanted += criteria.get("parent_task_run_id", {"any_": []})["any_"]
        found = [
            fake.as_wire().model_dump(mode="json")
            for fake in reversed(self.runs.values())
            if str(fake.run.parent_task_run_id) in wanted
        ]
        return json_reply(200, found[: body.get("limit")])

    def _stamped(self, create: wire.StateCreate) -> states.State:
        return replace(create.to_domain(), timestamp=self._now())

    def _handle_run(self, run: FakeRun, rest: list[str], request: Send) -> Reply:
        match rest, request.method:
            case (["set_state"], "POST") if is_outdated(run, request):
                return json_reply(412, {"detail": "The flow run has another state now."})
            case (["set_state"], "POST"):
                body = wire.SetState.model_validate(request.body)
                return self._verdict(run, self._stamped(body.state))
            case (["resume"], "POST"):
                return self._resume(run, request.body.get("run_input"))
            case ["input", "filter"], "POST":
                return reply_with_inputs(run, wire.RunInputFilter.model_validate(request.body))
            case ["input", *key], _:
                return self._handle_input(run, "".join(key), request)
        return json_reply(200, run.as_wire())

    def _handle_input(self, run: FakeRun, key: str, request: Send) -> Reply:
        if request.method == "POST":
            return self._store(run, wire.RunInputCreate.model_validate(request.body))
        if key not in run.inputs:
            return json_reply(404, {"detail": "Flow run input not found"})
        if request.method == "DELETE":
            del run.inputs[key]
            return Reply(204)
        return Reply(200, run.inputs[key].encode())

    def _store(self, run: FakeRun, create: wire.RunInputCreate) -> Reply:
        if create.key in run.inputs:
            return json_reply(409, {"detail": "A flow run input with this key already exists."})
        run.inputs[create.key] = create.value
        run.senders[create.key] = create.sender
        return Reply(201, b"null")

    def _resume(self, run: FakeRun, run_input: Mapping[str, Any] | None) -> Reply:
        keyset = run.state.details.run_input_keyset
        if keyset and run_input:
            run.inputs[keyset["response"]] = json.dumps(run_input)
        return self._verdict(run, states.running())

    def _verdict(self, run: FakeRun, proposed: states.State) -> Reply:
        result = self.set_state(run, proposed)
        paused = result.status is wire.SetStateStatus.ACCEPT and run.state.type == "PAUSED"
        if paused and self._reviewer is not None:
            self._review(run, self._reviewer)
        reply = json_reply(201, result)
        tag = {"etag": f'"{run.as_wire().state_id}"'}
        return reply._replace(headers={**reply.headers, **tag})

    def set_state(self, run: FakeRun, proposed: states.State) -> wire.OrchestrationResult:
        """Judge `proposed` as the server would, and write what comes of it."""
        transition = Transition(
            initial=run.state, proposed=proposed, run=run.facts, now=self._now()
        )
        status, written, reason, delay = read_verdict(judge(transition))
        if written is not None:
            run.facts = facts_after(transition, written)
            run.history.append(written)
        shown = None if status == "ABORT" else wire.State.from_domain(run.state)
        details = {"type": f"{status.lower()}_details", "reason": reason, "delay_seconds": delay}
        return wire.OrchestrationResult.model_validate(
            {"status": status, "state": shown, "details": details}
        )

    def _review(self, run: FakeRun, review: Reviewer) -> None:
        self.asked.append(read_question(run))
        match ask_reviewer(review, self.asked[-1]):
            case None:
                self.set_state(run, states.failed("The flow was paused and never resumed."))
            case Rejected(reason, reviewer):
                self.set_state(run, rejected(reviewer=reviewer, reason=reason))
            case answer:
                self._resume(run, answer)


_KEPT = {"name", "flow_id", "flow_version", "parameters", "tags", "labels", "parent_task_run_id"}


@contextmanager
def reviewed_by(reviewer: Reviewer) -> Iterator[FakeServer]:
    """Run flows without a server: every pause is answered at once by `reviewer`.

    It holds an answer for the key of each pause, or is a function of what is asked. An answer is
    JSON, a model or another value; or `Rejected`; or None to let the pause time out. A key that
    has no answer raises UnexpectedPause. What was asked is in `asked`. One at a time in a process.

    Example:
        with reviewed_by({"refund": Approval(approve=True), "amount": 3}) as desk:
            assert refund(order=7)
        assert desk.asked[0].description == "Refund order 7?"

        with reviewed_by(lambda asked: Rejected("Too much.")), pytest.raises(ApprovalRejected):
            refund(order=7)
    """
    server = FakeServer(reviewer)
    with served_by(server.handle):
        yield server


@contextmanager
def served_by(handle: Callable[[Send], Reply]) -> Iterator[None]:
    """Let `handle` answer every request instead of the network."""
    import httpx

    def answer(request: httpx.Request) -> httpx.Response:
        reply = handle(_to_send(request))
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.content)

    config = Config(api_url="http://flowruns.test/api", transport=httpx.MockTransport(answer))
    previous = override_config(config)
    try:
        yield
    finally:
        override_config(previous)


def _to_send(request: "httpx.Request") -> Send:
    path = request.url.raw_path.decode().removeprefix("/api")
    body = json.loads(request.content) if request.content else None
    return Send(method=request.method, path=path, body=body, headers=dict(request.headers))
