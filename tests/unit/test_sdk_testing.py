"""The fake server that users test their flows with."""

import pytest

from flowruns import RunInput, flow, get_client, pause_flow_run
from flowruns.exceptions import FlowPauseTimeout, ObjectNotFound
from flowruns.sdk.config import load_config
from flowruns.sdk.testing import Asked, reviewed_by


class Approval(RunInput):
    approve: bool
    reason: str = ""


@flow
def refund(order: int) -> str:
    answer = pause_flow_run(Approval.with_initial_data(description=f"Refund {order}?"))
    return "yes" if answer.approve else f"no: {answer.reason}"


def test_a_reviewer_sees_what_is_asked_and_answers() -> None:
    def review(asked: Asked) -> dict[str, object]:
        assert asked.description == "Refund 7?"
        assert asked.schema is not None
        assert asked.schema["required"] == ["approve"]
        assert asked.flow_run.parameters == {"order": 7}
        return {"approve": False, "reason": "late"}

    with reviewed_by(review) as server:
        assert refund(7) == "no: late"
    assert server.run.names == ["Pending", "Running", "Paused", "Running", "Completed"]


def test_a_reviewer_who_does_not_come_lets_the_pause_time_out() -> None:
    with reviewed_by(lambda _: None), pytest.raises(FlowPauseTimeout):
        refund(7)


def test_the_network_is_back_afterwards() -> None:
    with reviewed_by(lambda _: None):
        assert load_config().transport is not None
    assert load_config().transport is None


def test_it_knows_no_more_than_a_flow_needs() -> None:
    with (
        reviewed_by(lambda _: None),
        get_client(sync_client=True) as client,
        pytest.raises(ObjectNotFound),
    ):
        client.read_flows()
