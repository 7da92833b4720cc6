import json
from typing import ClassVar

import pytest
from pydantic import ConfigDict

from flowruns import RunInput, flow, pause_flow_run
from flowruns.preview import main
from flowruns.testing import Asked, FakeServer, reviewed_by


class Refund(RunInput):
    amount: float = 0


class Guarded(RunInput):
    approval_policy: ClassVar[str | None] = "1 of @finance"

    amount: float = 0


class Annotated(RunInput):
    model_config = ConfigDict(json_schema_extra={"x-approvals": {"policy": "1 of @data"}})

    amount: float = 0


class Wrong(RunInput):
    approval_policy = "1 off @finance"


def ask_once(asks_for: type[RunInput] | None, policy: str | None = None) -> FakeServer:
    @flow
    def refund() -> None:
        pause_flow_run(wait_for_input=asks_for, policy=policy)

    with reviewed_by(lambda _: {}) as desk:
        refund()
    return desk


@pytest.mark.parametrize(
    ("asks_for", "policy", "said"),
    [
        (Refund, None, ""),
        (Refund, "1  of @finance,not the requester", "1 of @finance, not the requester"),
        (Guarded, None, "1 of @finance"),
        (Guarded, "2 of @board", "2 of @board"),
        (Guarded.with_initial_data(amount=7), None, "1 of @finance"),
        (Annotated, None, "1 of @data"),
        (None, "1 of @finance", "1 of @finance"),
    ],
)
def test_a_pause_says_who_may_answer(
    asks_for: type[RunInput] | None, policy: str | None, said: str
) -> None:
    desk = ask_once(asks_for, policy)
    asked: Asked = desk.asked[0]
    assert asked.policy == said
    stored = desk.run.inputs.get("paused-1-policy")
    assert stored is None or json.loads(stored) == said


@pytest.mark.parametrize(
    ("asks_for", "policy"), [(Refund, "one of @finance"), (Refund, ""), (Wrong, None)]
)
def test_a_wrong_line_fails_before_anybody_is_asked(
    asks_for: type[RunInput], policy: str | None
) -> None:
    asked: list[Asked] = []

    @flow
    def refund() -> None:
        pause_flow_run(wait_for_input=asks_for, policy=policy)

    with (
        reviewed_by(asked.append),
        pytest.raises(ValueError, match=r"how many|Say|part"),
    ):
        refund()
    assert asked == []


def test_the_preview_shows_who_answers_and_refuses_a_wrong_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([f"{__name__}:Guarded", "--schema"]) == 0
    assert "Who answers: 1 of @finance" in capsys.readouterr().err
    assert main([f"{__name__}:Wrong", "--schema"]) == 1
    assert '"1 off @finance" is no part of a policy' in capsys.readouterr().err
