"""What was typed is carried over when the questions change, and what changed is said."""

from typing import Any

from django.http import QueryDict

from approvals.schemaforms import Form, JSONValue, carry_over, fill_form, open_form, read_form
from approvals.schemaforms.posted import FieldList
from approvals.schemaforms.values import as_dict
from tests.schemaforms.browser import Reviewer

TEXT: dict[str, JSONValue] = {"type": "string", "default": ""}
WHOLE: dict[str, JSONValue] = {"type": "integer"}


def schema_of(*required: str, **properties: JSONValue) -> JSONValue:
    return {"type": "object", "properties": properties, "required": list(required)}


def carry(reviewer: Reviewer, schema: JSONValue) -> tuple[Form, Any]:
    """Carry a form over as it stands on the page, and read it as it would be posted."""
    old = read_form(reviewer.schema, reviewer.page.submit())
    fields, changes = carry_over(old, schema)
    posted = QueryDict(mutable=True)
    for name, text in fields:
        posted.appendlist(name, text)
    return read_form(schema, posted), changes


def test_answers_follow_their_question_to_its_new_place() -> None:
    reviewer = Reviewer(schema_of("a", "b", a=WHOLE, b=TEXT)).fill(A="1", B="two")
    form, changes = carry(reviewer, schema_of("b", "c", "a", b=TEXT, c=TEXT, a=WHOLE))
    assert form.value == {"b": "two", "c": "", "a": 1}
    assert (changes.added, changes.removed, changes.altered) == (["C"], [], [])
    assert changes.lost == []


def test_what_no_longer_fits_is_told_with_its_text() -> None:
    reviewer = Reviewer(schema_of(a=TEXT, b={"enum": ["x", "y"]})).fill(A="words").tick("y")
    form, changes = carry(reviewer, schema_of(b={"enum": ["x", "z"]}))
    assert form.value == {}
    assert (changes.removed, changes.altered) == (["A"], ["B"])
    assert changes.lost == [("B", "y"), ("A", "words")]


def test_text_is_kept_as_typed_even_where_it_cannot_be_read() -> None:
    reviewer = Reviewer(schema_of("a", a={"type": "string"})).fill(A="ten")
    form, changes = carry(reviewer, schema_of("a", a=WHOLE))
    assert [problem.message for problem in form.problems] == ["Enter a whole number."]
    assert 'value="ten"' in str(form.render())
    assert changes.altered == ["A"]


def test_a_default_that_nobody_touched_gives_way_to_the_new_one() -> None:
    old = schema_of(a={**WHOLE, "default": 5}, b={**WHOLE, "default": 1})
    reviewer = Reviewer(old).fill(B="2")
    new = schema_of(a={**WHOLE, "default": 7}, b={**WHOLE, "default": 3})
    form, changes = carry(reviewer, new)
    assert form.value == {"a": 7, "b": 2}
    assert changes.altered == ["A", "B"]


def test_an_option_keeps_its_value_wherever_it_stands() -> None:
    for count in (5, 80):
        names: list[JSONValue] = [f"n{number}" for number in range(count)]
        old, new = schema_of("a", a={"enum": names}), schema_of("a", a={"enum": names[::-1]})
        reviewer = Reviewer(old)
        reviewer.page.inputs = []
        posted = QueryDict("f.0=3")
        fields, _ = carry_over(read_form(old, posted), new)
        again = QueryDict(mutable=True)
        for name, text in fields:
            again.appendlist(name, text)
        assert read_form(new, again).value == {"a": "n3"}


def test_rows_keep_their_order_and_what_they_hold() -> None:
    row: JSONValue = schema_of("x", x=TEXT, y=WHOLE)
    reviewer = Reviewer(schema_of("a", a={"type": "array", "items": row}))
    reviewer.press("Add A").press("Add A")
    reviewer.page.inputs[0].value = "one"
    wider: JSONValue = schema_of("x", "z", z={**TEXT, "default": "new"}, y=WHOLE, x=TEXT)
    new = schema_of("q", "a", q=TEXT, a={"type": "array", "items": wider})
    form, changes = carry(reviewer, new)
    rows: JSONValue = [{"z": "new", "x": "one"}, {"z": "new", "x": ""}]
    assert form.value == {"q": "", "a": rows}
    assert changes.added == ["Q"]
    assert changes.altered == ["A"]


def test_nested_questions_are_named_with_the_way_to_them() -> None:
    old = schema_of("a", a=schema_of("x", x=TEXT))
    new = schema_of("a", a=schema_of("x", "y", x={**TEXT, "minLength": 3}, y=TEXT))
    form, changes = carry(Reviewer(old).fill(X="word"), new)
    assert form.value == {"a": {"x": "word", "y": ""}}
    assert (changes.added, changes.altered) == (["A \u203a Y"], ["A \u203a X"])


def test_a_definition_behind_a_reference_counts_as_the_question() -> None:
    def build(least: int) -> JSONValue:
        schema = schema_of("a", a={"type": "array", "items": {"$ref": "#/$defs/T"}}, b=TEXT)
        return {**schema, "$defs": {"T": {"type": "string", "minLength": least}}}  # type: ignore[dict-item]

    _, changes = carry(Reviewer(build(1)), build(2))
    assert changes.altered == ["A"]
    _, changes = carry(Reviewer(build(1)), build(1))
    assert changes.altered == []


def test_the_chosen_branch_is_found_by_its_name() -> None:
    one: JSONValue = {"title": "One", **schema_of("x", x=TEXT)}  # type: ignore[dict-item]
    two: JSONValue = {"title": "Two", **schema_of("y", y=TEXT)}  # type: ignore[dict-item]
    reviewer = Reviewer(schema_of("a", a={"anyOf": [one, two]})).press("Two").fill(Y="why")
    form, _ = carry(reviewer, schema_of("a", a={"anyOf": [two, one]}))
    assert form.value == {"a": {"y": "why"}}
    form, changes = carry(reviewer, schema_of("a", a={"anyOf": [one, {"type": "integer"}]}))
    assert not form.is_valid
    assert [text for _, text in changes.lost] == ["why"]


def test_answers_to_conditional_questions_come_along() -> None:
    condition: dict[str, JSONValue] = {
        "if": {"properties": {"how": {"const": "card"}}, "required": ["how"]},
        "then": {"properties": {"number": {"type": "string"}}, "required": ["number"]},
    }
    old = schema_of("how", how={"enum": ["card", "cash"]})
    old = {**old, **condition}  # type: ignore[dict-item]
    new = schema_of("note", "how", note=TEXT, how={"enum": ["cash", "card"]})
    new = {**new, **condition}  # type: ignore[dict-item]
    reviewer = Reviewer(old).tick("card").press("Update questions").fill(Number="1234")
    form, changes = carry(reviewer, new)
    assert form.value == {"note": "", "how": "card", "number": "1234"}
    assert changes.lost == []


def test_secrets_are_carried_nowhere() -> None:
    secret: JSONValue = {"type": "string", "format": "password"}
    reviewer = Reviewer(schema_of("a", a=secret)).fill(A="hunter2")
    for rule in (secret, TEXT):
        form, changes = carry(reviewer, schema_of("a", "b", b=TEXT, a=rule))
        assert "hunter2" not in f"{form.render()}{changes}{form.inputs()}"


def test_a_hostile_schema_ends_in_time() -> None:
    bomb: dict[str, JSONValue] = {
        f"d{n}": {"type": "array", "items": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 8}}
        for n in range(30)
    }
    schema: JSONValue = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/d0"}, "b": {"$ref": "#/$defs/b"}},
        "$defs": {**bomb, "d30": TEXT, "b": {"type": "array", "items": {"$ref": "#/$defs/b"}}},
    }
    _, changes = carry_over(open_form(schema), {**schema, "title": "other"})  # type: ignore[dict-item]
    assert changes.added == []


def test_an_earlier_answer_fills_in_the_form_without_its_secrets() -> None:
    secret: JSONValue = {"type": "string", "format": "password"}
    file: JSONValue = {"type": "string", "format": "base64"}
    texts: JSONValue = {"type": "array", "items": TEXT, "default": []}
    schema = schema_of("n", "s", "j", n=WHOLE, s=secret, f=file, l=texts, j={})
    answer: JSONValue = {
        "n": 2**60, "s": "hunter2", "f": "QUFB" * 2000, "l": ["a", ""], "j": None,
    }  # fmt: skip
    fields = fill_form(schema, answer)
    assert "hunter2" not in str(fields)
    assert "QUFBQUFB" not in str(fields)
    posted = QueryDict(mutable=True)
    for name, text in fields:
        posted.appendlist(name, text)
    form = read_form(schema, posted)
    assert form.value == {"n": 2**60, "l": ["a", ""], "f": None, "s": None, "j": None}
    assert [problem.label for problem in form.problems] == ["S", "F"]


def test_an_earlier_answer_fills_in_what_is_optional_and_leaves_other_defaults() -> None:
    whole_or_none: JSONValue = {"anyOf": [WHOLE, {"type": "null"}], "default": 7}
    inner = schema_of("x", x=WHOLE, many={"type": "array", "items": TEXT})
    schema = schema_of(
        "deep",
        deep=inner,
        list={"type": "array", "items": WHOLE},
        map={"type": "object", "additionalProperties": inner},
        maybe=inner,
        yes={"type": "boolean", "default": True},
        n=whole_or_none,
        m=whole_or_none,
    )
    answer: JSONValue = {
        "deep": {"x": 1, "many": ["a"]},
        "list": [3],
        "map": {"z": {"x": 2, "many": []}, "a": {"x": 3}},
        "maybe": {"x": 4, "many": ["b", ""]},
        "n": None,
    }
    form = read_form(schema, FieldList(fill_form(schema, answer)))
    assert form.problems == []
    assert form.value == {**as_dict(answer), "yes": True, "m": 7}
    assert list(as_dict(as_dict(form.value)["map"])) == ["z", "a"]


def test_an_earlier_answer_of_another_kind_is_kept_to_be_seen() -> None:
    text: JSONValue = {"type": "string", "format": "decimal"}
    schema = schema_of("a", a={"anyOf": [{"type": "number"}, text]})
    form = read_form(schema, FieldList(fill_form(schema, {"a": "ten"})))
    assert form.typed() == [("A", "ten")]
    assert [problem.message for problem in form.problems] == ["Enter a number."]
