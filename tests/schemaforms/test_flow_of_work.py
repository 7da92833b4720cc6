"""Cases 67 to 70 and the seam: refusals find their field, conditions ask, answers are told."""

import subprocess
import sys
from typing import Annotated, Literal

import pytest
from django.http import QueryDict
from pydantic import BaseModel, Field

from approvals.schemaforms import JSONValue, describe_answer, open_form, read_form
from tests.schemaforms.browser import Page, Reviewer, ask

TEXT: JSONValue = {"type": "string"}
WHOLE: JSONValue = {"type": "integer"}


class Fix(BaseModel):
    kind: Literal["fix"] = "fix"
    column: str


class Accept(BaseModel):
    kind: Literal["accept"] = "accept"
    reason: str


class SignOff(BaseModel):
    approve: bool
    findings: list[Annotated[Fix | Accept, Field(discriminator="kind")]] = []
    limits: dict[str, int] = {}
    note: str | None = None


ANSWER: JSONValue = {
    "approve": True,
    "findings": [{"kind": "accept", "reason": "small"}, {"kind": "fix", "column": "price"}],
    "limits": {"a.b": 3},
    "note": None,
}


def sign_off() -> Reviewer:
    schema = SignOff.model_json_schema()
    schema["properties"]["approve"]["default"] = True
    schema["properties"]["findings"]["default"] = ANSWER["findings"]  # type: ignore[index,call-overload]
    schema["properties"]["limits"]["default"] = {"a.b": 3}
    return Reviewer(schema)


@pytest.mark.parametrize(
    ("path", "label"),
    [
        (("findings", 1, "column"), "Column"),
        (("limits", "a.b"), "Value 1"),
        (("note",), "Note"),
        (("note", "deeper", 3), "Note"),
    ],
)
def test_a_refusal_is_put_beside_the_nearest_field(path: tuple[str | int, ...], label: str) -> None:
    reviewer = sign_off()
    form = reviewer.submit()
    assert form.value == ANSWER
    form.attach([(path, "The flow says no.")])
    assert not form.is_valid
    [problem] = form.problems
    page = Page(str(form.render()))
    assert problem.control_id == page.find(label).id
    assert f'id="{problem.control_id}-error"' in str(form.render())
    assert f'href="#{problem.control_id}"' in str(form.render_summary())


def test_a_refusal_of_a_group_or_of_the_whole_is_shown() -> None:
    form = sign_off().submit()
    form.attach([(("findings",), "Too few."), (("nowhere",), "Lost."), ((), "All wrong.")])
    assert [(problem.path, problem.control_id) for problem in form.problems] == [
        ((), ""),
        ((), ""),
        (("findings",), "f-1"),
    ]
    html = str(form.render())
    assert "Too few." in html
    assert "All wrong." in html


def test_a_value_that_may_only_be_read_is_shown_and_sent() -> None:
    reviewer = ask(a={"type": "string", "readOnly": True, "default": "orders"}, b=TEXT)
    assert "orders</bdi></output>" in reviewer.html
    assert reviewer.answer() == {"a": "orders", "b": ""}
    form = read_form(reviewer.schema, QueryDict("f.0=forged&f.1="))
    assert form.value == {"a": "orders", "b": ""}


def test_deprecated_fields_are_folded_away_and_examples_are_only_offered() -> None:
    reviewer = ask(
        a={"type": "integer", "deprecated": True}, b={"type": "string", "examples": ["x", "y"]}
    )
    assert '<details class="sf-folded">' in reviewer.html
    assert reviewer.page.find("B").value == ""
    assert '<option value="x">' in reviewer.html
    reviewer.submit()
    assert '<details class="sf-folded" open>' in reviewer.html


PAYMENT: JSONValue = {
    "properties": {"how": {"enum": ["card", "cash"]}},
    "required": ["how"],
    "if": {"properties": {"how": {"const": "card"}}, "required": ["how"]},
    "then": {"properties": {"number": {"type": "string", "minLength": 1}}, "required": ["number"]},
    "else": {"properties": {"change": {"type": "integer"}}},
}


def test_a_condition_brings_in_the_fields_it_calls_for() -> None:
    reviewer = Reviewer(PAYMENT).tick("card").press("Update questions")
    assert "Number" in reviewer.page.labels
    assert "Change" not in reviewer.page.labels
    assert reviewer.messages() == [(("number",), "Enter an answer.")]
    assert reviewer.fill(Number="1234").answer() == {"how": "card", "number": "1234"}


def test_a_field_that_nobody_has_seen_is_shown_before_anything_is_sent() -> None:
    reviewer = Reviewer(PAYMENT).tick("cash").press("Update questions").tick("card")
    messages = reviewer.messages()
    assert (("number",), "Enter an answer.") in messages
    assert reviewer.fill(Number="1").answer() == {"how": "card", "number": "1"}


def test_a_field_that_a_condition_brings_in_is_not_wrong_at_once() -> None:
    reviewer = Reviewer(PAYMENT)
    reviewer.submit()
    reviewer.tick("card").press("Update questions")
    assert reviewer.form.problems == []
    assert reviewer.messages() == [(("number",), "Enter an answer.")]


def test_hidden_fields_are_not_sent() -> None:
    reviewer = Reviewer(PAYMENT).tick("card").press("Update questions").fill(Number="1")
    reviewer.tick("cash").press("Update questions")
    assert reviewer.answer() == {"how": "cash"}


def test_a_dependency_asks_for_the_other_field() -> None:
    optional: JSONValue = {"type": "integer"}
    schema: JSONValue = {
        "properties": {"card": optional, "address": {"type": "integer"}},
        "dependentRequired": {"card": ["address"]},
    }
    assert Reviewer(schema).answer() == {}
    reviewer = Reviewer(schema).fill(Card="1")
    assert reviewer.messages() == [(("address",), "This needs an answer.")]
    assert reviewer.fill(Address="2").answer() == {"card": 1, "address": 2}


def test_null_does_not_trigger_a_dependency() -> None:
    nullable: JSONValue = {"anyOf": [WHOLE, {"type": "null"}], "default": None}
    schema: JSONValue = {
        "properties": {"card": nullable, "address": WHOLE},
        "dependentRequired": {"card": ["address"]},
    }
    assert Reviewer(schema).answer() == {}


def test_the_dependencies_that_prefect_documents_are_kept() -> None:
    schema: JSONValue = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        "properties": {"a": WHOLE, "b": WHOLE},
        "dependencies": {"a": ["b"]},
    }
    assert [path for path, _ in Reviewer(schema).fill(A="1").messages()] == [("b",)]


def test_what_only_the_flow_can_judge_is_accepted_here() -> None:
    past_date: JSONValue = {"type": "string", "format": "date"}
    assert ask(a=past_date).fill(A="9999-12-31").submit().is_valid


def test_every_problem_is_told_at_once_and_linked_from_the_summary() -> None:
    reviewer = ask(a=WHOLE, b={"type": "boolean"}, c={"type": "array", "minItems": 1, "items": {}})
    form = reviewer.submit()
    assert [problem.path for problem in form.problems] == [("a",), ("b",), ("c",)]
    summary = str(form.render_summary())
    assert "3 answers need another look" in summary
    for problem in form.problems:
        assert f'href="#{problem.control_id}"' in summary
        assert f'id="{problem.control_id}"' in reviewer.html
    assert 'role="alert"' in summary
    assert 'tabindex="-1"' in summary


def test_a_form_without_problems_has_no_summary() -> None:
    assert open_form({"properties": {"a": TEXT}}).render_summary() == ""


def test_controls_are_tied_to_their_help_and_their_errors() -> None:
    reviewer = ask(a={"type": "integer", "description": "How many?"}).fill(A="x")
    assert 'aria-describedby="f-0-help"' in reviewer.html
    reviewer.submit()
    assert 'aria-describedby="f-0-help f-0-error" aria-invalid="true"' in reviewer.html


def test_an_answer_is_described_in_the_words_of_its_form() -> None:
    assert describe_answer(SignOff.model_json_schema(), ANSWER) == [
        ("Approve", "Yes"),
        ("Findings 1", "Accept"),
        ("Findings 1 \u203a Reason", "small"),
        ("Findings 2", "Fix"),
        ("Findings 2 \u203a Column", "price"),
        ("Limits \u203a a.b", "3"),
    ]


def test_an_answer_that_does_not_fit_its_schema_is_described_all_the_same() -> None:
    schema: JSONValue = {"properties": {"a": WHOLE, "b": {"type": "object"}}}
    rows = describe_answer(schema, {"a": "many", "b": [1], "c": True})
    assert dict(rows)["A"] == '"many"'
    assert "true" in repr(rows)


def test_what_somebody_typed_can_be_read_later_even_where_it_was_wrong() -> None:
    reviewer = ask(amount=WHOLE, ok={"type": "boolean"}).fill(Amount="a lot").tick("No")
    assert reviewer.submit().typed() == [("Amount", "a lot"), ("Ok", "No")]


def test_a_schema_that_cannot_be_used_at_all_says_so_and_takes_json() -> None:
    form = open_form({"$ref": "#/nowhere"})
    assert form.fallback_reason == "Its description refers to a part that is missing."
    form = read_form({"$ref": "#/nowhere"}, QueryDict('f={"a": 1}'))
    assert form.value == {"a": 1}
    assert form.is_valid


def test_enter_in_a_text_field_submits_and_presses_no_other_button() -> None:
    html = ask(a={"type": "array", "items": TEXT}, b=TEXT).html
    first = html.index("<button")
    assert 'class="sf-first-submit"' in html[first : first + 60]


def test_buttons_work_without_evaluating_anything() -> None:
    html = ask(a={"type": "array", "items": TEXT}).html
    assert "hx-on" not in html
    assert "hx-vals" not in html
    assert " style=" not in html
    assert "<script" not in html


def test_models_are_introduced_by_their_own_description() -> None:
    class Documented(BaseModel):
        """Look **twice**."""

        kind: Literal["doc"] = "doc"

    class Model(BaseModel):
        """Please answer."""

        either: Annotated[Documented | Fix, Field(discriminator="kind")]

    reviewer = Reviewer(Model.model_json_schema())
    assert "Please answer." in reviewer.html
    assert "Look <strong>twice</strong>" in reviewer.press("Documented").html


def test_what_is_wrong_stays_in_sight_while_rows_are_added() -> None:
    reviewer = ask(a=WHOLE, b={"type": "array", "items": WHOLE})
    assert reviewer.press("Add B").form.problems == []
    reviewer.submit()
    reviewer.press("Add B")
    assert [problem.path for problem in reviewer.form.problems] == [("a",), ("b", 0)]
    assert not reviewer.form.is_valid
    reviewer.fill(A="1", B_1="2", B_2="3")
    assert reviewer.answer() == {"a": 1, "b": [2, 3]}


@pytest.mark.slow
def test_the_island_needs_no_django_before_it_renders() -> None:
    code = "import sys, approvals.schemaforms; assert 'django' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("place", "label"),
    [
        ("findings[1].column", "Column"),
        ("findings[1].nothing", "Fix"),
        ("limits.a.b", "Value 1"),
        ("note.deeper[3]", "Note"),
        ("notes", ""),
        ("", ""),
    ],
)
def test_a_place_in_words_is_found_whatever_its_names_contain(place: str, label: str) -> None:
    form = sign_off().submit()
    form.attach_at(place, "The flow says no.")
    [problem] = form.problems
    assert problem.label.rpartition("\u203a ")[2] == label
