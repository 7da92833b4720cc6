"""Values tried against a schema, in the dialect of Prefect 3.9's REST API."""

from typing import Any

from pydantic import Field

from flowruns.wire.base import Request, Wire


class SchemaTrial(Request):
    """A schema, and values that a form is about to send."""

    json_schema: dict[str, Any] = Field(alias="schema")
    values: dict[str, Any]


class PropertyErrors(Wire):
    property: str
    errors: list["str | PropertyErrors | IndexErrors"]


class IndexErrors(Wire):
    index: int
    errors: list["str | PropertyErrors | IndexErrors"]


class SchemaTrialResult(Wire):
    """All that is wrong, each at its place."""

    errors: list[str | PropertyErrors | IndexErrors]
    valid: bool
