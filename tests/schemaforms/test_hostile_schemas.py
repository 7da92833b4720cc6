"""Cases 62 to 66 and more: nothing a flow or a browser sends breaks a form or escapes it."""

import re
import time
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from approvals.schemaforms import JSONValue, describe_answer, open_form, read_form
from tests.schemaforms.browser import Page, Reviewer, ask

TEXT: JSONValue = {"type": "string"}
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'>"


def nest(depth: int) -> JSONValue:
    schema: JSONValue = {"type": "integer"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


def broaden(depth: int) -> JSONValue:
    """A schema of a few lines that spells out 8 to the power of `depth` fields."""
    parts: dict[str, JSONValue] = {f"L{depth}": {"type": "string"}}
    for level in range(depth):
        ref: JSONValue = {"$ref": f"#/$defs/L{level + 1}"}
        names: list[JSONValue] = [f"p{n}" for n in range(8)]
        parts[f"L{level}"] = {
            "type": "object",
            "properties": {str(name): ref for name in names},
            "required": names,
        }
    return {"$ref": "#/$defs/L0", "$defs": parts}


def bomb(depth: int) -> JSONValue:
    parts: dict[str, JSONValue] = {f"B{depth}": {"type": "object", "properties": {"x": TEXT}}}
    for level in range(depth):
        ref: JSONValue = {"$ref": f"#/$defs/B{level + 1}"}
        parts[f"B{level}"] = {"allOf": [ref, ref], "anyOf": [ref, ref]}
    return {"$ref": "#/$defs/B0", "$defs": parts}


SCHEMAS: dict[str, Any] = {
    "null": None,
    "list": [],
    "text": "x",
    "true": True,
    "false": False,
    "number": 3,
    "deep": nest(400),
    "broad": broaden(8),
    "bomb": bomb(40),
    "ref nowhere": {"$ref": "#/nowhere"},
    "ref number": {"$ref": 3},
    "ref remote": {"$ref": "http://127.0.0.1:9/x"},
    "ref self": {"$ref": "#"},
    "ref list": {"$ref": "#/anyOf/7", "anyOf": [{}]},
    "properties list": {"properties": []},
    "properties of numbers": {"properties": {"a": 3, "b": None, "c": [], "d": False}},
    "types": {
        "properties": {
            "a": {"type": "banana"},
            "b": {"type": 3},
            "c": {"type": []},
            "d": {"type": [3, "string"]},
        }
    },
    "enums": {
        "properties": {
            "a": {"enum": []},
            "b": {"enum": "abc"},
            "c": {"enum": {}},
            "d": {"enum": [[], {}]},
        }
    },
    "bounds": {
        "properties": {
            "a": {"type": "string", "minLength": "x", "pattern": 3},
            "b": {"type": "array", "minItems": 1e9, "items": TEXT},
            "c": {"type": "integer", "minimum": "x", "multipleOf": 0},
            "d": {"type": "array", "maxItems": -1, "minItems": []},
        }
    },
    "unions": {
        "properties": {
            "a": {"anyOf": []},
            "b": {"anyOf": [3, None]},
            "c": {"oneOf": {}},
            "d": {"anyOf": [{"$ref": "#/properties/d"}]},
            "e": {"anyOf": [{"type": "object", "title": str(n)} for n in range(5000)]},
        }
    },
    "discriminators": {
        "properties": {
            "a": {"oneOf": [{"type": "object"}], "discriminator": 3},
            "b": {
                "oneOf": [{"type": "object"}, TEXT],
                "discriminator": {"propertyName": "x", "mapping": {"k": "#/nope", "l": 3}},
            },
        }
    },
    "words": {
        "title": 3,
        "description": [],
        "properties": {
            "a": {"title": {}, "description": 4, "examples": 3, "position": "x", "type": "string"}
        },
    },
    "defaults": {
        "properties": {
            name: {"type": name, "default": {"x": ["y"]}}
            for name in ("string", "integer", "number", "boolean", "array", "null")
        }
    },
    "required": {"required": "abc", "properties": {"a": TEXT}},
    "required numbers": {"required": [1, None, {}], "properties": {"a": TEXT}},
    "patterns": {
        "properties": {
            "a": {"type": "object", "patternProperties": {"([": TEXT, "^(a+)+$": TEXT}},
            "b": {"propertyNames": 3, "additionalProperties": TEXT},
        }
    },
    "conditions": {
        "properties": {"a": TEXT},
        "if": 3,
        "then": [],
        "else": {"properties": 3},
        "dependentSchemas": [],
        "dependencies": {"a": 3},
    },
    "dialect": {
        "properties": {
            "a": {
                "$schema": "http://json-schema.org/draft-04/schema#",
                "$id": "http://x/y",
                "type": "string",
                "pattern": "^(a+)+$",
            }
        }
    },
    "tuples": {
        "properties": {
            "a": {"type": "array", "prefixItems": [3, None]},
            "b": {"type": "array", "items": [TEXT], "additionalItems": 3},
            "c": {"type": "array", "items": False},
        }
    },
    "surrogates": {
        "properties": {"\ud800": {"type": "string", "default": "\udfff\x00", "title": "\ud800"}}
    },
    "wide": {"properties": {f"p{n}": TEXT for n in range(5000)}},
    "many rows": {"properties": {"a": {"type": "array", "items": TEXT, "default": ["x"] * 5000}}},
    "big default": {
        "properties": {
            "a": {"type": "object", "additionalProperties": {}, "default": {"k": [[1] * 50] * 200}}
        }
    },
}
POSTS = [
    "",
    "f=x",
    "f.0=x&f.1=y&f.2=z",
    "f.op=add f",
    "f.op=add f.0&f.0=3",
    "f.op=toggle f.0.0.0",
    "f.op=%00",
    "f.op=remove f.0 n0",
    "f.op=branch f.1 99",
    "f.0.%23=n0&f.0.%23=n0&f.0.%23=zz&f.0.n0.k=a&f.0.n0.v=b&f.0.!=value",
    "f.0.?=0&f.1.?=1&f.0.0.?=0",
    "f.0=%00&f.0.!=%00",
    "f." + "0." * 400 + "0=x",
    "f.op=quote f.0&f.0=x",
    "f.op=refresh f&f.0=x",
    "f.+.%23=n0&f.+.n0.k=a&f.+.n0.v=1",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEMAS)
def test_no_schema_and_no_post_can_raise_or_take_long(name: str) -> None:
    schema = SCHEMAS[name]
    start = time.monotonic()
    forms = [open_form(schema), *(read_form(schema, QueryDict(post)) for post in POSTS)]
    for form in forms:
        html = str(form.render()) + str(form.render_summary())
        html.encode()
        assert len(html) < 3_000_000
        assert isinstance(form.typed(), list)
        form.attach([((), "a"), (("a", 0, "b"), "c"), ((5,), "d")])
        assert form.problems
    values: list[Any] = [None, 3, "x", [], {"a": {"b": 1}}, {"a": [1, "x", None]}]
    for value in values:
        describe_answer(schema, value)
    assert time.monotonic() - start < 25


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.sampled_from(["string", "object", "array", "#", "#/properties/a", "null", "integer"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    "type properties items anyOf oneOf allOf $ref enum const default title "
                    "required additionalProperties minItems if then prefixItems a b".split()
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=25,
    ),
    st.sampled_from(POSTS),
)
def test_random_schemas_do_not_raise(schema: Any, post: str) -> None:
    str(open_form(schema).render()).encode()
    form = read_form(schema, QueryDict(post))
    str(form.render()).encode()
    str(form.render_summary()).encode()
    describe_answer(schema, {"a": 1})


def test_free_text_takes_its_own_direction() -> None:
    assert 'dir="auto"' in ask(a=TEXT).html
    assert "<bdi>" in ask(a=TEXT).html


def test_markup_in_any_string_stays_text() -> None:
    rule: Any = {"title": MARKUP, "description": MARKUP}
    reviewer = ask(
        **{
            MARKUP: {**rule, "type": "string", "default": MARKUP, "examples": [MARKUP]},
            "b": {**rule, "enum": [MARKUP, "x"]},
            "c": {
                **rule,
                "type": "array",
                "items": {**rule, "type": "string"},
                "default": [MARKUP],
            },
            "d": {
                **rule,
                "type": "object",
                "additionalProperties": {},
                "default": {MARKUP: MARKUP},
            },
            "e": {**rule, "anyOf": [{"title": MARKUP, "type": "integer"}, TEXT]},
            "f": {**rule, "type": "string", "readOnly": True, "default": MARKUP},
        }
    )
    form = reviewer.submit()
    html = reviewer.html + str(form.render()) + str(form.render_summary())
    assert "<script" not in html
    assert "<img" not in html


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "[x](data:text/html,x)",
        "![x](http://h/x.png)",
        "<b>x</b>",
        "[x](JaVaScRiPt:x)",
        "<a href='javascript:x'>x</a>",
    ],
)
def test_descriptions_carry_no_code_no_images_and_no_strange_links(text: str) -> None:
    html = ask(a={"type": "string", "description": text}).html
    help_text = html.split('-help"')[1].split("</div>")[0]
    assert not re.search(r"<(img|b|script)|href=\"?'?(javascript|data)", help_text, re.IGNORECASE)


def test_links_in_descriptions_give_nothing_away() -> None:
    html = ask(a={"type": "string", "description": "[x](https://example.org) **y**"}).html
    assert 'href="https://example.org"' in html
    assert 'rel="noopener nofollow noreferrer"' in html
    assert "<strong>y</strong>" in html


@pytest.mark.parametrize("value", ['{"__prefect_kind": "jinja"}', '[{"a": {"__prefect_kind": 1}}]'])
def test_an_answer_that_a_server_would_execute_is_refused(value: str) -> None:
    [(path, message)] = ask(a={}).fill(A=value).messages()
    assert path == ("a",) or path[0] == "a"
    assert "__prefect_kind" in message


def test_a_dictionary_cannot_smuggle_the_reserved_key_either() -> None:
    rule: JSONValue = {"type": "object", "additionalProperties": TEXT}
    reviewer = ask(a=rule).press("Add entry A").fill(Key_1="__prefect_kind", Value_1="json")
    assert len(reviewer.messages()) == 1


def test_a_remote_reference_is_not_fetched_by_the_check_either() -> None:
    schema: JSONValue = {
        "properties": {"a": {"anyOf": [{"$ref": "http://127.0.0.1:9/x"}, {"type": "integer"}]}},
    }
    assert "http://127.0.0.1:9" not in str(open_form(schema).render())


def test_the_same_post_reads_the_same_twice() -> None:
    reviewer = ask(a=TEXT).fill(A="x")
    assert reviewer.answer() == reviewer.answer() == {"a": "x"}


def test_a_post_of_another_schema_is_read_as_far_as_it_fits() -> None:
    page = ask(a=TEXT, b=TEXT).fill(A="x", B="y").page
    schema: JSONValue = {
        "properties": {"a": TEXT, "n": {"type": "integer"}},
        "required": ["a", "n"],
    }
    form = read_form(schema, page.submit())
    assert [problem.path for problem in form.problems] == [("n",)]
    assert Page(str(form.render())).find("N").value == "y"


def test_text_that_no_database_can_store_is_refused() -> None:
    schema: JSONValue = {"properties": {"a": TEXT, "b": {}}}
    form = read_form(schema, QueryDict('f.0=x%00&f.1="\\ud800"'))
    assert [problem.path for problem in form.problems] == [("a",), ("b",)]


def test_ids_are_never_repeated() -> None:
    schema = broaden(3)
    ids = Reviewer(schema).page.ids
    assert len(ids) == len(set(ids))


@pytest.mark.slow
def test_many_slow_patterns_take_no_longer_than_a_few() -> None:
    slow: JSONValue = {"type": "string", "pattern": "^(a|a|b?)+(a|a)+(a|aa)+$"}
    reviewer = ask(**{f"p{n}": slow for n in range(200)})
    for item in reviewer.page.inputs:
        item.value = "a" * 60 + "!"
    start = time.monotonic()
    assert len(reviewer.submit().problems) >= 1
    assert time.monotonic() - start < 20
