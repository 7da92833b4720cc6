"""What people complain about in other forms does not happen here, without JavaScript."""

from enum import Enum, IntEnum
from typing import Annotated, Any, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from approvals.schemaforms import Form, JSONValue, describe_answer, open_form
from flowruns.sdk.inputs.schemas import schema_of
from tests.schemaforms.asked_elsewhere import Incident, Level, Limits, Perm, Signed
from tests.schemaforms.browser import Reviewer, ask

WHOLE: JSONValue = {"type": "integer"}
NUMBER: JSONValue = {"type": "number"}
TITLED: JSONValue = {
    "oneOf": [
        {"const": 1, "title": "Low: nobody notices", "description": "Fix it *some* day."},
        {"const": 2, "title": "High: page somebody", "description": "Tonight."},
    ]
}


def messages_of(form: Form) -> list[str]:
    return [problem.message for problem in form.problems]


# Words of options


def test_the_titles_of_options_are_their_labels_and_descriptions_stand_below() -> None:
    reviewer = ask(a=TITLED)
    assert list(reviewer.page.labels) == ["Low: nobody notices", "High: page somebody"]
    assert "<p>Fix it <em>some</em> day.</p>" in reviewer.html
    assert 'aria-describedby="f-0-1-about"' in reviewer.html
    assert reviewer.tick("High: page somebody").answer() == {"a": 2}
    assert describe_answer(reviewer.schema, {"a": 2}) == [("A", "High: page somebody")]


def test_distinct_titled_options_in_a_list_are_ticked() -> None:
    rule: JSONValue = {"type": "array", "uniqueItems": True, "items": TITLED}
    reviewer = ask(a=rule).tick("Low: nobody notices", "High: page somebody")
    assert "Tonight." in reviewer.html
    assert reviewer.answer() == {"a": [1, 2]}


@pytest.mark.parametrize(
    "word", ["x-enumNames", "x-enum-varnames", "enumNames", "x-labels", "x-enum-labels"]
)
@pytest.mark.parametrize("names", [["Low", "High"], {"1": "Low", "2": "High"}])
def test_every_annotation_that_names_options_is_read(word: str, names: Any) -> None:
    one: JSONValue = {"enum": [1, 2], word: names}
    several: JSONValue = {"type": "array", "uniqueItems": True, "items": one}
    assert ask(a=one).tick("High").answer() == {"a": 2}
    assert ask(a=several).tick("Low").answer() == {"a": [1]}
    assert ask("a", a={"anyOf": [one, {"type": "null"}]}).tick("High").answer() == {"a": 2}


def test_names_that_do_not_fit_the_options_are_passed_over() -> None:
    unfit: list[JSONValue] = [["Low"], [], "Low", [1, 2]]
    for names in unfit:
        assert list(ask(a={"enum": [1, 2], "x-enumNames": names}).page.labels) == ["1", "2"]


def test_options_of_the_same_name_are_told_apart_by_their_value() -> None:
    rule: JSONValue = {"oneOf": [{"const": 1, "title": "Same"}, {"const": 2, "title": "Same"}]}
    assert ask(a=rule).tick("Same (2)").answer() == {"a": 2}


def test_options_inside_options_are_one_question() -> None:
    rule: JSONValue = {"anyOf": [TITLED, {"const": None, "title": "Not yet known"}, {"enum": [9]}]}
    reviewer = ask(a=rule)
    assert list(reviewer.page.labels)[2:] == ["Not yet known", "9"]
    assert reviewer.tick("Not yet known").answer() == {"a": None}


def test_titled_yes_and_no_are_sent_as_such() -> None:
    rule: JSONValue = {
        "type": "boolean",
        "oneOf": [{"const": True, "title": "Ship it"}, {"const": False, "title": "Hold it"}],
    }
    assert ask(a=rule).tick("Hold it").answer() == {"a": False}
    named: JSONValue = {"type": "boolean", "enumNames": ["Ship it", "Hold it"]}
    assert ask(a=named).tick("Ship it").answer() == {"a": True}


def test_the_name_of_a_class_with_one_member_is_not_taken_for_that_of_its_option() -> None:
    class Colour(Enum):
        RED = "r"

    class Model(BaseModel):
        a: Colour | Literal["g"]

    assert list(Reviewer(Model.model_json_schema()).page.labels) == ["r", "g"]


def test_many_described_options_are_not_folded_into_a_list() -> None:
    parts: list[JSONValue] = [{"const": n, "title": f"T{n}", "description": "x"} for n in range(9)]
    reviewer = ask(a={"oneOf": parts})
    assert "<select" not in reviewer.html
    assert reviewer.tick("T8").answer() == {"a": 8}


def test_our_sdk_names_the_members_of_numeric_enums() -> None:
    class Half(float, Enum):
        none = 0.0
        half = 0.5

    class Model(BaseModel):
        level: Level
        perms: set[Perm]
        half: Half
        one: Literal[Level.high, Level.low]

    schema = schema_of(Model)
    reviewer = Reviewer(schema)
    for tick in ("f-0-1", "f-1-0", "f-1-2", "f-2-1", "f-3-0"):
        next(item for item in reviewer.page.inputs if item.id == tick).checked = True
    answer = reviewer.answer()
    assert answer == {"level": 2, "perms": [1, 4], "half": 0.5, "one": 2}
    Model.model_validate(answer)
    Draft202012Validator.check_schema(schema)
    assert ("Perms", "read, remove") in describe_answer(schema, answer)
    assert {"low", "high", "read", "half"} <= reviewer.page.labels.keys()


def test_our_sdk_leaves_enums_of_words_alone() -> None:
    class Size(Enum):
        SMALL = "small"
        LARGE = "large"

    class Model(BaseModel):
        size: Size
        one: Literal[1, 2]

    assert "x-enum" not in str(schema_of(Model))


# Thousands


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1.000", "1000"),
        ("10.000", "10000"),
        ("1,000", "1000"),
        ("-2.500.000", "-2500000"),
        ("1,00,000", "100000"),
        ("1.000,00", "1000"),
    ],
)
def test_thousands_are_refused_for_whole_numbers_with_the_right_hint(text: str, plain: str) -> None:
    form = ask(a=WHOLE).fill(A=text).submit()
    assert messages_of(form) == [f"Write {plain}, without point or comma."]


@pytest.mark.parametrize("text", ["1 000", "1\u202f000", "1'000", "1\u2019000", "1_000"])
def test_thousands_divided_otherwise_get_the_hint_too(text: str) -> None:
    for rule in (WHOLE, NUMBER):
        [message] = messages_of(ask(a=rule).fill(A=text).submit())
        assert message.startswith("Write 1000, without ")


@pytest.mark.parametrize(("text", "value"), [("1.0", 1), ("7.00", 7), ("1000.000", 1000)])
def test_a_whole_number_with_zeros_behind_the_point_is_still_one(text: str, value: int) -> None:
    assert ask(a=WHOLE).fill(A=text).answer() == {"a": value}


DECIMAL: JSONValue = {"anyOf": [NUMBER, {"type": "string", "format": "decimal"}]}


@pytest.mark.parametrize(
    ("rule", "value"),
    [(NUMBER, 1.0), (DECIMAL, "1.000"), ({}, 1.0), ({"anyOf": [WHOLE, NUMBER]}, 1.0)],
)
def test_what_looks_like_thousands_is_doubted_once_before_it_is_sent(
    rule: JSONValue, value: JSONValue
) -> None:
    reviewer = ask(a=rule).fill(A="1.000")
    [warning] = reviewer.submit().warnings
    assert "this is 1. If you mean 1000, write it without the point" in warning.message
    assert reviewer.answer() == {"a": value}


@pytest.mark.parametrize("text", ["0.125", "1.25", "1000.125", "1.0005", "-0.500"])
def test_other_decimals_are_not_doubted(text: str) -> None:
    assert ask(a=NUMBER).fill(A=text).answer() == {"a": float(text)}


def test_a_share_of_at_most_a_hundred_is_doubted_only_where_it_could_be_meant() -> None:
    share: JSONValue = {"type": "number", "maximum": 100}
    assert ask(a=share).fill(A="12.345").answer() == {"a": 12.345}
    assert ask(a=share).fill(A="1.000").submit().warnings != []


def test_a_bound_that_a_misread_thousand_breaks_is_explained() -> None:
    form = ask(a={"type": "number", "minimum": 100}).fill(A="1.000").submit()
    assert "at least 100" in messages_of(form)[0]
    assert "If you mean 1000" in messages_of(form)[1]


# Number or text


def test_a_number_or_a_text_is_asked_for_as_such() -> None:
    reviewer = Reviewer(schema_of(Limits)).press("Text").fill(Count="1")
    reviewer.page.find("Text").value = "auto"
    assert reviewer.answer() == {"threshold": "auto", "share": 5, "count": 1, "ratio": 0.5}


@pytest.mark.parametrize(("branch", "text", "value"), [("Number", "7", 7), ("Text", "50%", "50%")])
def test_a_share_is_a_number_or_a_text_of_its_own_form(
    branch: str, text: str, value: JSONValue
) -> None:
    percent: JSONValue = {"type": "string", "pattern": r"^\d+(\.\d+)?%$"}
    reviewer = ask("a", a={"anyOf": [NUMBER, percent], "default": 5}).press(branch)
    answer = reviewer.fill(**{branch: text}).answer()
    assert answer == {"a": value}
    assert isinstance(answer, dict)
    assert type(answer["a"]) is type(value)


# One possible value


def test_the_only_possible_entry_of_a_set_is_ticked() -> None:
    schema = schema_of(Signed)
    reviewer = Reviewer(schema).tick("gdpr").press("Add entry Sums").fill(Value_1="3")
    assert "total" in reviewer.html
    answer = reviewer.answer()
    assert answer == {"laws": ["gdpr"], "sums": {"total": 3}}
    assert describe_answer(schema, answer) == [("Laws", "gdpr"), ("Sums \u203a total", "3")]


def test_a_dictionary_takes_no_more_rows_than_there_are_keys() -> None:
    reviewer = Reviewer(schema_of(Signed)).press("Add entry Sums").press("Add entry Sums")
    assert reviewer.page.labels.keys() >= {"Value 1"}
    assert "Value 2" not in reviewer.page.labels


def test_a_settled_value_is_shown_and_told_wherever_it_stands() -> None:
    class Model(BaseModel):
        rule: Literal["four eyes"]
        steps: list[Literal["build"]] = []
        pair: tuple[Literal["v1"], int]
        mode: Literal["auto"] | int

    schema = schema_of(Model)
    reviewer = Reviewer(schema).press("Add Steps").press("auto")
    reviewer.page.find("Part 2").value = "7"
    answer = reviewer.answer()
    assert answer == {"rule": "four eyes", "steps": ["build"], "pair": ["v1", 7], "mode": "auto"}
    assert dict(describe_answer(schema, answer)) == {
        "Rule": "four eyes",
        "Steps 1": "build",
        "Pair \u203a Part 1": "v1",
        "Pair \u203a Part 2": "7",
        "Mode": "auto",
    }
    assert reviewer.html.count("sf-readonly") == 3


def test_a_blank_row_stays_blank_beside_a_settled_value() -> None:
    class Step(BaseModel):
        kind: Literal["step"] = "step"
        name: str = Field(min_length=1)

    class Model(BaseModel):
        steps: Annotated[list[Step], Field(min_length=1)]

    assert messages_of(Reviewer(Model.model_json_schema()).submit()) == [
        "Add entries: at least 1 needed."
    ]


# A default that is no option


def test_a_default_that_is_no_option_is_left_as_it_is() -> None:
    schema = schema_of(Incident)
    reviewer = Reviewer(schema).tick("High: page somebody", "low")
    assert "Left as it is (3)" in reviewer.page.labels
    answer = reviewer.answer()
    assert answer == {"severity": 2, "others": [], "level": 1}
    assert Incident.model_validate(answer).perm == Perm.read | Perm.write
    assert reviewer.tick("remove").answer() == {**answer, "perm": 4}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"enum": [1, 2], "default": 3}, "Left as it is (3)"),
        ({"const": "v2", "default": "v1"}, "Left as it is (v1)"),
        ({"anyOf": [{"enum": [1, 2]}, {"type": "null"}], "default": 3}, "Left as it is (3)"),
        ({"enum": list(range(99)), "default": 99}, "Left as it is (99)"),
        ({"anyOf": [WHOLE, {"const": "auto"}], "default": "none"}, "Left as it is (none)"),
        ({"type": "array", "items": {"enum": [1]}, "default": [3]}, "Left as it is ([3])"),
        (
            {"type": "array", "uniqueItems": True, "items": {"enum": [1]}, "default": [3]},
            "Left as it is ([3])",
        ),
        (
            {"type": "object", "properties": {"p": {"enum": [1]}}, "default": {"p": 3}},
            'Left as it is ({"p": 3})',
        ),
        (
            {"type": "object", "additionalProperties": WHOLE, "default": {"p": "x"}},
            'Left as it is ({"p": "x"})',
        ),
    ],
)
def test_every_default_that_its_schema_refuses_is_left_to_the_flow(
    rule: JSONValue, words: str
) -> None:
    reviewer = ask("a", a=rule)
    assert words in reviewer.html.replace("&quot;", '"')
    assert reviewer.answer() == {}


def test_a_default_with_a_secret_inside_is_not_told() -> None:
    secret: JSONValue = {"type": "string", "format": "password", "minLength": 99}
    rule: JSONValue = {
        "type": "object",
        "properties": {"token": secret},
        "default": {"token": "hunter2"},
    }
    assert "hunter2" not in ask("a", a=rule).html


# Words


def test_a_date_that_is_left_blank_is_named_as_a_date() -> None:
    def hint(format_: str, default: float) -> str:
        rule: JSONValue = {"type": "string", "format": format_, "default": default}
        html = ask("a", a=rule).html
        return html.partition("Left blank, ")[2].partition(" is used.")[0]

    assert hint("date-time", 1704164645.0) == "2024-01-02 03:04:05 UTC"
    assert hint("date-time", 1704164645000) == "2024-01-02 03:04:05 UTC"
    assert hint("date", 1704164645) == "2024-01-02"
    assert hint("time", 3600) == "01:00:00 UTC"
    assert hint("duration", 5400.0) == "1h 30m"


def test_a_default_that_no_person_could_read_is_not_quoted() -> None:
    html = ask("a", a={"type": "string", "minLength": 1, "default": {"a": [1]}}).html
    assert "Left blank, the flow uses a value of its own." in html


@pytest.mark.parametrize(
    ("format_", "words"), [("date", "a date"), ("date-time", "a date and time"), ("uuid", "a UUID")]
)
def test_a_value_of_another_type_is_told_what_the_field_is_for(format_: str, words: str) -> None:
    dated: JSONValue = {"type": "string", "format": format_}
    rule: JSONValue = {"type": "string", "contentMediaType": "application/json"}
    reviewer = ask(a={**rule, "contentSchema": {"properties": {"day": dated}}})  # type: ignore[dict-item]
    [(_, message)] = reviewer.fill(A='{"day": 3}').messages()
    assert message == f"This should be {words}."


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, "This does not have the expected form."),
        (
            {"description": "Two letters, four digits."},
            "This does not have the expected form. Two letters, four digits.",
        ),
        (
            {"examples": ["1", "AB1234"]},
            "This does not have the expected form. For example: AB1234",
        ),
    ],
)
def test_a_pattern_is_never_shown(more: dict[str, JSONValue], message: str) -> None:
    reviewer = ask(a={"type": "string", "pattern": "^[A-Z]{2}[0-9]{4}$", **more}).fill(A="AB")
    assert messages_of(reviewer.submit()) == [message]
    assert "[A-Z]" not in reviewer.html


@pytest.mark.parametrize(
    "said",
    [
        "'AB' does not match '^[A-Z]{2}[0-9]{4}$'",
        "String should match pattern '^[A-Z]{2}[0-9]{4}$'",
        "'x' does not match any of the regexes: '^[A-Z]'",
    ],
)
def test_the_pattern_that_a_server_or_a_flow_quotes_is_not_shown(said: str) -> None:
    form = open_form({"type": "object", "properties": {"a": {"type": "string"}}})
    form.attach([(("a",), said)])
    assert messages_of(form) == ["This does not have the expected form."]


@pytest.mark.parametrize(
    ("rule", "text", "end"),
    [
        ({"pattern": "^[A-Z]{2}$"}, "AB ", "the end"),
        ({"pattern": "^[A-Z]{2}$"}, "\u00a0AB", "the beginning"),
        ({"format": "email"}, " a@example.org ", "both ends"),
        ({"maxLength": 2}, "AB ", "the end"),
        ({"format": "uri"}, "https://example.org ", "the end"),
    ],
)
def test_a_blank_that_alone_is_wrong_is_named(
    rule: dict[str, JSONValue], text: str, end: str
) -> None:
    form = ask(a={"type": "string", **rule}).fill(A=text).submit()
    assert messages_of(form) == [f"Remove the blank at {end}: nothing else is wrong."]


def test_enum_members_are_annotated_for_int_enums_in_unions_and_lists() -> None:
    class Step(IntEnum):
        one = 1

    class Model(BaseModel):
        a: list[Step]
        b: Step | None = None

    schema = schema_of(Model)
    assert schema["$defs"]["Step"]["x-enum-varnames"] == ["one"]
