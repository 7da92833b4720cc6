"""The JSON Schemas that forms are built from, in the shape of Prefect 3.8."""

from collections.abc import Mapping
from typing import Annotated, Any

import pydantic
from pydantic import Field, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from flowruns.sdk.states import storable

# What does not change which answers a schema accepts: texts, and the initial data.
_TEXTS_AND_DATA = frozenset({"title", "description", "default", "examples", "required"})
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


class _SchemaGenerator(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        """Show bytes that are no text as the text that they nearly are."""
        if isinstance(dft, bytes):
            return dft.decode(errors="replace")
        return super().encode_default(_storable(dft))

    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> JsonSchemaValue:
        """Let a class that has no JSON form be anything, as Prefect does, instead of failing."""
        del schema
        return {}


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
    """Make the JSON Schema that a form is built from, in the shape of Prefect 3.8.

    References point into "definitions", which repeats "$defs", and the root is never one.
    """
    # A recursive model refers to itself, its subclass does not: the root gets its properties.
    subclass = pydantic.create_model(model.__name__, __base__=model)
    schema = TypeAdapter(subclass).json_schema(
        by_alias=True,
        ref_template="#/definitions/{model}",
        schema_generator=_SchemaGenerator,
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
    return {
        word: (
            {name: accepted_by(item) for name, item in value.items()}
            if word in _NAMED_SCHEMAS and isinstance(value, Mapping)
            else accepted_by(value)
        )
        for word, value in schema.items()
        if word not in _TEXTS_AND_DATA
    }
