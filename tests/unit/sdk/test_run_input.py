"""Typed input for paused flow runs."""

import asyncio
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pydantic
import pytest
from pydantic import Field

from flowruns import RunInput
from flowruns.domain.keysets import keyset_from_base
from flowruns.domain.states import StateType
from flowruns.exceptions import MissingContextError
from flowruns.sdk.context import in_flow_run
from flowruns.sdk.inputs.run_input import (
    AutomaticRunInput,
    keyset_from_paused_state,
    run_input_subclass_from_type,
)
from flowruns.sdk.inputs.schemas import schema_of
from flowruns.sdk.states import State
from flowruns.testing import served_by
from flowruns.wire import StateDetails
from tests.paused_flows import PausedFlow


class Approval(RunInput):
    approve: bool
    amount: float = Field(0, ge=0, title="Amount (EUR)", description="What to pay")
    labels: list[str] = Field(default_factory=list, max_length=3)
    limit: Annotated[int, Field(gt=3)] = 4
    note: str | None = None


def test_initial_data_become_defaults_and_the_description_is_kept() -> None:
    model: Any = Approval.with_initial_data(description="**Pay?**", approve=True, note="as agreed")
    assert model().model_dump()["approve"] is True
    assert model._description == "**Pay?**"
    assert schema_of(model)["properties"]["note"]["default"] == "as agreed"
    assert schema_of(Approval)["required"] == ["approve"]


def test_a_field_with_initial_data_keeps_its_constraints_and_texts() -> None:
    model = Approval.with_initial_data(amount=5.0, labels=["a"], limit=9)
    assert schema_of(model)["properties"] | {} == schema_of(Approval)["properties"] | {
        "amount": schema_of(Approval)["properties"]["amount"] | {"default": 5.0},
        "labels": schema_of(Approval)["properties"]["labels"] | {"default": ["a"]},
        "limit": schema_of(Approval)["properties"]["limit"] | {"default": 9},
    }
    with pytest.raises(pydantic.ValidationError):
        model(approve=True, amount=-1)


def test_initial_data_may_add_fields() -> None:
    assert schema_of(Approval.with_initial_data(days=3))["properties"]["days"] == {
        "default": 3,
        "title": "Days",
        "type": "integer",
    }


def test_unknown_fields_of_an_answer_are_refused() -> None:
    with pytest.raises(pydantic.ValidationError, match="Extra inputs"):
        Approval(approve=True, unknown=1)  # type: ignore[call-arg]


@dataclass
class Point:
    x: int
    y: int = 0


class Plain(pydantic.BaseModel):
    name: str


@pytest.mark.parametrize(
    ("wanted", "name"),
    [(int, "int"), (list[int], "list"), (Literal["a"], "literal"), (Point, "point")],
)
def test_any_type_is_wrapped_under_its_name(wanted: Any, name: str) -> None:
    model = run_input_subclass_from_type(wanted)
    assert issubclass(model, AutomaticRunInput)
    assert model.__name__ == f"{name}AutomaticRunInput"
    assert schema_of(model)["required"] == ["value"]


def test_a_pydantic_model_is_asked_for_as_it_is() -> None:
    model = run_input_subclass_from_type(Plain)
    assert issubclass(model, RunInput)
    assert issubclass(model, Plain)
    assert model.__name__ == "PlainRunInput"


def test_a_run_input_is_taken_as_it_is() -> None:
    assert run_input_subclass_from_type(Approval) is Approval


def test_keysets_are_named_after_the_pause() -> None:
    state: State[Any] = State(type=StateType.PAUSED, state_details=StateDetails(pause_key="7"))
    assert keyset_from_paused_state(state).schema == "paused-7-schema"
    assert Approval.keyset_from_type().response == "approval-response"
    with pytest.raises(ValueError, match="RUNNING"):
        keyset_from_paused_state(State(type=StateType.RUNNING))


def test_it_saves_and_loads_in_sync_and_async_code() -> None:
    flow = PausedFlow()
    keyset = keyset_from_base("paused-1")
    flow.run.inputs[keyset.response] = json.dumps({"approve": True})
    with served_by(flow.server.handle):
        Approval.with_initial_data(description="?").save(keyset, flow.id)
        assert Approval.load(keyset, flow.id).approve is True
        asyncio.run(Approval.asave(keyset_from_base("paused-2"), flow.id))
        assert asyncio.run(Approval.aload(keyset, flow.id)).metadata.receiver == flow.id
    assert {"paused-1-schema", "paused-1-description", "paused-2-schema"} <= set(flow.run.inputs)


def test_without_an_id_it_is_the_current_runs_input() -> None:
    flow = PausedFlow()
    keyset = keyset_from_base("paused-1")
    with pytest.raises(MissingContextError, match="provide a flow run ID"):
        Approval.load(keyset)
    with served_by(flow.server.handle), in_flow_run(flow.context):
        Approval.save(keyset)
    assert list(flow.run.inputs) == ["paused-1-schema"]


def test_a_class_without_a_json_form_may_be_anything() -> None:
    class Odd: ...

    class Asks(RunInput):
        model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
        odd: Odd

    assert schema_of(Asks)["properties"]["odd"] == {"title": "Odd"}


class Login(pydantic.BaseModel):
    token: pydantic.SecretStr = Field(min_length=9)


@pytest.mark.parametrize("asked", [Login, list[Login]])
def test_an_answer_that_is_refused_is_not_quoted_for_it_may_hold_a_secret(asked: Any) -> None:
    model = run_input_subclass_from_type(asked)
    answer = {"token": "hunter2"}
    with pytest.raises(pydantic.ValidationError) as caught:
        model(**(answer if asked is Login else {"value": [answer]}))
    assert "hunter2" not in str(caught.value)


class Tags(pydantic.RootModel[list[str]]):
    pass


def test_a_root_model_is_asked_for_as_a_value_and_reaches_the_flow_as_itself() -> None:
    model = run_input_subclass_from_type(Tags)
    assert list(schema_of(model)["properties"]) == ["value"]
    answer = model.model_validate({"value": ["a"]})
    assert model.unwrap(answer) == Tags(["a"])
