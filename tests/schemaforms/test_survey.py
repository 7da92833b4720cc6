"""Authors are told what of their schema is not shown as plain fields, and why."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from approvals.schemaforms import JSONValue, list_remarks, open_form
from tests.schemaforms.samples import SAMPLES


class Fix(BaseModel):
    kind: Literal["fix"] = "fix"
    how: Any
    next: "Fix | None" = None


class Keep(BaseModel):
    kind: Literal["keep"] = "keep"
    by_name: dict[str, Any]


class Report(BaseModel):
    title: str
    steps: list[Annotated[Fix | Keep, Field(discriminator="kind")]]
    pair: tuple[int, Any]


def remarks(schema: JSONValue) -> list[tuple[str, str]]:
    return [(remark.label, remark.text) for remark in list_remarks(open_form(schema))]


def test_any_value_is_named_wherever_it_hides() -> None:
    sentence = "Entered as JSON, since any value is allowed."
    assert remarks(Report.model_json_schema()) == [
        ("Steps \u203a Fix \u203a How", sentence),
        ("Pair \u203a Part 2", sentence),
    ]


def test_a_form_of_plain_fields_has_no_remarks() -> None:
    assert remarks(SAMPLES["Expense"]) == []


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"$ref": "https://example.org/x"}, "lies in another document, which is not fetched"),
        ({"$ref": "#/$defs/Gone"}, "refers to a part that is missing"),
        ({"type": "moon"}, "names a type that is not known"),
        ({"allOf": [{"$ref": "#/properties/a"}]}, "refers to itself in a circle"),
        ({"type": "string", "pattern": "(["}, "pattern cannot be read here"),
    ],
)
def test_the_reason_is_told(rule: JSONValue, reason: str) -> None:
    [(label, text)] = remarks({"properties": {"a": rule}})
    assert label == "A"
    assert reason in text


def test_a_field_that_only_a_condition_asks_for_is_looked_at_too() -> None:
    schema: JSONValue = {
        "properties": {"how": {"type": "string"}},
        "if": {"required": ["how"]},
        "then": {"properties": {"extra": {}}},
    }
    assert [label for label, _ in remarks(schema)] == ["Extra"]


def test_a_schema_that_has_no_fields_at_all_is_named_as_a_whole() -> None:
    assert [label for label, _ in remarks({"type": "moon"})] == ["The whole form"]
