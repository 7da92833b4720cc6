"""Flows that wait for people, who may reject; in this process, on a fake server."""

import asyncio
from typing import Any

import pytest

from flowruns import (
    apause_flow_run,
    flow,
    pause_flow_run,
    task,
)
from flowruns.exceptions import (
    ApprovalRejected,
    FlowPauseTimeout,
)
from flowruns.testing import Asked, FakeServer, Rejected, reviewed_by, served_by


class Review:
    """A reviewer who can be told what to do."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Asked] = []

    def __call__(self, asked: Asked) -> Any:
        self.asked.append(asked)
        return self.answer


def test_a_flow_pauses_for_an_answer_in_sync_and_async_code() -> None:
    @flow
    def sync_flow() -> int:
        return pause_flow_run(int)

    @flow
    async def async_flow() -> list[int]:
        return [await pause_flow_run(int), await apause_flow_run(int)]

    review = Review({"value": 5})
    with reviewed_by(review):
        assert sync_flow() == 5
        assert asyncio.run(async_flow()) == [5, 5]
    assert [asked.key for asked in review.asked] == ["1", "1", "2"]
    assert review.asked[0].schema is not None
    assert review.asked[0].flow_run.state_name == "Paused"


def test_a_rejected_flow_ends_as_the_reviewer_said(caplog: pytest.LogCaptureFixture) -> None:
    @flow(retries=3)
    def refund() -> None:
        pause_flow_run()

    with (
        reviewed_by(Review(Rejected("Too much"))) as server,
        pytest.raises(ApprovalRejected, match="Too much"),
    ):
        refund()
    assert server.run.names == ["Pending", "Running", "Paused", "Rejected"]


def test_a_flow_may_clean_up_after_a_rejection_and_stays_rejected() -> None:
    @flow
    def refund() -> str:
        try:
            pause_flow_run()
        except ApprovalRejected as error:
            return f"undone: {error.reason}"
        return "done"

    with reviewed_by(Review(Rejected("No"))) as server:
        assert refund() == "undone: No"
        state = refund(return_state=True)
    assert state.is_cancelled()
    assert {fake.names[-1] for fake in server.runs.values()} == {"Rejected"}
    kept = [line.message for line in server.logs if "stays so" in line.message]
    assert len(kept) == 2


def test_a_rejected_child_fails_its_parent_and_nothing_else() -> None:
    @flow
    def child() -> None:
        pause_flow_run()

    @flow
    def parent() -> None:
        child()

    with reviewed_by(Review(Rejected("No"))) as server, pytest.raises(ApprovalRejected):
        parent()
    outer, inner = server.runs.values()
    assert inner.names[-1] == "Rejected"
    assert outer.names == ["Pending", "Running", "Failed"]
    assert "ApprovalRejected" in str(outer.state.message)


def test_a_task_that_is_rejected_is_not_tried_again() -> None:
    attempts: list[int] = []

    @task(retries=3)
    def ask() -> None:
        attempts.append(1)
        pause_flow_run()

    @flow
    def refund() -> None:
        ask()

    with reviewed_by(Review(Rejected("No"))), pytest.raises(ApprovalRejected):
        refund()
    assert attempts == [1]


def test_a_pause_that_times_out_fails_the_flow() -> None:
    @flow
    def refund() -> None:
        pause_flow_run(timeout=0.2, poll_interval=0.05)

    server = FakeServer()
    with served_by(server.handle), pytest.raises(FlowPauseTimeout):
        refund()
    assert server.run.names == ["Pending", "Running", "Paused", "Failed"]
