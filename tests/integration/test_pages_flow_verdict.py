"""An answer that the form accepts and the flow refuses, told as what it is."""

from datetime import timedelta
from typing import Any

import pydantic
import pytest
from django.utils import timezone
from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from approvals.answering.flow_errors import read_complaints
from approvals.models import Approval, Decision
from tests.integration.conftest import Make, Run
from tests.integration.pages import FROM_HTMX, ask, log_in, page_of, text_of


class Part(BaseModel):
    count: int

    @field_validator("count")
    @classmethod
    def _is_even(cls, count: int) -> int:
        if count % 2:
            raise ValueError("Order in pairs.")
        return count


class Order(BaseModel):
    parts: list[Part] = Field(title="Parts to order")
    token: SecretStr = Field(min_length=1)

    @model_validator(mode="after")
    def _is_known(self) -> "Order":
        assert self.token.get_secret_value() != "old", "The token has expired."
        return self


SCHEMA = Order.model_json_schema()


def refuse(run: Run, answer: dict[str, Any]) -> None:
    """Fail the run as a flow does whose model refuses the answer."""
    with pytest.raises(pydantic.ValidationError) as caught:
        Order(**answer)
    message = f"Flow run encountered an exception: ValidationError: {caught.value}"
    run.propose("FAILED", message=message)


def answered(run: Run, answer: dict[str, Any]) -> Approval:
    approval = ask(run, schema=SCHEMA)
    posted = {"f.0.#": ["n0"], "f.0.n0.0": answer["parts"][0]["count"], "f.1": answer["token"]}
    assert log_in().post(page_of(approval), posted).status_code == 302
    return approval


def verdict_of(approval: Approval) -> Any:
    return log_in().get(f"{page_of(approval)}flow-verdict/", headers=FROM_HTMX)


def test_a_refusal_by_the_flow_is_told_beside_the_answer_in_the_words_of_its_fields(
    make_run: Make,
) -> None:
    run = make_run()
    answer = {"parts": [{"count": 3}], "token": "hunter2"}
    approval = answered(run, answer)
    refuse(run, answer)
    section = text_of(log_in().get(page_of(approval))).partition("What happened")[0]
    assert "The form accepted this answer, and the flow refused it." in section
    assert "Parts to order \u203a Part 1 \u203a Count : Order in pairs." in section
    assert "hunter2" not in section


def test_a_refusal_of_the_whole_answer_is_told_too(make_run: Make) -> None:
    run = make_run()
    answer = {"parts": [{"count": 2}], "token": "old"}
    approval = answered(run, answer)
    refuse(run, answer)
    assert "The token has expired." in text_of(log_in().get(page_of(approval)))


def test_the_open_page_is_told_as_soon_as_the_flow_has_looked(make_run: Make) -> None:
    run = make_run()
    answer = {"parts": [{"count": 3}], "token": "t"}
    approval = answered(run, answer)
    page = log_in().get(page_of(approval)).content.decode()
    assert f'hx-get="{page_of(approval)}flow-verdict/"' in page
    assert verdict_of(approval).status_code == 204
    refuse(run, answer)
    assert "Order in pairs." in text_of(verdict_of(approval))


def test_a_run_that_goes_on_or_fails_for_another_reason_has_no_refusal(make_run: Make) -> None:
    answer = {"parts": [{"count": 2}], "token": "t"}
    for state, message in (
        ("COMPLETED", "All states completed."),
        ("FAILED", "Flow run encountered an exception: ValueError: 3 validation errors for x"),
        ("FAILED", "ValidationError: 1 validation error for Elsewhere\na\n  Bad [type=x]"),
    ):
        run = make_run()
        approval = answered(run, answer)
        run.propose(state, message=message)
        assert "refused it" not in text_of(log_in().get(page_of(approval)))
        assert text_of(verdict_of(approval)) == ""


def test_a_page_stops_asking_after_a_while(make_run: Make) -> None:
    approval = answered(make_run(), {"parts": [{"count": 2}], "token": "t"})
    Decision.objects.update(decided_at=timezone.now() - timedelta(minutes=1))
    assert "flow-verdict" not in log_in().get(page_of(approval)).content.decode()
    assert verdict_of(approval).content.strip() == b""


@pytest.mark.parametrize(
    ("message", "complaints"),
    [
        ("", []),
        ("1 validation error for Order\n  Value error, No. [type=value_error]", [((), "No.")]),
        (("2 validation errors for Order\na.0.b\n  Bad [type=x, input_value='[type=y']\n"
         "    For further information visit https://errors.pydantic.dev\n"
         "c\n  Assertion failed, Worse\nstill [type=z]"),
         [(("a", 0, "b"), "Bad"), (("c",), "Worse\nstill")]),
        ("1 validation error for Order of another kind\na\n  Bad [type=x]", []),
        ("1 validation error for Order\n" + "  x\n" * 50_000, []),
    ],
)  # fmt: skip
def test_only_places_and_words_are_read_in_the_flows_message(
    message: str, complaints: list[Any]
) -> None:
    assert read_complaints(message, "Order") == complaints
