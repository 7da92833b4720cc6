"""Cases 9 to 14: numbers keep their digits and are never guessed."""

from decimal import Decimal

import pytest
from pydantic import BaseModel, Field

from approvals.schemaforms import JSONValue
from flowruns.sdk.inputs.schemas import schema_of
from tests.schemaforms.browser import Reviewer, ask

WHOLE: JSONValue = {"type": "integer"}
NUMBER: JSONValue = {"type": "number"}


class Money(BaseModel):
    amount: Decimal = Field(ge=1, le=5000)


@pytest.mark.parametrize("text", ["1.50", "1e3", "0010", "+2.0"])
def test_a_decimal_is_sent_as_the_text_that_was_typed(text: str) -> None:
    answer = Reviewer(schema_of(Money)).fill(Amount=text).answer()
    assert answer == {"amount": text}
    Money.model_validate(answer)


@pytest.mark.parametrize("text", ["abc", "", "NaN", "Infinity", "1,5", "1_000", "٣"])
def test_what_is_no_decimal_is_refused(text: str) -> None:
    [(path, message)] = Reviewer(schema_of(Money)).fill(Amount=text).messages()
    assert path == ("amount",)
    assert ("comma" in message) == (text == "1,5")


@pytest.mark.parametrize(("text", "bound"), [("0.99", "at least 1"), ("5000.01", "at most 5000")])
def test_a_decimal_keeps_the_bounds_of_its_number_branch(text: str, bound: str) -> None:
    [(_, message)] = Reviewer(schema_of(Money)).fill(Amount=text).messages()
    assert bound in message


@pytest.mark.parametrize("bound", ["0.1", "0.3", "1.005", "1e-7"])
def test_a_decimal_may_be_what_its_bound_says(bound: str) -> None:
    class Share(BaseModel):
        part: Decimal = Field(ge=Decimal(bound), le=Decimal(bound))

    answer = Reviewer(schema_of(Share)).fill(Part=bound).answer()
    Share.model_validate(answer)


def test_the_pattern_of_older_pydantic_gets_a_spelling_it_accepts() -> None:
    pattern = r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"
    rule: JSONValue = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": pattern}]}
    assert ask(a=rule).fill(A="1e3").answer() == {"a": "1000"}


@pytest.mark.parametrize(("text", "value"), [("7", 7), ("-7", -7), ("1.0", 1), ("1e3", 1000)])
def test_a_whole_number_is_read_as_one(text: str, value: int) -> None:
    answer = ask(a=WHOLE).fill(A=text).answer()
    assert answer == {"a": value}
    assert isinstance(answer, dict)
    assert type(answer["a"]) is int


@pytest.mark.parametrize("text", ["1_000", "١٢", "1.5", "0x1f", "1e-1", "yes", "1 2"])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    [(path, _)] = ask(a=WHOLE).fill(A=text).messages()
    assert path == ("a",)


@pytest.mark.parametrize("value", [2**53 + 1, 2**64 - 1, -(2**63)])
def test_large_numbers_keep_every_digit(value: int) -> None:
    assert ask(a=WHOLE).fill(A=str(value)).answer() == {"a": value}


@pytest.mark.parametrize("value", [2**70, 2**64, -(2**63) - 1])
@pytest.mark.parametrize("rule", [WHOLE, NUMBER, {}])
def test_more_than_64_bits_are_doubted_once_and_then_sent_to_the_last_digit(
    value: int, rule: JSONValue
) -> None:
    reviewer = ask(a=rule).fill(A=str(value))
    [warning] = reviewer.submit().warnings
    assert "Prefect's own library reads it rounded" in warning.message
    assert reviewer.answer() == {"a": value}


def test_a_large_number_that_the_flow_gave_is_not_doubted() -> None:
    assert ask("a", a={"type": "integer", "default": 2**70}).answer() == {"a": 2**70}


def test_absurdly_long_numbers_are_refused_in_words() -> None:
    for text in ("9" * 5000, "1e999999"):
        assert ask(a=WHOLE).fill(A=text).messages() == [(("a",), "This number is too long.")]


@pytest.mark.parametrize("text", ["-0.0", "1e-300", "0.1", "5e-324"])
def test_floats_survive_to_the_last_bit(text: str) -> None:
    answer = ask(a=NUMBER).fill(A=text).answer()
    assert isinstance(answer, dict)
    assert repr(answer["a"]) == text


@pytest.mark.parametrize("text", ["inf", "nan", "1e400", "-Infinity"])
def test_what_json_cannot_write_is_refused(text: str) -> None:
    assert len(ask(a=NUMBER).fill(A=text).messages()) == 1


def test_a_default_that_json_cannot_write_is_left_out() -> None:
    assert ask("a", a={"type": "number", "default": float("inf")}).answer() == {}
    assert ask("a", a={"default": [float("nan")]}).messages() == [
        (("a",), "This is not a number that can be sent.")
    ]


def test_a_number_of_either_kind_is_what_it_is_typed_as() -> None:
    class Either(BaseModel):
        a: int | float

    for text, kind in (("1", int), ("1.0", float), ("1e3", float)):
        answer = Reviewer(Either.model_json_schema()).fill(A=text).answer()
        assert isinstance(answer, dict)
        assert type(answer["a"]) is kind


def test_numbers_are_typed_into_text_fields_and_come_back_as_typed() -> None:
    reviewer = ask(a=NUMBER, b=WHOLE).fill(A="1,5", B="many")
    assert 'type="number"' not in reviewer.html
    reviewer.submit()
    assert (reviewer.page.find("A").value, reviewer.page.find("B").value) == ("1,5", "many")


@pytest.mark.parametrize(
    ("rule", "text", "words"),
    [
        ({"exclusiveMinimum": 0}, "0", "above 0"),
        ({"exclusiveMaximum": 10}, "10", "below 10"),
        ({"minimum": 1}, "0", "at least 1"),
        ({"maximum": 1}, "2", "at most 1"),
        ({"multipleOf": 5}, "7", "multiple of 5"),
    ],
)
def test_a_bound_that_is_broken_is_named(rule: dict[str, JSONValue], text: str, words: str) -> None:
    [(_, message)] = ask(a={"type": "number", **rule}).fill(A=text).messages()
    assert words in message


@pytest.mark.parametrize(("step", "text"), [(0.1, "0.3"), (0.01, "19.99"), (7, "7" * 60)])
def test_multiples_are_counted_as_people_do(step: float, text: str) -> None:
    rule: JSONValue = {"type": "number", "multipleOf": step}
    answer = ask(a=rule).fill(A=text).submit()
    warnings = [warning.message for warning in answer.warnings]
    assert answer.problems == []
    assert len(warnings) == (len(text) > 20)


def test_a_long_decimal_is_no_multiple_of_a_cent() -> None:
    class Model(BaseModel):
        a: Decimal = Field(multiple_of=0.01)

    reviewer = Reviewer(schema_of(Model))
    assert reviewer.fill(A="1" * 40 + ".25").answer() == {"a": "1" * 40 + ".25"}
    [(_, message)] = reviewer.fill(A="1" * 40 + ".255").messages()
    assert message == "Enter a multiple of 0.01."
