"""The JSON Schemas that forms are built from, in the shape of Prefect 3.9."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Annotated, Any

import pydantic
from pydantic import Field, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from flowruns.sdk.states import storable

# The annotation that names the options of an enum, as generators of OpenAPI clients read it.
NAMES = "x-enum-varnames"

# The format of a text that is a Decimal; what knows no such format takes it for a remark.
DECIMAL = "decimal"

# What does not change which answers a schema accepts: texts, the initial data, and who answers.
_TEXTS_AND_DATA = frozenset({"title", "description", "default", "examples", "required", NAMES})
_NAMED_SCHEMAS = frozenset({"properties", "$defs", "definitions"})
_KEPT_OF_A_FIELD = (
    "title",
    "description",
    "examples",
    "json_schema_extra",
    "discriminator",
    "alias",
    "alias_priority",
    "validation_alias",
    "serialization_alias",
    "deprecated",
)


class _FormSchemaGenerator(GenerateJsonSchema):
    """Writes what a form cannot guess, in annotations that validators pass over."""

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        return super().enum_schema(schema) | _name_options(schema["members"])

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        return super().literal_schema(schema) | _name_options(schema["expected"])

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """Mark a Decimal, which is otherwise written like a number or any text."""
        result = super().decimal_schema(schema)
        for part in result.get("anyOf", [result]):
            if part.get("type") == "string":
                part["format"] = DECIMAL
        return result

    def encode_default(self, dft: Any) -> Any:
        """Show bytes that are no text as the text that they nearly are."""
        if isinstance(dft, bytes):
            return dft.decode(errors="replace")
        return super().encode_default(_storable(dft))

    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> JsonSchemaValue:
        """Let a class that has no JSON form be anything, as Prefect does, instead of failing."""
        del schema
        return {}


def _name_options(options: Iterable[Any]) -> dict[str, Any]:
    """Name the members of an enum whose values are not words already."""
    members = [option for option in options if isinstance(option, Enum)]
    is_named = len(members) == len(list(options))
    if not is_named or all(isinstance(member.value, str) for member in members):
        return {}
    return {NAMES: [member.name for member in members]}


def field_with_default(field: FieldInfo | None, value: Any) -> tuple[Any, Any]:
    """Write a field anew, with `value` as its default and all else as it was."""
    if field is None:
        return type(value), value
    kept = {name: getattr(field, name) for name in _KEPT_OF_A_FIELD}
    kept = {name: setting for name, setting in kept.items() if setting is not None}
    annotation: Any = field.annotation
    if field.metadata:
        annotation = Annotated[annotation, *field.metadata]
    return annotation, Field(default=value, **kept)


def schema_of(model: type[pydantic.BaseModel]) -> dict[str, Any]:
    """Make the JSON Schema that a form is built from, in the shape of Prefect 3.9.

    References point into "definitions", which repeats "$defs", and the root is never one.
    """
    # A recursive model refers to itself, its subclass does not: the root gets its properties.
    subclass = pydantic.create_model(model.__name__, __base__=model)
    schema = TypeAdapter(subclass).json_schema(
        by_alias=True,
        ref_template="#/definitions/{model}",
        schema_generator=_FormSchemaGenerator,
    )
    if "$defs" in schema:
        schema["definitions"] = schema["$defs"]
    cleaned: dict[str, Any] = _storable(schema)
    return cleaned


def _storable(value: Any) -> Any:
    """Clean the texts in what a schema is made of."""
    if type(value) is str:
        return storable(value)
    if type(value) is dict:
        return {_storable(key): _storable(item) for key, item in value.items()}
    return [_storable(item) for item in value] if type(value) is list else value


def accepted_by(schema: Any) -> Any:
    """Reduce a schema to what answers it accepts, whatever its texts and its initial data."""
    if isinstance(schema, list):
        return [accepted_by(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    from flowruns.domain.policies import ANNOTATION

    ignored = _TEXTS_AND_DATA | {ANNOTATION}
    return {
        word: (
            {name: accepted_by(item) for name, item in value.items()}
            if word in _NAMED_SCHEMAS and isinstance(value, Mapping)
            else accepted_by(value)
        )
        for word, value in schema.items()
        if word not in ignored and (word, value) != ("format", DECIMAL)
    }
