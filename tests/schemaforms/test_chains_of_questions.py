"""Questions that answers bring in, those that their answers bring in, and those that go away."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from approvals.schemaforms import JSONValue, carry_over, describe_answer, fill_form, read_form
from approvals.schemaforms.posted import FieldList
from tests.schemaforms.asked_elsewhere import CHAINS, REFUND
from tests.schemaforms.browser import Reviewer

WHOLE: JSONValue = {"type": "integer"}


@pytest.mark.parametrize("name", CHAINS)
def test_every_level_of_a_chain_appears(name: str) -> None:
    reviewer = Reviewer(CHAINS[name]).tick("US").press("Update questions")
    reviewer.tick("CA").press("Update questions").tick("LA")
    answer = reviewer.answer()
    assert answer == {"country": "US", "state": "CA", "county": "LA"}
    Draft202012Validator(reviewer.schema).validate(answer)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CHAINS)
def test_every_level_of_a_chain_appears_to_whoever_only_submits(name: str) -> None:
    reviewer = Reviewer(CHAINS[name])
    for option, missing in (("US", "State"), ("CA", "County")):
        problems = reviewer.tick(option).submit().problems
        assert {problem.label for problem in problems} == {missing}
        assert all(f'id="{problem.control_id}"' in reviewer.html for problem in problems)
    assert reviewer.tick("LA").answer() == {"country": "US", "state": "CA", "county": "LA"}


@pytest.mark.parametrize("name", CHAINS)
def test_what_is_put_back_unsent_is_not_judged(name: str) -> None:
    """Neither what was asked from the beginning nor what an answer brought in."""
    reviewer = Reviewer(CHAINS[name]).tick("US").press("Update questions")
    for _ in range(2):
        reviewer.press("Update questions")
        assert reviewer.form.problems == []


def test_a_long_chain_given_at_once_is_shown_to_its_end() -> None:
    rules: list[JSONValue] = [
        {
            "if": {"required": [f"q{n}"]},
            "then": {"properties": {f"q{n + 1}": WHOLE}},
        }
        for n in range(30)
    ]
    value: dict[str, JSONValue] = {f"q{n}": n for n in range(31)}
    schema: JSONValue = {"type": "object", "properties": {"q0": WHOLE}, "allOf": rules}
    assert len(describe_answer(schema, value)) == 31


def test_what_brought_a_question_in_can_still_be_changed() -> None:
    schema: JSONValue = {
        "type": "object",
        "properties": {"a": {"enum": ["x", "y"]}},
        "if": {"properties": {"a": {"const": "x"}}, "required": ["a"]},
        "then": {"properties": {"a": {"const": "x"}, "b": WHOLE}},
    }
    reviewer = Reviewer(schema).tick("x").press("Update questions")
    assert {"x", "y", "B"} <= reviewer.page.labels.keys()


def test_a_question_that_an_answer_forbids_is_not_asked() -> None:
    schema: JSONValue = {
        "type": "object",
        "properties": {"plan": {"enum": ["free", "paid"]}, "seats": WHOLE},
        "required": ["plan"],
        "if": {"properties": {"plan": {"const": "free"}}, "required": ["plan"]},
        "then": {"properties": {"seats": False}},
    }
    reviewer = Reviewer(schema).tick("paid").fill(Seats="3").tick("free")
    reviewer.press("Update questions")
    assert "Seats" not in reviewer.page.labels
    assert reviewer.answer() == {"plan": "free"}
    reviewer.tick("paid").press("Update questions")
    assert reviewer.answer() == {"plan": "paid", "seats": 3}


def test_what_another_answer_requires_is_named_and_linked() -> None:
    schema: dict[str, JSONValue] = {
        "type": "object",
        "properties": {"country": {"enum": ["US"]}, "state": {"type": "string"}},
        "dependentRequired": {"country": ["state"], "state": ["county"]},
    }
    reviewer = Reviewer(schema)
    [problem] = reviewer.tick("US").submit().problems
    assert (problem.label, problem.control_id) == ("State", "f-1")
    [problem, *_] = reviewer.fill(State="CA").submit().problems
    assert problem.label == "County"
    assert reviewer.fill(County="1").answer() == {"country": "US", "state": "CA", "county": 1}


def test_a_problem_names_its_field_where_the_page_has_none() -> None:
    schema: JSONValue = {
        "type": "object",
        "properties": {"country": {"enum": ["US"]}},
        "dependentRequired": {"country": ["county"]},
        "additionalProperties": False,
    }
    reviewer = Reviewer(schema).tick("US")
    [problem] = reviewer.submit().problems
    assert problem.message == "“county” needs an answer, and there is no field for it here."
    assert f'id="{problem.control_id}"' in reviewer.html


def test_what_was_typed_is_there_again_when_its_question_returns_and_never_sent_meanwhile() -> None:
    reviewer = Reviewer(REFUND).tick("Yes").press("Update questions").fill(Iban="DE02 1203")
    reviewer.tick("No").press("Update questions")
    assert "Iban" not in reviewer.page.labels
    assert reviewer.answer() == {"refund": False}
    assert ("Iban", "DE02 1203") not in reviewer.form.typed()
    reviewer.tick("Yes").press("Update questions")
    assert reviewer.page.find("Iban").value == "DE02 1203"
    assert reviewer.answer() == {"refund": True, "iban": "DE02 1203"}


def test_rows_inside_a_question_that_goes_away_return_too() -> None:
    schema: JSONValue = {
        "type": "object",
        "properties": {"more": {"type": "boolean"}},
        "required": ["more"],
        "if": {"properties": {"more": {"const": True}}, "required": ["more"]},
        "then": {"properties": {"names": {"type": "array", "items": {"type": "string"}}}},
    }
    reviewer = Reviewer(schema).tick("Yes").press("Update questions").press("Provide Names")
    reviewer.press("Add Names").press("Add Names").fill(Names_1="x", Names_2="y")
    for option in ("No", "Yes"):
        reviewer.tick(option).press("Update questions")
    assert reviewer.answer() == {"more": True, "names": ["x", "y"]}


def test_a_secret_in_a_question_that_goes_away_is_asked_for_again() -> None:
    schema: Any = {**REFUND, "then": {"properties": {"pin": {"type": "string", "writeOnly": True}}}}  # type: ignore[dict-item]
    reviewer = Reviewer(schema).tick("Yes").press("Update questions").fill(Pin="hunter2")
    reviewer.tick("No").press("Update questions")
    assert "hunter2" not in reviewer.html
    reviewer.tick("Yes").press("Update questions")
    assert "hunter2" not in reviewer.html


def test_a_condition_reaches_into_a_group_and_what_stands_there_stays() -> None:
    text: JSONValue = {"type": "string", "minLength": 1}
    schema: JSONValue = {
        "type": "object",
        "properties": {
            "kind": {"enum": ["a", "b"]},
            "address": {"title": "Where", "type": "object", "properties": {"street": text}},
        },
        "required": ["kind", "address"],
        "if": {"properties": {"kind": {"const": "a"}}, "required": ["kind"]},
        "then": {"properties": {"address": {"properties": {"zip": text}, "required": ["zip"]}}},
    }
    reviewer = Reviewer(schema).fill(Street="x").tick("a").press("Update questions")
    assert reviewer.page.find("Street").value == "x"
    assert reviewer.messages() == [(("address", "zip"), "Enter an answer.")]
    answer = reviewer.fill(Zip="1").answer()
    assert answer == {"kind": "a", "address": {"street": "x", "zip": "1"}}


def test_an_answer_stays_when_another_condition_asks_for_the_same() -> None:
    note: dict[str, JSONValue] = {"note": {"type": "string", "minLength": 1}}
    schema: JSONValue = {
        "type": "object",
        "properties": {"ok": {"type": "boolean"}},
        "required": ["ok"],
        "if": {"properties": {"ok": {"const": True}}, "required": ["ok"]},
        "then": {"properties": note},
        "else": {"properties": {**note, "when": WHOLE}, "required": ["note"]},
    }
    reviewer = Reviewer(schema).tick("Yes").press("Update questions").fill(Note="seen")
    reviewer.tick("No").press("Update questions").fill(When="3")
    assert reviewer.answer() == {"ok": False, "note": "seen", "when": 3}


def test_one_of_several_that_a_condition_wants_are_named() -> None:
    text: JSONValue = {"type": "string", "minLength": 1}
    schema: JSONValue = {
        "type": "object",
        "properties": {"how": {"enum": ["mail", "none"]}},
        "required": ["how"],
        "if": {"properties": {"how": {"const": "mail"}}, "required": ["how"]},
        "then": {
            "properties": {"to": text, "copy": text},
            "anyOf": [{"required": ["to"]}, {"required": ["copy"]}],
        },
    }
    reviewer = Reviewer(schema).tick("mail").press("Update questions")
    [problem] = reviewer.submit().problems
    assert problem.message.endswith("“to”, “copy”.")
    assert f'id="{problem.control_id}"' in reviewer.html
    assert reviewer.fill(Copy="a").answer() == {"how": "mail", "copy": "a"}


def test_dependent_questions_in_rows_are_asked_in_each_row() -> None:
    pet: JSONValue = {
        "type": "object",
        "properties": {"pet": {"enum": ["none", "cat"]}},
        "required": ["pet"],
        "dependencies": {
            "pet": {
                "oneOf": [
                    {"properties": {"pet": {"enum": ["none"]}}},
                    {"properties": {"pet": {"enum": ["cat"]}, "age": WHOLE}, "required": ["age"]},
                ]
            }
        },
    }
    schema: JSONValue = {
        "type": "object",
        "properties": {"pets": {"type": "array", "items": pet}},
        "required": ["pets"],
    }
    reviewer = Reviewer(schema).press("Add Pets").press("Add Pets")
    for item in reviewer.page.inputs:
        item.checked = item.id in {"f-0-n0-0-0", "f-0-n1-0-1"}
    reviewer.press("Update questions")
    assert reviewer.fill(Age="3").answer() == {"pets": [{"pet": "none"}, {"pet": "cat", "age": 3}]}


@pytest.mark.parametrize("name", CHAINS)
def test_an_earlier_answer_fills_in_a_whole_chain(name: str) -> None:
    value: JSONValue = {"country": "US", "state": "CA", "county": "LA"}
    form = read_form(CHAINS[name], FieldList(fill_form(CHAINS[name], value)))
    assert (form.problems, form.value) == ([], value)


def test_answers_along_a_chain_come_along_when_its_schema_changes() -> None:
    schema: Any = CHAINS["conditions side by side"]
    reviewer = Reviewer(schema).tick("US").press("Update questions")
    reviewer.tick("CA").press("Update questions").tick("LA").press("Update questions")
    changed = {**schema, "properties": {**schema["properties"], "more": {"type": "string"}}}
    fields, changes = carry_over(reviewer.form, changed)
    assert changes.lost == []
    value = {"country": "US", "state": "CA", "county": "LA"}
    assert read_form(changed, FieldList(fields)).value == value
