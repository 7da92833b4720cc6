"""Cases 40 to 45: lists, tuples and dictionaries."""

from typing import NamedTuple

import pytest
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from pydantic import BaseModel, Field

from approvals.schemaforms import JSONValue, read_form
from approvals.schemaforms.limits import MAX_ROWS
from tests.schemaforms.browser import Reviewer, ask

TEXT: JSONValue = {"type": "string"}
TEXTS: JSONValue = {"type": "array", "items": TEXT}
COUNTS: JSONValue = {"type": "object", "additionalProperties": {"type": "integer"}}


def test_a_required_list_left_alone_is_empty() -> None:
    assert ask(a=TEXTS).answer() == {"a": []}


def test_a_blank_row_that_somebody_added_is_an_empty_text() -> None:
    assert ask(a=TEXTS).press("Add A").answer() == {"a": [""]}


def test_blank_rows_put_down_in_advance_do_not_count() -> None:
    rule: JSONValue = {"type": "array", "items": TEXT, "minItems": 2}
    reviewer = ask(a=rule)
    assert list(reviewer.page.labels) == ["A 1", "A 2"]
    assert reviewer.messages() == [(("a",), "Add entries: at least 2 needed.")]
    assert reviewer.fill(A_1="x", A_2="y").answer() == {"a": ["x", "y"]}


def test_a_row_before_a_filled_one_counts_even_when_blank() -> None:
    rule: JSONValue = {"type": "array", "items": TEXT, "minItems": 2}
    assert ask(a=rule).fill(A_2="y").answer() == {"a": ["", "y"]}


def test_moving_and_removing_rows_keeps_what_is_in_the_others() -> None:
    reviewer = ask(a={"type": "array", "items": TEXT, "default": ["1", "2", "3"]})
    reviewer.fill(A_2="two")
    reviewer.press("Move up A 3").press("Remove A 1")
    assert reviewer.answer() == {"a": ["3", "two"]}


def test_problems_name_the_place_a_row_has_in_the_answer() -> None:
    reviewer = ask(a={"type": "array", "items": {"type": "integer"}, "default": [1, 2, 3]})
    reviewer.fill(A_3="x").press("Remove A 1").press("Move up A 2")
    [problem] = reviewer.submit().problems
    assert problem.path == ("a", 0)
    assert problem.control_id == reviewer.page.find("A 1").id


def test_a_new_row_never_takes_the_name_of_an_initial_one() -> None:
    reviewer = ask(a={"type": "array", "items": TEXT, "default": ["1", "2"]})
    reviewer.press("Remove A 2").press("Add A")
    assert reviewer.page.find("A 2").value == ""


def test_a_full_list_cannot_grow_and_one_posted_too_long_is_reported() -> None:
    rule: JSONValue = {"type": "array", "items": TEXT, "maxItems": 1}
    reviewer = ask(a=rule).press("Add A")
    assert "disabled" in reviewer.html
    schema: JSONValue = {"properties": {"a": rule}, "required": ["a"]}
    form = read_form(schema, QueryDict("f.0.%23=n0&f.0.%23=n1&f.0.n0=x&f.0.n1=y"))
    assert [problem.message for problem in form.problems] == ["Remove entries: at most 1 allowed."]


def test_a_list_beyond_all_bounds_is_cut() -> None:
    tokens = [f"n{n}" for n in range(5000)]
    posted = MultiValueDict({"f.0.#": tokens, "f.0.!": ["value"]})
    form = read_form({"properties": {"a": TEXTS}}, posted)
    assert [problem.message for problem in form.problems] == [
        f"No more than {MAX_ROWS} entries can be taken here."
    ]


class Pair(NamedTuple):
    first: int
    second: str = "x"


class Shapes(BaseModel):
    fixed: tuple[int, str]
    named: Pair
    many: tuple[int, ...]
    none: tuple[()]


def test_tuples_have_fixed_places() -> None:
    reviewer = Reviewer(Shapes.model_json_schema())
    assert list(reviewer.page.buttons) == ["", "Add Many"]
    reviewer.fill(Part_1="1", Part_2="b", First="2").press("Add Many").fill(Many_1="5")
    answer = reviewer.answer()
    assert answer == {"fixed": [1, "b"], "named": [2, "x"], "many": [5], "none": []}
    Shapes.model_validate(answer)


def test_only_the_last_places_of_a_tuple_may_be_left_out() -> None:
    rule: JSONValue = {
        "type": "array",
        "minItems": 1,
        "maxItems": 3,
        "prefixItems": [{"type": "integer", "title": name} for name in ("One", "Two", "Three")],
    }
    assert ask(a=rule).fill(One="1").answer() == {"a": [1]}
    messages = ask(a=rule).fill(One="1", Three="3").messages()
    assert messages == [(("a", 1), "Fill this in, or clear what comes after it.")]


def test_a_dictionary_has_rows_of_key_and_value() -> None:
    reviewer = ask(a=COUNTS).press("Add entry A").press("Add entry A")
    reviewer.fill(Key_1="", Value_1="1", Key_2=" b", Value_2="2")
    assert reviewer.answer() == {"a": {"": 1, " b": 2}}


def test_renaming_a_key_keeps_its_value() -> None:
    reviewer = ask(a={**COUNTS, "default": {"x": 1, "y": 2}})  # type: ignore[dict-item]
    assert reviewer.fill(Key_1="z").answer() == {"a": {"z": 1, "y": 2}}


@pytest.mark.parametrize("key", ["x", " x", "x "])
def test_keys_that_are_or_look_the_same_are_refused(key: str) -> None:
    reviewer = ask(a={**COUNTS, "default": {"x": 1}}).press("Add entry A")  # type: ignore[dict-item]
    reviewer.fill(Key_2=key, Value_2="2")
    [problem] = reviewer.submit().problems
    assert problem.message == "This key is already used above."
    assert problem.control_id == reviewer.page.find("Key 2").id


def test_keys_keep_the_rules_of_the_schema() -> None:
    rule: JSONValue = {
        "type": "object",
        "additionalProperties": TEXT,
        "propertyNames": {"enum": ["red", "blue"]},
    }
    reviewer = ask(a=rule).press("Add entry A").tick("blue").fill(Value_1="x")
    assert reviewer.answer() == {"a": {"blue": "x"}}
    rule = {"type": "object", "patternProperties": {"^k": {"type": "integer"}}}
    reviewer = ask(a=rule).press("Add entry A").fill(Key_1="x", Value_1="1")
    assert reviewer.messages() == [(("a",), "This key does not have the expected form.")]
    assert reviewer.fill(Key_1="k1").answer() == {"a": {"k1": 1}}


def test_the_key_that_is_typed_decides_what_its_value_may_be() -> None:
    patterns: JSONValue = {"^n_": {"type": "integer"}, "^t_": TEXT, "^is_": {"type": "boolean"}}
    rule: JSONValue = {"type": "object", "patternProperties": patterns}
    reviewer = ask(a=rule).press("Add entry A").fill(Key_1="t_x", Value_1="7")
    assert reviewer.answer() == {"a": {"t_x": "7"}}
    assert reviewer.fill(Key_1="n_x").answer() == {"a": {"n_x": 7}}
    reviewer.fill(Key_1="is_x").submit()
    assert reviewer.tick("Yes").answer() == {"a": {"is_x": True}}


def test_the_number_of_entries_is_a_matter_of_the_group() -> None:
    class Model(BaseModel):
        a: dict[str, int] = Field(min_length=1, max_length=2)

    reviewer = Reviewer(Model.model_json_schema())
    [problem] = reviewer.submit().problems
    assert problem.path == ("a",)
    assert problem.message == "Add entries: at least 1 needed."
    assert problem.control_id == "f-0"


def test_a_list_of_objects_fills_each_row_by_itself() -> None:
    class Item(BaseModel):
        name: str
        count: int = 1

    class Model(BaseModel):
        items: list[Item]

    reviewer = Reviewer(Model.model_json_schema()).press("Add Item").press("Add Item")
    first, _, second, _ = [item for item in reviewer.page.inputs if item.type == "text"]
    first.value, second.value = "a", "b"
    expected = [{"name": "a", "count": 1}, {"name": "b", "count": 1}]
    assert reviewer.answer() == {"items": expected}


def test_adding_says_what_happened_and_where_to_go_on() -> None:
    reviewer = ask(a=TEXTS).press("Add A")
    form = reviewer.form
    assert (form.operation, form.announcement) == ("add", "Entry 1 added")
    assert form.focus_id == reviewer.page.find("A 1").id
    assert f'id="{form.focus_id}" name="f.0.n0" value="" dir="auto" autocomplete="off"' in (
        reviewer.html
    )
    assert reviewer.html.count(" autofocus") == 1
    assert form.problems == []
    assert not form.is_valid


def test_removing_moves_the_focus_to_the_next_row_and_at_last_to_the_add_button() -> None:
    reviewer = ask(a={"type": "array", "items": TEXT, "default": ["1", "2"]}).press("Remove A 1")
    assert reviewer.form.focus_id == reviewer.page.find("A 1").id
    reviewer.press("Remove A 1")
    assert reviewer.form.focus_id == "f-0-add"
    assert 'id="f-0-add"' in reviewer.html
    assert reviewer.html.count(" autofocus") == 1


def test_a_new_row_of_fields_or_of_alternatives_takes_the_focus_at_its_first_control() -> None:
    group: JSONValue = {"type": "object", "properties": {"x": TEXT}, "required": ["x"]}
    union: JSONValue = {"anyOf": [{"type": "integer"}, TEXT]}
    for items, focus in ((group, "f-0-n0-0"), (union, "f-0-n0-b0"), (COUNTS, "f-0-n0-add")):
        reviewer = ask(a={"type": "array", "items": items}).press("Add A")
        assert reviewer.form.focus_id == focus
        assert reviewer.html.count(" autofocus") == 1
        assert f'id="{focus}"' in reviewer.html


def test_a_row_put_down_in_advance_counts_when_defaults_stand_in_it() -> None:
    class Target(BaseModel):
        region: str = "eu"

    class Model(BaseModel):
        targets: list[Target] = Field(min_length=1)

    assert Reviewer(Model.model_json_schema()).answer() == {"targets": [{"region": "eu"}]}


def test_keys_that_json_does_not_have_are_refused_and_never_dropped() -> None:
    rule: JSONValue = {
        "type": "object",
        "propertyNames": {"enum": [1, 2], "type": "integer"},
        "additionalProperties": {"type": "integer"},
    }
    reviewer = ask(a=rule)
    assert reviewer.answer() == {"a": {}}
    reviewer.press("Add entry A").tick("1").fill(Value_1="3")
    [(_, message)] = reviewer.messages()
    assert "Keys are sent as text" in message
    assert reviewer.press("Remove Key 1").answer() == {"a": {}}
