"""What a flow takes, as the JSON Schema that a deployment shows."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import pydantic
from pydantic import ConfigDict, Field
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, PydanticJsonSchemaWarning
from pydantic_core import CoreSchema, to_jsonable_python

_BY_NAME = frozenset({inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY})


class _ParameterSchemaGenerator(GenerateJsonSchema):
    def handle_invalid_for_json_schema(
        self, schema: CoreSchema, error_info: str
    ) -> JsonSchemaValue:
        """Let a type that has no JSON form be anything."""
        del schema, error_info
        return {}


def schema_of_parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """Describe the parameters of `function` that have a name, in the shape of Prefect 3.9."""
    fields = {
        f"p{position}": _field(parameter, position)
        for position, parameter in enumerate(_signature(function).parameters.values())
        if parameter.kind in _BY_NAME
    }
    model = pydantic.create_model(
        "Parameters", __config__=ConfigDict(arbitrary_types_allowed=True), **fields
    )
    with warnings.catch_warnings():
        # A default that has no JSON form is left out.
        warnings.simplefilter("ignore", PydanticJsonSchemaWarning)
        schema = model.model_json_schema(
            ref_template="#/definitions/{model}", schema_generator=_ParameterSchemaGenerator
        )
    schema["definitions"] = schema.pop("$defs", {})
    plain: dict[str, Any] = to_jsonable_python(schema)
    return plain


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except NameError:
        # An annotation that only type checkers can read.
        return inspect.signature(function)


def _field(parameter: inspect.Parameter, position: int) -> Any:
    annotation = Any if isinstance(parameter.annotation, str) else parameter.annotation
    if annotation is inspect.Parameter.empty:
        annotation = Any
    is_required = parameter.default is inspect.Parameter.empty
    field = Field(
        default=... if is_required else parameter.default,
        alias=parameter.name,
        title=parameter.name,
        json_schema_extra={"position": position},
    )
    return annotation, field
