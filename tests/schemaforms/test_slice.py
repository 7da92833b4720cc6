"""The first way through: a blank form is filled in by label and gives the value."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from approvals.schemaforms import JSONValue
from flowruns.sdk.inputs.schemas import schema_of
from tests.schemaforms.browser import Reviewer


class Address(BaseModel):
    street: str
    city: str = "Berlin"


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str


class Everything(BaseModel):
    reason: str
    count: int
    amount: Decimal
    approve: bool
    size: Literal["S", "M", "L"]
    address: Address
    tags: list[str]
    limits: dict[str, int]
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    other: int | str
    due: Address | None = None


def test_a_blank_form_filled_in_by_label_gives_the_value() -> None:
    reviewer = Reviewer(schema_of(Everything))
    for button in ("Add Tags", "Add Tags", "Add entry Limits", "Dog", "Text", "Provide Due"):
        reviewer.press(button)
    reviewer.fill(Reason="fine", Count="3", Amount="1.50", Street="A", Name="Rex", Text="1")
    reviewer.fill(Tags_1="x", Tags_2="y", Key_1="a", Value_1="7").tick("Yes", "M")
    [street] = [item for item in reviewer.page.inputs if item.id == "f-10-0"]
    street.value = "B"
    assert reviewer.answer() == {
        "reason": "fine",
        "count": 3,
        "amount": "1.50",
        "approve": True,
        "size": "M",
        "address": {"street": "A", "city": "Berlin"},
        "tags": ["x", "y"],
        "limits": {"a": 7},
        "pet": {"kind": "dog", "name": "Rex"},
        "other": "1",
        "due": {"street": "B", "city": "Berlin"},
    }


def test_an_empty_object_schema_renders_nothing_and_decodes_to_an_empty_object() -> None:
    schemas: list[JSONValue] = [{}, {"type": "object"}, {"type": "object", "properties": {}}]
    for schema in schemas:
        reviewer = Reviewer(schema)
        assert reviewer.page.inputs == []
        assert reviewer.answer() == {}
