"""OpenAPI documents reduced to names: operations, their fields, and which of them are required."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

type Json = dict[str, Any]


@cache
def read_our_document() -> Json:
    """Return our API's document, which takes about a second to build: never at import."""
    from approvals.project import urls  # adds what is the desk's
    from flowruns.api.urls import api

    assert urls.urlpatterns

    return dict(api.get_openapi_schema())


def outline(document: Json) -> Json:
    """Return `{"operations": …, "schemas": …}` of a document; a field's `!` says it is required."""
    operations = {
        f"{method.upper()} {path}": _operation(operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    schemas = {
        name: _fields(schema) if "properties" in schema else _type(schema)
        for name, schema in document["components"]["schemas"].items()
    }
    return {"operations": operations, "schemas": schemas}


def anonymous(path: str) -> str:
    """Return an operation or path without the names of its parameters."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def list_fields(found: Json, kind: str, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """List what a type is made of as paths: `flow_runs.state.type!`, and `sort='NAME_ASC'`."""
    for part in re.findall(r"'[^']*'|[\w.-]+", kind):
        if part.startswith("'"):
            yield part
        elif part not in seen:
            yield from _list_parts(found, part, seen | {part})


def _list_parts(found: Json, name: str, seen: frozenset[str]) -> Iterator[str]:
    schema = found["schemas"].get(name, "")
    if isinstance(schema, str):
        yield from list_fields(found, schema, seen)
        return
    for field, kind in schema.items():
        yield field
        for part in list_fields(found, kind, seen):
            bare = field.removesuffix("!")
            yield f"{bare}={part}" if part.startswith("'") else f"{bare}.{part}"


def _operation(operation: Json) -> Json:
    queries = [
        parameter["name"] + ("!" if parameter.get("required") else "")
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "query"
    ]
    answers = [
        _content(response)
        for code, response in operation["responses"].items()
        if str(code).startswith("2")
    ]
    return {
        "query": sorted(queries),
        "request": _content(operation.get("requestBody", {})),
        "response": next((answer for answer in answers if answer), ""),
    }


def _content(message: Json) -> str:
    schema = message.get("content", {}).get("application/json", {}).get("schema")
    return _type(schema) if schema else ""


def _fields(schema: Json) -> Json:
    required = set(schema.get("required", []))
    return {
        name + ("!" if name in required else ""): _type(inner)
        for name, inner in schema["properties"].items()
    }


def _type(schema: Json) -> str:
    """Write a schema's type on one line: `Flow`, `[Flow]`, `{Flow}`, `Flow|null`, `'A'|'B'`."""
    if reference := schema.get("$ref"):
        return str(reference).rpartition("/")[2]
    options = [*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", [])]
    if options:
        return "|".join(dict.fromkeys(_type(option) for option in options))
    if (
        values := schema.get("enum") or [schema["const"]]
        if "const" in schema
        else schema.get("enum")
    ):
        return "|".join(f"'{value}'" for value in values)
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"[{_type(schema.get('items', {}))}]"
    extra = schema.get("additionalProperties")
    return f"{{{_type(extra)}}}" if kind == "object" and isinstance(extra, dict) else kind
