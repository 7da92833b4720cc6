"""The fake server that users test their flows with."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel, SecretStr

from flowruns import RunInput, flow, get_client, pause_flow_run
from flowruns.exceptions import ApprovalRejected, FlowPauseTimeout, ObjectNotFound
from flowruns.sdk.config import load_config
from flowruns.testing import Asked, Rejected, UnexpectedPause, reviewed_by


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


class Amount(BaseModel):
    amount: int
    token: SecretStr


@flow
def pay(order: int) -> tuple[bool, int, str, list[int]]:
    answer = pause_flow_run(Approval, key="approval")
    paid = pause_flow_run(Amount, key="paid")
    parts = pause_flow_run(list[int], key="parts")
    return answer.approve, paid.amount, paid.token.get_secret_value(), parts


def test_pauses_are_answered_by_key_with_models_json_and_values() -> None:
    answers = {
        "approval": Approval(approve=True),
        "paid": lambda asked: {"amount": asked.flow_run.parameters["order"], "token": "t"},
        "parts": [1, 2],
    }
    with reviewed_by(answers) as desk:
        assert pay(7) == (True, 7, "t", [1, 2])
    assert [asked.key for asked in desk.asked] == ["approval", "paid", "parts"]


def test_secrets_of_a_model_and_values_in_their_wrapper_reach_the_flow() -> None:
    answers = {
        "approval": {"approve": False},
        "paid": Amount(amount=3, token=SecretStr("hunter2")),
        "parts": {"value": [4]},
    }
    with reviewed_by(answers):
        assert pay(7) == (False, 3, "hunter2", [4])


def test_a_pause_that_no_answer_was_given_for_fails_the_test_by_name() -> None:
    with reviewed_by({"first": {}}), pytest.raises(UnexpectedPause, match=r"'1'.*'first'"):
        refund(7)


def test_a_rejection_by_key_reaches_the_flow() -> None:
    answers = {"1": Rejected("Too much.", reviewer="bob")}
    with reviewed_by(answers), pytest.raises(ApprovalRejected, match=r"Too much\."):
        refund(7)


AUTHORS_TEST = """
import asyncio
import pytest
from flowruns import RunInput, apause_flow_run, flow
from flowruns.exceptions import ApprovalRejected
from flowruns.testing import Rejected, reviewed_by

class Approval(RunInput):
    approve: bool

@flow
async def ship(order: int):
    answer = await apause_flow_run(Approval, key=f"order-{order}")
    return answer.approve

@pytest.fixture
def desk():
    with reviewed_by({"order-1": Approval(approve=True), "order-2": Rejected("No.")}) as desk:
        yield desk

def test_ships(desk):
    assert asyncio.run(ship(1))
    assert desk.run.state.name == "Completed"

def test_rejected(desk):
    with pytest.raises(ApprovalRejected):
        asyncio.run(ship(2))

def test_forgotten(desk):
    asyncio.run(ship(3))
"""


@pytest.mark.slow
def test_an_author_tests_a_flow_with_a_fixture_in_a_project_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "test_ship.py").write_text(AUTHORS_TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:django", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "test_ship.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "1 failed, 2 passed" in done.stdout, done.stdout
    assert "UnexpectedPause: The flow paused with the key 'order-3'" in done.stdout


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
