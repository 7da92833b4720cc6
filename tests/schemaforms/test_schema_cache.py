"""What one form finds out about a schema serves the next one, and never misleads it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field

from approvals.schemaforms import JSONValue, open_form
from approvals.schemaforms.limits import MAX_SCHEMA_STEPS
from approvals.schemaforms.schema.cache import SchemaCache, cached_schema
from tests.schemaforms.browser import Reviewer, ask


class Fix(BaseModel):
    kind: Literal["fix"] = "fix"
    column: str
    also: "list[Fix]" = []


class Keep(BaseModel):
    kind: Literal["keep"] = "keep"
    limits: dict[Literal["a", "b"], int] = {}


class Everything(BaseModel, extra="allow"):
    findings: list[Annotated[Fix | Keep, Field(discriminator="kind")]]
    either: int | str
    note: str | None = None


def kept(schema: JSONValue) -> SchemaCache:
    return cached_schema(schema)[0]


def answer_everything() -> JSONValue:
    reviewer = Reviewer(Everything.model_json_schema())
    for button in ("Add Findings", "Keep", "Add entry Limits", "Text"):
        reviewer.press(button)
    reviewer.press("Add entry Other entries").tick("a").fill(Value_1="7", Text="y")
    key = next(item for item in reviewer.page.inputs if item.name == "f.+.n0.k")
    value = next(item for item in reviewer.page.inputs if item.name == "f.+.n0.v")
    key.value, value.value = "z", "1"
    return reviewer.answer()


def test_the_second_form_of_a_schema_finds_out_nothing_again_and_says_the_same() -> None:
    first = answer_everything()
    for _ in range(3):
        known = len(kept(Everything.model_json_schema()))
        assert answer_everything() == first
    assert len(kept(Everything.model_json_schema())) == known


def test_a_schema_that_its_owner_changes_is_another_schema() -> None:
    properties: dict[str, JSONValue] = {"a": {"type": "string", "title": "Old"}}
    schema: JSONValue = {"properties": properties}
    open_form(schema)
    properties["a"] = {"type": "integer", "title": "New"}
    assert "New" in open_form(schema).render()
    assert "Old" in open_form({"properties": {"a": {"type": "string", "title": "Old"}}}).render()


@pytest.mark.parametrize("first", [1, True, 1.0, "1"])
def test_schemas_that_differ_in_a_type_only_are_different(first: JSONValue) -> None:
    for option in (1, True, 1.0, "1", first):
        reviewer = ask(a={"enum": [option, "x"]})
        token = next(item for item in reviewer.page.inputs if item.type == "radio")
        token.checked = True
        answer = reviewer.answer()
        assert isinstance(answer, dict)
        assert type(answer["a"]) is type(option)


def test_trouble_is_found_out_anew_by_every_form() -> None:
    bomb: JSONValue = {"$ref": "#/$defs/0"}
    defs: dict[str, JSONValue] = {
        str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 2} for n in range(30)
    }
    schema: JSONValue = {"$defs": {**defs, "30": {}}, "properties": {"a": bomb, "b": {}}}
    assert MAX_SCHEMA_STEPS < 2**30
    for _ in range(2):
        assert "too large" in open_form(schema).render()
        assert len(kept(schema)) == 0


def test_a_schema_that_json_cannot_write_has_a_form_all_the_same() -> None:
    odd: set[str] = {"x"}
    schema: JSONValue = {"properties": {"a": {"type": "string", "x-odd": odd}}}  # type: ignore[dict-item]
    assert 'name="f.0"' in open_form(schema).render()


def test_forms_of_one_schema_do_not_meet_in_different_threads() -> None:
    class Fresh(BaseModel):
        parts: list[Fix]
        choice: Literal["x", "y", "z"]

    schema = Fresh.model_json_schema()

    def answer(number: int) -> JSONValue:
        reviewer = Reviewer(schema).press("Add Fix").fill(Column=str(number)).tick("y")
        return reviewer.answer()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(answer, range(40)))
    assert answers == [
        {"parts": [{"kind": "fix", "column": str(n), "also": []}], "choice": "y"} for n in range(40)
    ]
