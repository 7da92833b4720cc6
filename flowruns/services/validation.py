"""JSON values held against JSON schemas that flows made, and all that is wrong with them.

The semantics are those of Prefect 3.8, with every problem instead of the first.
"""

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

import regex
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import SchemaError
from jsonschema.protocols import Validator
from jsonschema.validators import create, extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from flowruns.domain.errors import InvalidSchema
from flowruns.services.formats import FORMATS
from flowruns.services.hydration import Placeholder, Trouble

_PATTERN_SECONDS = 0.25
_MAX_MESSAGE = 500
_MAX_PROBLEMS = 100


class SchemaUnusable(Exception):
    """Nothing can be held against the schema; the message says why."""


class CircularSchema(SchemaUnusable):
    """Unable to validate schema with circular references."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place of a value."""

    path: tuple[str | int, ...]
    message: str


def find_problems(
    schema: Any, value: Any, *, on_trial: bool = False, ignore_required: bool = False
) -> list[Problem]:
    """Return every problem (up to a hundred) of a value with a schema.

    With `ignore_required` also a part of the value will do, as for a deployment's parameters.

    Draft 2020-12, and nothing is fetched. As in Prefect 3.8, formats are checked in a value on
    trial alone, which may also hold placeholders. Raises `InvalidSchema`, and `SchemaUnusable` for
    one that refers to nothing or to itself without end.
    """
    validator = _open(schema, on_trial=on_trial, ignore_required=ignore_required)
    try:
        errors = list(islice(validator.iter_errors(value), _MAX_PROBLEMS))
    except RecursionError:
        raise CircularSchema from None
    except Unresolvable as error:
        reason = f"Validation failed. Failure reason: {str(error)[:_MAX_MESSAGE]}"
        raise SchemaUnusable(reason) from None
    told = _tell_of_placeholders(errors) if on_trial else errors
    return [_explain(error) for error in told]


def _open(schema: Any, *, on_trial: bool, ignore_required: bool) -> Validator:
    """Return the validator of a schema; raises as `find_problems`."""
    if not isinstance(schema, dict):
        raise InvalidSchema
    try:
        schema = _preprocess(schema)
        _Validator.check_schema(schema, format_checker=None)
        schema = _without_required(schema) if ignore_required else schema
    except SchemaError as error:
        raise InvalidSchema(f"Invalid schema: {error.message[:_MAX_MESSAGE]}") from None
    except RecursionError:
        raise CircularSchema from None
    kind = _TrialValidator if on_trial else _Validator
    validator: Validator = kind(
        schema, format_checker=FORMATS if on_trial else None, registry=Registry()
    )
    return validator


def _tell_of_placeholders(errors: Iterable[ValidationError]) -> list[ValidationError]:
    """Leave out what is only said of a placeholder because it is none of the schema's values."""
    return [
        error
        for error in errors
        if error.validator == _PLACEHOLDER or not isinstance(error.instance, Placeholder)
    ]


def describe_problem(problem: Problem) -> str:
    """Say what is wrong in Prefect 3.8's sentence, which its clients show."""
    where = ".".join(str(part) for part in problem.path)
    field_name = f" for field {where!r}" if where else ""
    return f"Validation failed{field_name}. Failure reason: {problem.message}"


def _explain(error: ValidationError) -> Problem:
    path = tuple(error.absolute_path)
    if error.validator == "required" and isinstance(error.instance, dict):
        # one error per missing name, whose message starts with it
        required: Any = error.validator_value
        missing = (name for name in required if error.message.startswith(f"{name!r} is"))
        path = (*path, *islice(missing, 1))
    return Problem(path, _message(error))


def _message(error: ValidationError) -> str:
    """Say what is wrong, without repeating a secret."""
    schema = error.schema if isinstance(error.schema, dict) else {}
    if schema.get("format") == "password" or schema.get("writeOnly"):
        return "is not a valid value"
    return error.message[:_MAX_MESSAGE]


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    """Search in bounded time: a pattern comes from a flow, a text from anybody."""
    if not isinstance(instance, str):
        return
    try:
        found = regex.search(pattern, instance, timeout=_PATTERN_SECONDS)
    except TimeoutError:
        yield ValidationError(f"the pattern {pattern!r} takes too long to check")
        return
    except regex.error:
        yield ValidationError(f"the pattern {pattern!r} cannot be checked")
        return
    if not found:
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _multiple_of(validator: Any, step: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    """Count as pydantic does: 0.3 is a multiple of 0.1, which Prefect 3.8 denies in floats."""
    if not validator.is_type(instance, "number"):
        return
    if not (Fraction(str(instance)) / Fraction(str(step))).is_integer():
        yield ValidationError(f"{instance!r} is not a multiple of {step!r}")


def _placeholder(_: Any, __: Any, instance: Any, ___: Any) -> Iterator[ValidationError]:
    """Say why a placeholder stands for nothing, wherever a schema looks at it."""
    if isinstance(instance, Trouble):
        yield ValidationError(instance.message)


def _keywords_of(schema: Any) -> list[Any]:
    return [*schema.items(), (_PLACEHOLDER, None)]


_PLACEHOLDER = "_placeholder"
_KEYWORDS = {"pattern": _pattern, "multipleOf": _multiple_of}
_Validator: Any = extend(Draft202012Validator, _KEYWORDS)  # type: ignore[no-untyped-call]
_TrialValidator = create(
    meta_schema=Draft202012Validator.META_SCHEMA,
    validators={**_Validator.VALIDATORS, _PLACEHOLDER: _placeholder},
    type_checker=Draft202012Validator.TYPE_CHECKER,
    applicable_validators=_keywords_of,
)


def _preprocess(schema: dict[str, Any]) -> dict[str, Any]:
    """Read what pydantic 1 and 2 emit as Draft 2020-12, the way Prefect 3.8 does."""
    schema = deepcopy(schema)
    definitions = schema.get("definitions")
    parts = [schema, *(definitions.values() if isinstance(definitions, dict) else ())]
    for part in parts:
        _preprocess_properties(part)
    return schema


def _without_required(schema: Any) -> Any:
    """Leave out what is required in each object, as Prefect 3.8: also a field of that name."""
    if not isinstance(schema, dict):
        return schema
    return {name: _without_required(part) for name, part in schema.items() if name != "required"}


def _preprocess_properties(schema: Any) -> None:
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        return
    required = schema.get("required")
    for name, prop in schema["properties"].items():
        if not isinstance(prop, dict):
            continue
        if name not in (required if isinstance(required, list) else ()):
            _let_absent_be_null(prop)
        if isinstance(prop.get("items"), list) and not prop.get("prefixItems"):
            prop["prefixItems"] = prop.pop("items")
        _preprocess_properties(prop)


def _let_absent_be_null(prop: dict[str, Any]) -> None:
    if "type" in prop and prop["type"] != "null" and "default" not in prop:
        prop["anyOf"] = [{"type": prop.pop("type")}, {"type": "null"}]
