"""An answer belongs to the step that asked for it."""

import json
from typing import Any

import pytest

from flowruns import RunInput, flow, pause_flow_run
from flowruns.exceptions import AnswerBelongsElsewhere, PauseRefused
from flowruns.sdk.testing import reviewed_by
from tests.paused_flows import PausedFlow


class Approval(RunInput):
    approve: bool


class Refund(RunInput):
    approve: bool


def _run_again(flow: PausedFlow) -> None:
    """Let the flow's code begin from the top, as it does after a suspension."""
    flow.context.pauses_seen = 0


def _answered(wanted: Any, given: Any, **options: Any) -> PausedFlow:
    flow = PausedFlow()
    flow.answer_at(1, given)
    flow.pause(wanted, **options)
    _run_again(flow)
    return flow


def test_the_same_step_gets_its_answer_again() -> None:
    flow = _answered(Approval, {"approve": True})
    assert flow.pause(Approval).approve is True
    assert flow.run.names.count("Paused") == 1


def test_other_texts_and_initial_data_are_the_same_step() -> None:
    asks = Approval.with_initial_data(description="Pay 7 EUR?", approve=False)
    flow = _answered(asks, {"approve": True})
    asks = Approval.with_initial_data(description="Pay 8 EUR?", approve=True)
    assert flow.pause(asks).approve is True


@pytest.mark.parametrize(
    ("wanted", "given", "other"),
    [
        (Approval, {"approve": True}, Refund),
        (Approval, {"approve": True}, None),
        (None, None, Approval),
        (bool, {"value": True}, int),
        (bool, {"value": True}, bool | None),
    ],
)
@pytest.mark.parametrize("key", [None, "a-key"])
def test_another_question_does_not_get_the_answer(
    wanted: Any, given: Any, other: Any, key: str | None
) -> None:
    flow = _answered(wanted, given, key=key)
    with pytest.raises(AnswerBelongsElsewhere, match="stored answer of pause"):
        flow.pause(other, key=key)
    assert flow.run.names.count("Paused") == 1


@pytest.mark.parametrize("wanted", [None, bool])
def test_another_place_in_the_flow_does_not_get_the_answer(wanted: Any) -> None:
    turns: list[str] = []

    @flow
    def main() -> None:
        from flowruns.sdk.context import current_flow_run

        run = current_flow_run()
        assert run is not None
        for _ in range(2):
            run.pauses_seen = 0
            if not turns:
                turns.append("ship")
                pause_flow_run(wanted)
            else:
                pause_flow_run(wanted)

    with (
        reviewed_by(lambda _: {"value": True}) as server,
        pytest.raises(PauseRefused) as refused,
    ):
        main()
    text = str(refused.value)
    assert text.startswith("The stored answer of pause '1' was given at line 10 of test_another")
    assert "the flow now asks at line 12 of" in text
    assert server.run.names == ["Pending", "Running", "Paused", "Running", "Failed"]


def test_pauses_with_keys_may_come_in_any_order_and_from_anywhere() -> None:
    flow = _answered(bool, {"value": False}, key="order-7")
    flow.answer_at(2, {"value": True})
    assert flow.pause(bool, key="order-8") is True
    assert flow.pause(bool, key="order-7") is False


def test_the_step_is_an_input_that_no_pause_names() -> None:
    flow = _answered(bool, {"value": True})
    step = json.loads(flow.run.inputs["paused-1-step"])
    assert step.startswith("line ")
    assert "paused-1-step" not in (flow.run.history[2].details.run_input_keyset or {}).values()


def test_an_answer_that_another_client_asked_for_is_bound_by_its_schema() -> None:
    flow = _answered(Approval, {"approve": True})
    del flow.run.inputs["paused-1-step"]
    assert flow.pause(Approval).approve is True
