"""Variables on the wire, in the dialect of Prefect 3.9's REST API."""

import json
import re
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, JsonValue

from flowruns.wire.base import DateTime, Request, Wire
from flowruns.wire.filters import AnyIdFilter, Filter, FlowTagsFilter, Names, OperatorFilter, Part
from flowruns.wire.queries import Query, Window

MAX_VARIABLE_BYTES = 5000
_MAX_INTEGER = 2**64
_NAME = re.compile(r"[a-z0-9_-]*")


def is_variable_name(name: object) -> bool:
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def _valid_name(name: str) -> str:
    if not is_variable_name(name):
        raise ValueError(
            "Variable name must only contain lowercase letters, numbers, and dashes or underscores."
        )
    return name


def _storable_value(value: JsonValue) -> JsonValue:
    """Refuse what Prefect's clients could not read again; they all check it, too."""
    if not _is_readable(value):
        raise ValueError("Variable value must be serializable to JSON")
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if len(text.encode()) > MAX_VARIABLE_BYTES:
        raise ValueError(f"Variable value must be less than {MAX_VARIABLE_BYTES} characters")
    return value


def _is_readable(value: JsonValue) -> bool:
    """Whether integers fit into 64 bits."""
    if isinstance(value, dict):
        return all(map(_is_readable, value.values()))
    if isinstance(value, list):
        return all(map(_is_readable, value))
    return not isinstance(value, int) or -(_MAX_INTEGER // 2) <= value < _MAX_INTEGER


type VariableName = Annotated[str, AfterValidator(_valid_name), Field(max_length=255)]
type VariableValue = Annotated[JsonValue, AfterValidator(_storable_value)]


class VariableCreate(Request):
    name: VariableName
    value: VariableValue
    tags: list[str] = []


class VariableUpdate(Request):
    """What is left out stays; a null value is a value."""

    name: VariableName | None = None
    value: VariableValue = None
    tags: list[str] | None = None


class Variable(Wire):
    """A variable as the server has it."""

    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    name: str
    value: JsonValue
    tags: list[str] = []


class VariableNameFilter(Filter):
    """By name; in `like_`, `%` stands for anything and `_` for any one character."""

    any_: Names | None = None
    like_: Part | None = None


class VariableFilter(OperatorFilter):
    id: AnyIdFilter | None = None
    name: VariableNameFilter | None = None
    tags: FlowTagsFilter | None = None


class VariableSort(StrEnum):
    CREATED_DESC = "CREATED_DESC"
    UPDATED_DESC = "UPDATED_DESC"
    NAME_DESC = "NAME_DESC"
    NAME_ASC = "NAME_ASC"


class VariableCriteria(Query):
    variables: VariableFilter | None = None


class VariableQuery(VariableCriteria, Window):
    sort: VariableSort = VariableSort.NAME_ASC
