"""Questions over which people complained about other forms: each with what it should do."""

from datetime import datetime
from enum import IntEnum, IntFlag
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from approvals.schemaforms import JSONValue
from flowruns.sdk.inputs.schemas import schema_of


class Perm(IntFlag):
    read = 1
    write = 2
    remove = 4


class Level(IntEnum):
    low = 1
    high = 2


type Severity = (
    Annotated[Literal[1], Field(title="Low: nobody notices", description="Fix it *some* day.")]
    | Annotated[Literal[2], Field(title="High: page somebody", description="Tonight.")]
)


class Incident(BaseModel):
    severity: Severity
    others: set[Severity] = set()
    level: Level
    perm: Perm = Perm.read | Perm.write


class Limits(BaseModel):
    threshold: float | str
    share: float | Annotated[str, Field(pattern=r"^\d+(\.\d+)?%$")] = 5
    count: int
    ratio: float = 0.5


class Signed(BaseModel):
    laws: set[Literal["gdpr"]]
    sums: dict[Literal["total"], int]
    since: datetime = 1704164645.0  # type: ignore[assignment]


def one_of(*options: JSONValue) -> dict[str, JSONValue]:
    return {"enum": list(options)}


def equals(name: str, value: JSONValue) -> dict[str, JSONValue]:
    return {"properties": {name: {"const": value}}, "required": [name]}


def asks_for(name: str, *options: JSONValue, **more: JSONValue) -> dict[str, JSONValue]:
    return {"properties": {name: one_of(*options)}, "required": [name], **more}


STATE = asks_for("state", "CA", "NY")
COUNTY = asks_for("county", "LA", "SF")
PLACE: dict[str, JSONValue] = {"type": "object", **asks_for("country", "US", "DE")}

CHAINS: dict[str, JSONValue] = {
    "conditions side by side": {
        **PLACE,
        "allOf": [
            {"if": equals("country", "US"), "then": STATE},
            {"if": equals("state", "CA"), "then": COUNTY},
        ],
    },
    "a condition inside another": {
        **PLACE,
        "if": equals("country", "US"),
        "then": {**STATE, "if": equals("state", "CA"), "then": COUNTY},
    },
    "schemas that depend": {**PLACE, "dependentSchemas": {"country": STATE, "state": COUNTY}},
    "schemas that depend inside others": {
        **PLACE,
        "dependentSchemas": {"country": {**STATE, "dependentSchemas": {"state": COUNTY}}},
    },
    "alternatives that an answer chooses": {
        **PLACE,
        "dependencies": {
            "country": {
                "oneOf": [
                    {"properties": {"country": one_of("DE")}},
                    {**STATE, "properties": {"country": one_of("US"), "state": one_of("CA")}},
                ]
            },
            "state": COUNTY,
        },
    },
    "options that depend": {
        "type": "object",
        "properties": {
            "country": one_of("US", "DE"),
            "state": {"type": "string"},
            "county": {"type": "string"},
        },
        "required": ["country", "state", "county"],
        "allOf": [
            {"if": equals("country", "US"), "then": STATE},
            {"if": equals("country", "DE"), "then": asks_for("state", "BE", "BY")},
            {"if": equals("state", "CA"), "then": COUNTY},
        ],
    },
}

REFUND: JSONValue = {
    "type": "object",
    "properties": {"refund": {"type": "boolean"}},
    "required": ["refund"],
    "if": equals("refund", True),
    "then": {"properties": {"iban": {"type": "string", "minLength": 1}}, "required": ["iban"]},
}

TYPED_PLACE: JSONValue = {
    "type": "object",
    "properties": {"country": {"type": "string"}},
    "if": equals("country", "US"),
    "then": {**STATE, "if": equals("state", "CA"), "then": COUNTY},
}

ASKED: dict[str, JSONValue] = {
    "incident": schema_of(Incident),
    "limits": schema_of(Limits),
    "signed": schema_of(Signed),
    "refund": REFUND,
    "typed-place": TYPED_PLACE,
    **{name.replace(" ", "-"): schema for name, schema in CHAINS.items()},
}
