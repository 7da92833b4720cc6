"""Values tried against a schema, by /ui/schemas/validate."""

import json
from typing import Any

import pytest

from flowruns.services.api_keys import create_api_key
from tests.integration.conftest import Api

WORD = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}}


def try_values(api: Api, schema: Any, values: Any, *, status: int = 200) -> Any:
    response = api.post("/ui/schemas/validate", {"schema": schema, "values": values})
    assert response.status_code == status, response.content
    return json.loads(response.content)


def errors(api: Api, schema: Any, values: Any) -> Any:
    result = try_values(api, schema, values)
    assert result["valid"] is not bool(result["errors"])
    return result["errors"]


def test_values_that_fit_are_valid(api: Api) -> None:
    assert try_values(api, {}, {}) == {"errors": [], "valid": True}
    assert try_values(api, WORD, {"a": "abc"}) == {"errors": [], "valid": True}


def test_each_error_stands_at_its_place(api: Api) -> None:
    row = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n", "m"]}
    schema = {
        "type": "object",
        "properties": {"rows": {"type": "array", "items": row}, "a": {"const": 1}},
        "required": ["rows", "b"],
        "additionalProperties": False,
    }
    found = errors(api, schema, {"rows": [{}, {"n": "x", "m": 1}], "a": "y", "z": 1})
    missing = [
        {"property": "n", "errors": ["'n' is a required property"]},
        {"property": "m", "errors": ["'m' is a required property"]},
    ]
    wrong = [{"property": "n", "errors": ["'x' is not of type 'integer'"]}]
    rows = [{"index": 0, "errors": missing}, {"index": 1, "errors": wrong}]
    expected: list[Any] = [
        {"property": "rows", "errors": rows},
        {"property": "a", "errors": ["1 was expected"]},
        {"property": "b", "errors": ["'b' is a required property"]},
        "Additional properties are not allowed ('z' was unexpected)",
    ]
    assert sorted(map(str, found)) == sorted(map(str, expected))


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("date-time", "2026-02-28t23:59:59.5z", "2026-02-29T23:59:59Z"),
        ("date-time", "2026-11-24T12:00:00+01:00", "2026-11-24T12:00:00"),
        ("date", "2026-02-28", "2026-02-29"),
        ("time", "12:00:00Z", "12:00"),
        ("email", "alice@example.com", "alice"),
        ("uuid", "01a20e8b-1772-733e-8f59-74d8b95d0f79", "01a20e8b"),
        ("ipv4", "127.0.0.1", "127.0.0.256"),
        ("ipv6", "::1", "::g"),
        ("regex", r"^\p{L}+$", "a{99999999999999999999}"),
    ],
)
def test_formats_are_checked(api: Api, kind: str, good: str, bad: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "format": kind}}}
    required = schema | {"required": ["a"]}
    assert errors(api, required, {"a": good}) == []
    wrong = {"property": "a", "errors": [f"{bad!r} is not a {kind!r}"]}
    assert errors(api, required, {"a": bad}) == [wrong]
    assert errors(api, {"properties": {"a": {"format": kind}}}, {"a": 1}) == []


def placeholder(kind: Any, **parts: Any) -> dict[str, Any]:
    return {"__prefect_kind": kind, **parts}


def test_a_placeholder_is_tried_as_what_it_stands_for(api: Api) -> None:
    api.post("/variables/", {"name": "long", "value": "abcd"})
    for given in (
        placeholder("workspace_variable", variable_name="long"),
        placeholder("json", value='"abcd"'),
        placeholder("none", value="abcd"),
    ):
        [found] = errors(api, WORD, {"a": given})
        assert found == {"property": "a", "errors": ["'abcd' is too long"]}
    assert errors(api, WORD | {"required": ["a"]}, {"a": placeholder("json")}) == [
        {"property": "a", "errors": ["'a' is a required property"]}
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (placeholder("workspace_variable", variable_name="x"), "'x' not found in workspace."),
        (placeholder("json", value="{"), "Invalid JSON: Expecting property name"),
        (placeholder("jinja", template="{{ name"), "Invalid jinja: unexpected end of template"),
        (placeholder("jinja", template="{{ 2 ** 2 }}"), "Invalid jinja: "),
        (placeholder("jinja"), "Missing 'template' key in __prefect object"),
        (placeholder("none"), "Missing 'value' key in __prefect object"),
        (placeholder(["a"]), "must be a text"),
        (placeholder("json", value=placeholder("none")), "Missing 'value' key"),
    ],
)
def test_what_is_wrong_with_a_placeholder_is_all_that_is_said_of_it(
    api: Api, given: Any, message: str
) -> None:
    schema = WORD | {"required": ["a"]}
    [found] = errors(api, schema, {"a": given})
    assert found["property"] == "a"
    assert [message in error for error in found["errors"]] == [True]
    assert errors(api, {"type": "object"}, {"a": given}) == []  # as on Prefect's server


def test_a_template_is_read_but_not_rendered(api: Api) -> None:
    """Nobody knows what it will give where it has something to name."""
    template = placeholder("jinja", template="{{ flow_run.name }}")
    given = {"a": template, "b": placeholder("json", value=template)}
    schema = {"type": "object", "properties": {name: {"type": "integer"} for name in "ab"}}
    assert errors(api, schema, given) == []


@pytest.mark.parametrize(
    ("schema", "detail"),
    [
        ({"type": "nonsense"}, "Invalid schema: 'nonsense' is not valid under any of the given"),
        ({"$ref": "#"}, "Invalid schema: Unable to validate schema with circular references."),
        ({"$ref": "https://example.com/x.json"}, "Invalid schema: Validation failed. Failure"),
        ({"properties": {"a": {"$ref": "#/definitions/No"}}}, "Invalid schema: Validation failed."),
    ],
)
def test_a_schema_that_cannot_be_used_is_unprocessable(api: Api, schema: Any, detail: str) -> None:
    assert try_values(api, schema, {"a": 1}, status=422)["detail"].startswith(detail)


@pytest.mark.parametrize("depth", [50, 150, 198, 600])
def test_values_that_are_nested_deeply_are_no_fault(api: Api, depth: int) -> None:
    level = {"type": "object", "properties": {"a": {"$ref": "#/$defs/level"}}}
    schema = {"$defs": {"level": level}, "$ref": "#/$defs/level"}
    values = json.loads('{"a": ' * depth + '"x"' + "}" * depth)
    response = api.post("/ui/schemas/validate", {"schema": schema, "values": values})
    assert response.status_code in {200, 422}


def test_values_are_an_object(api: Api) -> None:
    given = placeholder("json", value="1")
    assert "must be an object" in try_values(api, {}, given, status=400)["detail"]


def test_a_key_that_may_only_answer_tries_no_variable(api: Api) -> None:
    api.post("/variables/", {"name": "token", "value": "hunter2"})
    resumer = Api(create_api_key("approver", scopes=["resume"]))
    given = {"a": placeholder("workspace_variable", variable_name="token")}
    [found] = errors(resumer, WORD | {"required": ["a"]}, given)
    assert "scope 'flows'" in found["errors"][0]
