"""The API's description as rows for its page, which needs no script and so no exception."""

from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django import template
from django.template.loader import render_to_string

if TYPE_CHECKING:
    from ninja import NinjaAPI

register = template.Library()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation as a reader looks it up; `body` names the schema it takes."""

    group: str
    method: str
    path: str
    name: str
    description: str
    needs_key: bool
    body: str
    parameters: list[dict[str, Any]]
    # Status, what it means, and the schema that comes with it
    answers: list[tuple[str, str, str]]
    example: str


@register.simple_tag
@cache
def api_reference(api: "NinjaAPI") -> str:
    """Write all operations and schemas once: it takes a second, and anybody may ask for it."""
    schemas = api.get_openapi_schema()["components"]["schemas"]
    context = {"groups": _list_operations(api), "schemas": sorted(schemas.items())}
    return render_to_string("api_reference.html#reference", context)


def _list_operations(api: "NinjaAPI") -> list[tuple[str, list[Operation]]]:
    """Return the operations by group, in the order in which the API lists them."""
    paths = api.get_openapi_schema()["paths"]
    operations = [
        _read(path, method, operation)
        for path, methods in paths.items()
        for method, operation in methods.items()
    ]
    return [(group, list(rows)) for group, rows in groupby(operations, lambda row: row.group)]


def _read(path: str, method: str, operation: dict[str, Any]) -> Operation:
    return Operation(
        group=next(iter(operation.get("tags", ())), "Others"),
        method=method.upper(),
        path=path,
        name=operation.get("summary", ""),
        description=operation.get("description", ""),
        needs_key=bool(operation.get("security")),
        body=_schema_name(operation.get("requestBody")),
        parameters=operation.get("parameters", []),
        answers=[
            (str(status), answer.get("description", ""), _schema_name(answer))
            for status, answer in operation.get("responses", {}).items()
        ],
        example=operation["x-codeSamples"][0]["source"],
    )


def _schema_name(content: dict[str, Any] | None) -> str:
    """Return the name of the first schema that a body or an answer refers to."""
    found = ((content or {}).get("content") or {}).get("application/json", {}).get("schema", {})
    parts = [found, found.get("items", {}), *found.get("anyOf", ())]
    references = (part["$ref"] for part in parts if "$ref" in part)
    return next(references, "").rpartition("/")[2]
