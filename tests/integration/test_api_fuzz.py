"""Anything at all, by the shape of our own OpenAPI document: never the server's fault."""

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowruns.models import (
    BlockDocument,
    BlockSchema,
    BlockType,
    ConcurrencyLimit,
    Deployment,
    Flow,
    FlowRun,
    TaskRun,
    Variable,
)
from tests.integration.blocks import Vaults
from tests.integration.conftest import Api, Make, Run
from tests.openapi import read_our_document

REQUESTS = 2_000

names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
odd_text = (
    names
    | st.text(max_size=8)
    | st.sampled_from(["", "\x00", "%", "../..", "paused-1-schema", "desk", "refund"])
)
moments = st.datetimes().map(lambda moment: f"{moment.isoformat()}Z")
numbers = st.integers(0, 9) | st.integers(-3, 300) | st.integers(-(2**80), 2**80)
placeholders = st.builds(
    lambda kind, part, given: {"__prefect_kind": kind, part: given},
    st.sampled_from(["json", "none", "jinja", "workspace_variable", "else"]) | st.none(),
    st.sampled_from(["value", "template", "variable_name"]),
    st.sampled_from(["{{ 1 }}", "{% for a in 'ab' %}", "{}", "limits", 1, None]) | odd_text,
)
odd_json = st.recursive(
    st.none()
    | st.booleans()
    | numbers
    | st.floats(allow_nan=False, allow_infinity=False)
    | odd_text
    | moments
    | placeholders
    | st.just(str(uuid4())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_text, inner, max_size=3),
    max_leaves=6,
)

SIMPLE_VALUES = {
    "moment": moments,
    "string": odd_text,
    "integer": numbers,
    "number": numbers | st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "object": st.dictionaries(odd_text, odd_json, max_size=3),
}


KINDS = [FlowRun, Flow, Deployment, TaskRun, BlockType, BlockSchema, BlockDocument, None]


class Known:
    """The ids of one of each kind of thing, made again when a request has deleted it."""

    def __init__(self, make_run: Make) -> None:
        self._make_run = make_run
        self.run = self._make()

    def _make(self) -> Run:
        run = self._make_run(deployed=True)
        TaskRun.objects.create(flow_run_id=run.id, task_key="t", dynamic_key="0", name="t")
        Vaults(run.api, f"vault-{uuid4()}").save("main", token="t")
        Variable.objects.get_or_create(name="limits", defaults={"value": "{}"})
        ConcurrencyLimit.objects.get_or_create(name="tag:desk", defaults={"limit": 1})
        return run

    def make_again(self) -> None:
        if not FlowRun.objects.filter(pk=self.run.id, deployment__isnull=False).exists():
            self.run = self._make()

    def draw(self, draw: Any) -> str:
        kind = draw(st.sampled_from(KINDS))
        found = kind and kind.objects.values_list("pk", flat=True).first()
        return str(found or uuid4())


def list_operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path.removeprefix("/api"), operation)
        for path, operations in read_our_document()["paths"].items()
        for method, operation in operations.items()
    ]


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    schemas: dict[str, dict[str, Any]] = read_our_document()["components"]["schemas"]
    return schemas[name] if name else schema


def bodies(schema: dict[str, Any], known: Known, draw: Any, depth: int = 6) -> Any:
    """Draw a value that a schema takes, and now and then something else."""
    schema = resolve(schema)
    if depth == 0 or draw(st.integers(0, 60)) == 0:
        return draw(odd_json)
    if options := schema.get("anyOf", schema.get("oneOf")):
        return bodies(draw(st.sampled_from(options)), known, draw, depth)
    if "properties" in schema:
        required = set(schema.get("required", ()))
        return {
            name: bodies(inner, known, draw, depth - 1)
            for name, inner in schema["properties"].items()
            if name in required or draw(st.integers(0, 3)) == 0
        }
    if schema.get("type") == "array":
        length, items = draw(st.integers(0, 2)), schema.get("items", {})
        return [bodies(items, known, draw, depth - 1) for _ in range(length)]
    return known.draw(draw) if schema.get("format") == "uuid" else draw(simple_values(schema))


def simple_values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = "moment" if schema.get("format") == "date-time" else schema.get("type")
    return SIMPLE_VALUES.get(kind or "", odd_json)


@pytest.fixture
def known(make_run: Make) -> Known:
    return Known(make_run)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)  # each request commits or fails for itself
@settings(
    max_examples=REQUESTS,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_nothing_that_our_own_openapi_document_allows_is_a_server_error(
    data: st.DataObject, api: Api, known: Known
) -> None:
    known.make_again()
    method, path, operation = data.draw(st.sampled_from(list_operations()))
    for parameter in operation.get("parameters", []):
        is_id = parameter["name"].endswith("_id")
        value = known.draw(data.draw) if is_id else data.draw(odd_text)
        path = path.replace(f"{{{parameter['name']}}}", value)
    body = None
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        body = bodies(schema, known, data.draw)
    try:
        response = api.request(method, path, body)
    except UnicodeEncodeError:
        return  # half a surrogate pair cannot be put into a request
    assert response.status_code < 500, (method, path, json.dumps(body), response.content)
