"""Cases 15 to 27: nothing is chosen for the reviewer, and every option keeps its type."""

from enum import Enum
from typing import Literal

import pytest
from django.http import QueryDict
from pydantic import BaseModel

from approvals.schemaforms import JSONValue, read_form
from approvals.schemaforms.values import same_json
from tests.schemaforms.browser import Reviewer, ask

YES_NO: JSONValue = {"type": "boolean"}
SIZES: JSONValue = {"enum": ["S", "M", "L", "XL", "XXL"]}


def test_a_required_yes_or_no_starts_unanswered_and_asks() -> None:
    reviewer = ask(a=YES_NO)
    assert not any(item.checked for item in reviewer.page.inputs)
    assert reviewer.messages() == [(("a",), "Choose Yes or No.")]
    assert reviewer.tick("No").answer() == {"a": False}


def test_no_chosen_over_a_default_of_yes_is_sent() -> None:
    reviewer = ask("a", a={"type": "boolean", "default": True})
    assert reviewer.answer() == {"a": True}
    assert reviewer.tick("No").answer() == {"a": False}


def test_yes_no_or_undecided_is_three_choices() -> None:
    rule: JSONValue = {"anyOf": [YES_NO, {"type": "null"}]}
    reviewer = ask(a=rule)
    assert list(reviewer.page.labels) == ["Yes", "No", "Not decided"]
    assert len(reviewer.messages()) == 1
    assert reviewer.tick("Not decided").answer() == {"a": None}


@pytest.mark.parametrize("text", ["false", "on", "true", "2", "Yes"])
def test_only_the_offered_tokens_count_as_an_answer(text: str) -> None:
    schema: JSONValue = {"properties": {"a": YES_NO}, "required": ["a"]}
    assert not read_form(schema, QueryDict(f"f.0={text}")).is_valid


MIXED: list[JSONValue] = [1, "1", 1.0, True, "true", None, "null", [1], {"a": 1}]


@pytest.mark.parametrize("index", range(len(MIXED)))
def test_options_that_read_alike_keep_their_type(index: int) -> None:
    schema: JSONValue = {"properties": {"a": {"enum": MIXED}}, "required": ["a"]}
    form = read_form(schema, QueryDict(f"f.0={index}"))
    assert isinstance(form.value, dict)
    assert same_json(form.value["a"], MIXED[index])
    opened = Reviewer({"properties": {"a": {"enum": MIXED, "default": MIXED[index]}}})
    assert opened.page.find("A").value == str(index)


def test_options_that_read_alike_look_different() -> None:
    [select] = ask(a={"enum": [1, "1", True, "Yes", None, "None"]}).page.inputs
    assert len({words for _, words in select.options}) == len(select.options)


def test_none_and_not_set_are_different_choices() -> None:
    reviewer = ask("a", a={"enum": ["x", None]})
    assert list(reviewer.page.labels) == ["x", "None", "Not set"]
    assert reviewer.answer() == {}
    assert reviewer.tick("None").answer() == {"a": None}


def test_no_option_is_chosen_in_advance() -> None:
    reviewer = ask(a=SIZES)
    assert reviewer.page.find("A").options[0] == ("", "Choose…")
    assert reviewer.messages() == [(("a",), "Choose one of the options.")]


def test_a_choice_that_does_not_exist_leaves_nothing_chosen() -> None:
    schema: JSONValue = {"properties": {"a": SIZES}, "required": ["a"]}
    reviewer = Reviewer(schema)
    reviewer.page.find("A").value = "99"
    reviewer.submit()
    assert reviewer.page.find("A").value == ""


def test_a_value_that_is_no_longer_offered_is_shown_and_must_be_chosen_anew() -> None:
    reviewer = ask(a={**SIZES, "default": "S M"})  # type: ignore[dict-item]
    assert "no longer available" in reviewer.html
    assert len(reviewer.messages()) == 1


@pytest.mark.parametrize(
    "rule", [{"const": "v2"}, {"const": "v2", "enum": ["v2"]}, {"const": "v2", "type": "string"}]
)
def test_a_constant_is_sent_and_never_asked_for(rule: dict[str, JSONValue]) -> None:
    reviewer = ask(a=rule)
    assert reviewer.page.inputs == []
    assert reviewer.answer() == {"a": "v2"}


def test_no_tick_at_all_is_an_empty_list() -> None:
    rule: JSONValue = {"type": "array", "uniqueItems": True, "items": {"enum": ["a", "b"]}}
    assert ask(a=rule).answer() == {"a": []}
    assert ask(a=rule).tick("b").answer() == {"a": ["b"]}


def test_options_that_may_repeat_have_rows() -> None:
    class Model(BaseModel):
        a: list[Literal["x", "y"]]

    reviewer = Reviewer(Model.model_json_schema()).press("Add A").press("Add A")
    for radio in reviewer.page.inputs:
        radio.checked = radio.value == "1" or radio.checked
    assert reviewer.answer() == {"a": ["y", "y"]}


def test_initial_ticks_keep_their_order_while_untouched() -> None:
    rule: JSONValue = {
        "type": "array",
        "uniqueItems": True,
        "items": {"enum": ["a", "b", "c"]},
        "default": ["c", "a"],
    }
    assert ask("a", a=rule).answer() == {"a": ["c", "a"]}


def test_a_repeated_entry_is_reported_at_the_second() -> None:
    rule: JSONValue = {"type": "array", "uniqueItems": True, "items": {}, "default": [1, True]}
    assert ask("a", a=rule).answer() == {"a": [1, True]}
    rule = {"type": "array", "uniqueItems": True, "items": {}, "default": [1, 2, 1.0]}
    assert ask(a=rule).messages() == [(("a", 2), "This repeats an earlier entry.")]


def test_options_carry_the_labels_their_author_gave() -> None:
    class Colour(Enum):
        RED = "r"
        BLUE = "b"

    rule: JSONValue = {"enum": [item.value for item in Colour], "x-labels": ["Red", "Blue"]}
    reviewer = ask(a=rule)
    assert list(reviewer.page.labels) == ["Red", "Blue"]
    assert reviewer.tick("Blue").answer() == {"a": "b"}


def test_option_texts_are_isolated_from_the_text_direction_around_them() -> None:
    assert "<bdi>עברית</bdi>" in ask(a={"enum": ["עברית", "x"]}).html


def test_ticks_that_may_be_left_out_or_null_tell_no_tick_from_an_empty_list() -> None:
    rule: dict[str, JSONValue] = {
        "type": "array",
        "uniqueItems": True,
        "items": {"enum": ["a", "b"]},
    }
    for default, words, value in ((None, "none", {"a": None}), ({}, "not answered", {})):
        part: JSONValue = {"anyOf": [rule, {"type": "null"}], "default": None}
        reviewer = ask("a", a=part if default is None else rule)
        blank = next(item for item in reviewer.page.inputs if item.type == "select")
        assert dict(blank.options)[blank.value] == words
        assert reviewer.answer() == value
        assert reviewer.tick("b").answer() == {"a": ["b"]}
    blank = next(item for item in reviewer.page.inputs if item.type == "select")
    reviewer.page.find("b").checked, blank.value = False, ""
    assert reviewer.answer() == {"a": []}
