"""JSON values held against JSON schemas that flows made, and all that is wrong with them.

The semantics are those of Prefect 3.9, with every problem instead of the first.
"""

import json
from collections.abc import Iterable, Iterator
from copy import deepcopy
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import create, extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from flowruns.domain.errors import InvalidSchema
from flowruns.evaluation.budget import leave_to_a_process
from flowruns.evaluation.formats import FORMATS
from flowruns.evaluation.keywords import KEYWORDS, watch
from flowruns.evaluation.metaschema import METASCHEMA
from flowruns.evaluation.placeholders import Placeholder, Trouble
from flowruns.evaluation.problems import CircularSchema, Problem, SchemaUnusable

_MAX_MESSAGE = 500
_MAX_PROBLEMS = 100
_LONGEST_KEPT = 10_000  # characters
_MOST_KEPT = 500  # schemas
_valid_schemas: set[str] = set()


def find_problems(
    schema: Any, value: Any, *, on_trial: bool = False, ignore_required: bool = False
) -> list[Problem]:
    """Return every problem (up to a hundred) of a value with a schema.

    With `ignore_required` also a part of the value will do, as for a deployment's parameters.

    Draft 2020-12, and nothing is fetched; `evaluate` bounds what it costs. As in Prefect 3.9,
    formats are checked in a value on trial alone, which may also hold placeholders. Raises
    `InvalidSchema`, and `SchemaUnusable` for one that refers to nothing or to itself without end.
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
        _check_schema(schema)
        schema = _without_required(schema) if ignore_required else schema
    except RecursionError:
        raise CircularSchema from None
    kind = _TrialValidator if on_trial else _Validator
    validator: Validator = kind(
        schema, format_checker=FORMATS if on_trial else None, registry=Registry()
    )
    return validator


def _check_schema(schema: dict[str, Any]) -> None:
    """Raise `InvalidSchema` for what is not a schema; as `check_schema`, but within the limit.

    A flow asks by the same schema again and again, which takes longer to check than its answers.
    """
    if _switches_dialect(schema):
        leave_to_a_process()
    text = json.dumps(schema)
    if text in _valid_schemas:
        return
    for error in _Validator(METASCHEMA).iter_errors(schema):
        raise InvalidSchema(f"Invalid schema: {error.message[:_MAX_MESSAGE]}")
    if len(text) <= _LONGEST_KEPT:
        if len(_valid_schemas) >= _MOST_KEPT:
            _valid_schemas.clear()
        _valid_schemas.add(text)


def _switches_dialect(schema: dict[str, Any]) -> bool:
    """Whether a part is written in a dialect of its own, whose keywords know no limit."""
    stack: list[Any] = list(schema.values())
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            if "$schema" in part:
                return True
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)
    return False


def _tell_of_placeholders(errors: Iterable[ValidationError]) -> list[ValidationError]:
    """Leave out what is only said of a placeholder because it is none of the schema's values."""
    return [
        error
        for error in errors
        if error.validator == _PLACEHOLDER or not isinstance(error.instance, Placeholder)
    ]


def _explain(error: ValidationError) -> Problem:
    path = tuple(error.absolute_path)
    if error.validator == "required" and isinstance(error.instance, dict):
        # One error per missing name, whose message starts with it
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


def _placeholder(_: Any, __: Any, instance: Any, ___: Any) -> Iterator[ValidationError]:
    """Say why a placeholder stands for nothing, wherever a schema looks at it."""
    if isinstance(instance, Trouble):
        yield ValidationError(instance.message)


def _keywords_of(schema: Any) -> list[Any]:
    return [*schema.items(), (_PLACEHOLDER, None)]


_PLACEHOLDER = "_placeholder"
_WATCHED = {name: watch(name, keyword) for name, keyword in KEYWORDS.items()}
_Validator: Any = extend(Draft202012Validator, _WATCHED)  # type: ignore[no-untyped-call]
_TrialValidator = create(
    meta_schema=Draft202012Validator.META_SCHEMA,
    validators={**_Validator.VALIDATORS, _PLACEHOLDER: _placeholder},
    type_checker=Draft202012Validator.TYPE_CHECKER,
    applicable_validators=_keywords_of,
)


def _preprocess(schema: dict[str, Any]) -> dict[str, Any]:
    """Read what pydantic 1 and 2 emit as Draft 2020-12, the way Prefect 3.9 does."""
    schema = deepcopy(schema)
    definitions = schema.get("definitions")
    parts = [schema, *(definitions.values() if isinstance(definitions, dict) else ())]
    for part in parts:
        _preprocess_properties(part)
    return schema


def _without_required(schema: Any) -> Any:
    """Leave out what is required in each object, as Prefect 3.9: also a field of that name."""
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
    """Take null for a value that may be absent, as pydantic 1 wrote it, but for lists and objects.

    Those come from pydantic 2, which writes null where it is taken: a flow dies of any other.
    """
    types = prop["type"] if isinstance(prop.get("type"), list) else [prop.get("type")]
    is_nested = "array" in types or "object" in types
    if "type" in prop and prop["type"] != "null" and "default" not in prop and not is_nested:
        prop["anyOf"] = [{"type": prop.pop("type")}, {"type": "null"}]
