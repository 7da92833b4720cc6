"""Cases 1 to 8: a key left out, null, and empty text are three different answers."""

from pydantic import BaseModel
from pydantic.json_schema import SkipJsonSchema

from approvals.schemaforms import JSONValue
from tests.schemaforms.browser import Reviewer, ask

TEXT: JSONValue = {"type": "string"}
TEXT_OR_NONE: JSONValue = {"anyOf": [{"type": "string"}, {"type": "null"}]}
NUMBER_OR_NONE: JSONValue = {"anyOf": [{"type": "integer"}, {"type": "null"}]}


def test_a_required_text_left_blank_is_the_empty_text() -> None:
    assert ask(a=TEXT).answer() == {"a": ""}


def test_a_required_text_of_some_length_asks_for_an_answer() -> None:
    for rule in ({"minLength": 1}, {"pattern": "^x"}, {"minLength": 3}):
        reviewer = ask(a={"type": "string", **rule})
        [(path, message)] = reviewer.messages()
        assert path == ("a",)
        assert message == "Enter an answer."


def test_no_field_is_marked_as_required_in_html() -> None:
    assert " required" not in ask(a=TEXT, b={"type": "integer"}).html


def test_an_optional_text_left_blank_is_not_set_and_empty_text_stays_in_reach() -> None:
    reviewer = ask("a", a={**TEXT_OR_NONE, "default": None})  # type: ignore[dict-item]
    assert reviewer.answer() == {"a": None}
    blank = next(item for item in reviewer.page.inputs if item.name == "f.0.!")
    assert [words for _, words in blank.options] == ["not set", "empty text"]
    blank.value = "empty"
    assert reviewer.answer() == {"a": ""}


def test_a_required_text_or_none_left_blank_must_be_settled() -> None:
    reviewer = ask(a=TEXT_OR_NONE)
    assert reviewer.messages() == [(("a",), "Choose what leaving this blank means.")]
    next(item for item in reviewer.page.inputs if item.name == "f.0.!").value = "null"
    assert reviewer.answer() == {"a": None}


def test_a_default_that_was_cleared_does_not_come_back() -> None:
    reviewer = ask("a", a={"type": "string", "default": "x"})
    assert reviewer.answer() == {"a": "x"}
    assert reviewer.fill(A="").answer() == {"a": ""}


def test_a_number_that_was_cleared_is_asked_for_again() -> None:
    reviewer = ask("a", a={"type": "integer", "default": 5}).fill(A="")
    assert reviewer.messages() == [(("a",), "Enter a whole number.")]


def test_a_key_that_may_be_missing_is_left_out_when_blank() -> None:
    assert ask("a", a={"type": "integer"}).answer() == {}
    assert ask("a", a=TEXT).answer() == {}


def test_a_blank_number_or_date_or_option_that_may_be_null_is_null() -> None:
    date: JSONValue = {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}
    assert ask(a=NUMBER_OR_NONE, b=date).answer() == {"a": None, "b": None}
    option: JSONValue = {"anyOf": [{"enum": ["x", "y"]}, {"type": "null"}], "default": None}
    assert ask("a", a=option).answer() == {"a": None}


def test_a_default_that_breaks_its_own_schema_is_neither_shown_nor_sent() -> None:
    class Model(BaseModel):
        a: int | SkipJsonSchema[None] = None

    reviewer = Reviewer(Model.model_json_schema())
    assert reviewer.page.find("A").value == ""
    assert reviewer.answer() == {}


def test_an_optional_object_is_sent_only_when_it_was_provided() -> None:
    inner: JSONValue = {"type": "object", "properties": {"street": TEXT}}
    reviewer = ask("a", a={"anyOf": [inner, {"type": "null"}], "default": None})
    assert reviewer.answer() == {"a": None}
    assert reviewer.press("Provide A").answer() == {"a": {}}
    assert reviewer.fill(Street="x").answer() == {"a": {"street": "x"}}
    assert ask("a", a=inner).answer() == {}


def test_an_object_switched_off_and_on_still_holds_what_was_typed() -> None:
    inner: JSONValue = {"type": "object", "properties": {"street": TEXT}}
    reviewer = ask("a", a=inner).press("Provide A").fill(Street="x").press("Leave out A")
    assert reviewer.answer() == {}
    assert reviewer.press("Provide A").answer() == {"a": {"street": "x"}}
