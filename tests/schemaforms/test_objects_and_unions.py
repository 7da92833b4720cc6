"""Cases 28 to 39: nested models, alternatives and recursion."""

from typing import Annotated, Any, Literal, Optional, Union

import pytest
from django.http import QueryDict
from pydantic import BaseModel, ConfigDict, Field

from approvals.schemaforms import JSONValue, open_form, read_form
from approvals.schemaforms.values import as_dict
from tests.schemaforms.browser import Reviewer, ask

TEXT: JSONValue = {"type": "string"}
WHOLE: JSONValue = {"type": "integer"}


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int


class Fish(BaseModel):
    kind: Literal["fish", "shark"]
    model_config = ConfigDict(extra="forbid")
    depth: int = 1


class Tank(BaseModel):
    pet: Annotated[Cat | Fish, Field(discriminator="kind")]


class Black(BaseModel):
    pet: Literal["cat"]
    colour: Literal["black"]
    age: int


class White(BaseModel):
    pet: Literal["cat"]
    colour: Literal["white"] = "white"


class Dog(BaseModel):
    pet: Literal["dog"]


AnyCat = Annotated[Black | White, Field(discriminator="colour")]


class Nested(BaseModel):
    animal: Annotated[AnyCat | Dog, Field(discriminator="pet")]


def test_the_tag_comes_from_the_chosen_branch_and_is_not_typed() -> None:
    reviewer = Reviewer(Tank.model_json_schema())
    assert reviewer.messages() == [(("pet",), "Choose what kind of answer you give.")]
    assert reviewer.press("Fish (shark)").answer() == {"pet": {"kind": "shark", "depth": 1}}
    assert reviewer.press("Cat").fill(Lives="9").answer() == {"pet": {"kind": "cat", "lives": 9}}


def test_discriminators_inside_discriminators_are_followed() -> None:
    for template in ("#/$defs/{model}", "#/definitions/{model}"):
        schema = Nested.model_json_schema(ref_template=template)
        schema["definitions"] = schema["$defs"]
        reviewer = Reviewer(schema).press("cat").press("White")
        assert reviewer.answer() == {"animal": {"pet": "cat", "colour": "white"}}
        reviewer.press("Black").fill(Age="3")
        assert reviewer.answer() == {"animal": {"pet": "cat", "colour": "black", "age": 3}}


def test_a_branch_left_for_another_keeps_its_text_and_is_not_sent() -> None:
    reviewer = Reviewer(Tank.model_json_schema()).press("Cat").fill(Lives="many")
    reviewer.press("Fish (fish)")
    assert reviewer.answer() == {"pet": {"kind": "fish", "depth": 1}}
    assert reviewer.press("Cat").page.find("Lives").value == "many"


class Square(BaseModel):
    side: int
    name: str = ""


class Rect(BaseModel):
    side: int
    other: int = 1
    name: str = ""


def test_an_initial_value_opens_the_branch_that_accepts_it() -> None:
    class Model(BaseModel):
        shape: Square | Rect

    schema = Model.model_json_schema()
    value = {"side": 2, "other": 3, "name": ""}
    schema["properties"]["shape"]["default"] = value
    reviewer = Reviewer(schema)
    assert reviewer.page.find("Other").value == "3"
    assert reviewer.answer() == {"shape": value}


@pytest.mark.parametrize(
    ("branch", "text", "value"), [("Whole number", "1", 1), ("Text", "1", "1"), ("Text", "", "")]
)
def test_the_chosen_branch_decides_the_type_not_the_text(
    branch: str, text: str, value: JSONValue
) -> None:
    rule: JSONValue = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    reviewer = ask(a=rule).press(branch)
    reviewer.page.fill(branch, text)
    assert reviewer.answer() == {"a": value}


def test_a_type_list_is_a_union_too() -> None:
    reviewer = ask(a={"type": ["integer", "string", "null"]}).press("Whole number")
    assert reviewer.fill(Whole_number="4").answer() == {"a": 4}
    assert reviewer.press("None").answer() == {"a": None}


def test_messages_are_about_the_chosen_branch() -> None:
    reviewer = Reviewer(Tank.model_json_schema()).press("Cat").fill(Lives="x")
    assert reviewer.messages() == [(("pet", "lives"), "Enter a whole number.")]
    assert "is not valid under" not in reviewer.html + str(reviewer.form.render_summary())


class Node(BaseModel):
    name: str
    child: Optional["Node"] = None
    others: list["Node"] = []


class Leaf(BaseModel):
    value: int


class Expr(BaseModel):
    left: Union["Expr", Leaf]
    parent: Optional["Expr"]


def test_recursion_opens_on_demand() -> None:
    reviewer = Reviewer(Node.model_json_schema())
    reviewer.press("Provide Child")
    reviewer.page.fill("Name", "a")
    answer = as_dict(reviewer.answer())
    assert answer["child"] == {"name": "", "child": None, "others": []}


def test_mutual_recursion_and_a_required_recursive_field_start_empty() -> None:
    reviewer = Reviewer(Expr.model_json_schema()).press("Leaf").fill(Value="1")
    assert reviewer.answer() == {"left": {"value": 1}, "parent": None}


def test_recursion_without_end_becomes_a_json_editor() -> None:
    schema: JSONValue = {
        "$ref": "#/$defs/A",
        "$defs": {
            "A": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "required": ["a"]}
        },
    }
    assert "textarea" in str(open_form(schema).render())


def test_what_stands_beside_a_reference_wins() -> None:
    schema: JSONValue = {
        "properties": {
            "home": {
                "$ref": "#/definitions/A",
                "title": "Home",
                "description": "Where to?",
                "default": {"street": "Main"},
            },
            "work": {"$ref": "#/definitions/A"},
        },
        "definitions": {
            "A": {
                "type": "object",
                "title": "A",
                "properties": {"street": {"type": "string", "default": "own"}},
            }
        },
    }
    reviewer = Reviewer(schema)
    assert "Where to?" in reviewer.html
    assert ">Home<" in reviewer.html
    assert reviewer.answer() == {"home": {"street": "Main"}}


def test_all_parts_of_allof_are_merged() -> None:
    part: JSONValue = {"type": "object", "properties": {"x": TEXT}, "required": ["x"]}
    rule: JSONValue = {"allOf": [part, {"properties": {"y": TEXT}}], "title": "Both"}
    assert ask(a=rule).fill(X="1", Y="2").answer() == {"a": {"x": "1", "y": "2"}}


def test_a_schema_that_refers_to_itself_offers_json_with_the_reason() -> None:
    schema: JSONValue = {"$ref": "#/$defs/A", "$defs": {"A": {"allOf": [{"$ref": "#/$defs/A"}]}}}
    form = open_form(schema)
    assert "in a circle" in form.fallback_reason
    assert "in a circle" in str(form.render())


def test_only_the_part_that_cannot_be_shown_becomes_json() -> None:
    reviewer = ask(a=TEXT, b={"$ref": "https://example.org/x.json"})
    assert reviewer.form.fallback_reason == ""
    assert "not fetched" in reviewer.html
    assert reviewer.fill(B='{"x": 1}').answer() == {"a": "", "b": {"x": 1}}


def test_entries_that_are_not_expected_are_shown_to_be_removed() -> None:
    rule: JSONValue = {
        "type": "object",
        "properties": {"x": TEXT},
        "additionalProperties": False,
        "default": {"x": "1", "y": 2},
    }
    reviewer = ask(a=rule)
    assert reviewer.messages() == [(("a", "y"), "This entry is not expected. Remove it.")]
    assert reviewer.press("Remove Key 1").answer() == {"a": {"x": "1"}}


def test_further_entries_can_be_added_where_they_are_allowed() -> None:
    class Model(BaseModel):
        model_config = ConfigDict(extra="allow")
        a: str

    reviewer = Reviewer(Model.model_json_schema()).press("Add entry Other entries")
    reviewer.fill(Key_1="more", Value_1="[1]")
    assert reviewer.answer() == {"a": "", "more": [1]}
    assert list(as_dict(reviewer.form.value)) == ["a", "more"]


def test_an_empty_model_asks_nothing_and_sends_an_empty_object() -> None:
    class Empty(BaseModel):
        pass

    assert Reviewer(Empty.model_json_schema()).answer() == {}


HOSTILE_NAMES = [
    "a.b",
    "x[0]",
    "",
    "__proto__",
    "$ref",
    '"',
    "'",
    "csrfmiddlewaretoken",
    "🙂",
    "עברית",
    "<script>",
    "a/b~c",
    "f.0",
    "constructor",
    " ",
]


def test_any_property_name_works_and_none_reaches_a_name_or_id() -> None:
    reviewer = ask(**dict.fromkeys(HOSTILE_NAMES, TEXT))
    for index, item in enumerate(reviewer.page.inputs):
        assert item.name == f"f.{index}"
        item.value = f"v{index}"
    assert reviewer.answer() == {name: f"v{index}" for index, name in enumerate(HOSTILE_NAMES)}
    assert "<script>" not in reviewer.html


def test_problems_name_their_path_whatever_the_property_is_called() -> None:
    whole: JSONValue = {"type": "integer"}
    reviewer = ask(**dict.fromkeys(HOSTILE_NAMES, whole))
    assert [path for path, _ in reviewer.messages()] == [(name,) for name in HOSTILE_NAMES]


def test_fields_stand_in_the_order_of_the_schema_unless_positions_are_given() -> None:
    assert list(ask(b=TEXT, a=TEXT, c=TEXT).page.labels) == ["B", "A", "C"]
    reviewer = ask(b=TEXT, a={"type": "string", "position": 0}, c={"type": "string", "position": 1})
    assert list(reviewer.page.labels) == ["A", "C", "B"]
    assert list(as_dict(reviewer.answer())) == ["b", "a", "c"]


def test_the_wrapper_of_an_automatic_type_is_one_plain_field() -> None:
    schema: Any = {
        "properties": {"value": {"title": "Value", "type": "integer"}},
        "required": ["value"],
        "title": "IntAutomaticRunInput",
        "type": "object",
    }
    reviewer = Reviewer(schema)
    assert "<fieldset" not in reviewer.html
    assert reviewer.fill(Value="3").answer() == {"value": 3}


def test_a_root_that_is_no_object_is_one_field() -> None:
    form = read_form({"type": "integer"}, QueryDict("f=12"))
    assert form.value == 12
    assert form.is_valid


class Bicycle(BaseModel):
    wheels: Literal[2]
    frame: Literal["steel"]
    gears: int


class Tandem(BaseModel):
    wheels: Literal[2]
    frame: Literal["alloy"]
    seats: int


class Tricycle(BaseModel):
    wheels: Literal[3]
    is_folding: bool


Two = Annotated[Bicycle | Tandem, Field(discriminator="frame")]


class Ride(BaseModel):
    on: Annotated[Two | Tricycle, Field(discriminator="wheels")]


def test_a_tag_that_is_a_number_stays_one_inside_another_union() -> None:
    value: JSONValue = {"wheels": 2, "frame": "alloy", "seats": 3}
    reviewer = Reviewer(Ride.model_json_schema()).press("2").press("Tandem").fill(Seats="3")
    assert reviewer.answer() == {"on": value}
    schema = Ride.model_json_schema()
    schema["properties"]["on"]["default"] = value
    assert Reviewer(schema).answer() == {"on": value}


def test_an_object_of_which_nothing_is_said_is_a_dictionary() -> None:
    """As pydantic before 2.11 writes `dict`."""
    reviewer = ask(a={"type": "object"}).press("Add entry A").fill(Key_1="k", Value_1="[1]")
    assert reviewer.answer() == {"a": {"k": [1]}}
    assert ask(a={"type": "object", "additionalProperties": False}).answer() == {"a": {}}


def test_what_is_required_and_not_described_is_asked_for() -> None:
    rule: JSONValue = {"type": "object", "required": ["k"], "additionalProperties": WHOLE}
    assert ask(a=rule).fill(K="3").answer() == {"a": {"k": 3}}
    assert ask(a={"properties": {"x": TEXT}, "required": ["y"]}).fill(
        X="t", Y='{"z": null}'
    ).answer() == {"a": {"x": "t", "y": {"z": None}}}


def test_what_is_unevaluated_is_judged_beside_what_is_evaluated() -> None:
    part: JSONValue = {"properties": {"a": WHOLE}, "required": ["a"]}
    rule: JSONValue = {"allOf": [part], "type": "object", "unevaluatedProperties": False}
    assert ask(o=rule).fill(A="1").answer() == {"o": {"a": 1}}


def test_an_anchor_is_followed() -> None:
    parts: JSONValue = {"N": {"$anchor": "count", "type": "integer", "minimum": 1}}
    schema: JSONValue = {"$defs": parts, "properties": {"a": {"$ref": "#count"}}}
    assert Reviewer(schema).fill(A="2").answer() == {"a": 2}
    assert Reviewer(schema).fill(A="0").messages() == [
        (("a",), "Enter a number that is at least 1.")
    ]
    schema = {"properties": {"a": {"$ref": "#elsewhere"}}}
    assert "refers to a part that is missing" in Reviewer(schema).html
