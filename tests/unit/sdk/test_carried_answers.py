"""The answer comes with the end of its pause, where the server gives it; else it is read."""

import json

import pytest

from flowruns import RunInput
from flowruns.sdk.steps.steps import Reply, Send
from flowruns.wire.headers import prefer_inputs, read_wait, read_wanted_inputs, reads_heartbeat
from tests.paused_flows import PausedFlow

VOTES = [{"name": "alice", "kind": "yes", "part": "1 of @finance"}]
ANSWER = {"approve": True, "reason": "ä"}


class Approval(RunInput):
    approve: bool
    reason: str = ""


def carry(flow: PausedFlow) -> None:
    """Let the server give with a run those of its inputs that are asked for."""
    answer_plainly = flow.stage.server

    def handle(request: Send) -> Reply:
        reply = answer_plainly(request)
        keys = read_wanted_inputs(request.headers.get("Prefer", ""))
        if keys is None or reply.status != 200:
            return reply
        inputs = {key: value for key, value in flow.run.inputs.items() if key in keys}
        return reply._replace(content=json.dumps({**reply.json(), "inputs": inputs}).encode())

    flow.stage.server = handle


def ask(flow: PausedFlow, *, votes: list[dict[str, str]] | None = None) -> Approval:
    def answer() -> None:
        if votes:
            flow.run.inputs["paused-1-votes"] = json.dumps(votes)
        flow.server._resume(flow.run, ANSWER)

    flow.stage.at(5, answer)
    answered: Approval = flow.pause(Approval)
    return answered


@pytest.mark.parametrize("votes", [None, VOTES], ids=["nobody voted", "alice voted"])
def test_an_answer_is_the_same_whether_it_is_carried_or_read(
    votes: list[dict[str, str]] | None,
) -> None:
    carrying, plain = PausedFlow(), PausedFlow()
    carry(carrying)
    carried, read = (ask(flow, votes=votes) for flow in (carrying, plain))
    assert carried == read == Approval(approve=True, reason="ä")
    assert carried.metadata.decided_by == read.metadata.decided_by
    assert [each.name for each in carried.metadata.decided_by] == ["alice"][: len(votes or ())]
    assert carrying.asked == [each for each in plain.asked if "GET /flow_runs/…/input" not in each]
    assert len(plain.asked) - len(carrying.asked) == 2


def test_a_resume_without_an_answer_gives_the_defaults() -> None:
    class Choice(RunInput):
        size: int = 3

    flow = PausedFlow()
    carry(flow)
    flow.answer_at(5)
    assert flow.pause(Choice) == Choice(size=3)
    assert not any("/input/paused-1-response" in each for each in flow.asked)


def test_a_pause_that_asks_nothing_wants_no_inputs() -> None:
    flow = PausedFlow()
    flow.answer_at(5)
    flow.pause()
    [read] = [sent for sent in flow.stage.sent if sent.method == "GET"]
    assert read_wanted_inputs(read.headers["Prefer"]) is None


def test_an_answer_of_an_earlier_process_is_read_with_all_others() -> None:
    flow = PausedFlow()
    for key in ("first", "second"):
        flow.stage.at(5, lambda: flow.server._resume(flow.run, ANSWER))
        flow.pause(Approval, key=key)
    flow.begin_again()
    flow.stage.sent.clear()
    assert [flow.pause(Approval, key=key).reason for key in ("first", "second")] == ["ä", "ä"]
    assert flow.asked == ["POST /flow_runs/…/input/filter"] * 2


def test_the_preference_says_keys_and_leaves_the_others_as_they_are() -> None:
    prefer = ", ".join(["wait=30", "attend", prefer_inputs(["paused-1-response", "b"])])
    assert read_wanted_inputs(prefer) == ["paused-1-response", "b"]
    assert (read_wait(prefer), reads_heartbeat(prefer)) == (30, True)
    for other in ("", "wait=30, attend", 'inputs="a_b"', "inputs=a"):
        assert read_wanted_inputs(other) is None
