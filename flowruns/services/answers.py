"""Answers to a pause: hydrated, and held against the schema that the flow stored.

The semantics are those of Prefect 3.8's resume route, with every problem instead of the first.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import Any

import regex
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import SchemaError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from flowruns.domain.errors import InvalidSchema
from flowruns.domain.states import State
from flowruns.models import FlowRun, RunInput

_KIND = "__prefect_kind"
_REMOVED = object()
_PATTERN_SECONDS = 0.25
_MAX_MESSAGE = 500
_MAX_PROBLEMS = 100


class AnswerRefused(Exception):
    """The answer cannot be used at all; the message says why."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place of an answer."""

    path: tuple[str | int, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer as the flow will get it, and what is wrong with it."""

    value: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)


def is_answered(run: FlowRun, state: State | None) -> bool:
    """Whether `state` needs no answer, or has a stored one that its schema accepts."""
    if state is None or not state.asks_for_input:
        return True
    keyset = state.details.run_input_keyset or {}
    stored = dict(
        RunInput.objects.filter(
            flow_run=run, key__in=[keyset["schema"], keyset["response"]]
        ).values_list("key", "value")
    )
    try:
        schema, answer = (json.loads(stored[keyset[part]]) for part in ("schema", "response"))
        return not find_problems(schema, answer)
    except (KeyError, ValueError, RecursionError, AnswerRefused, InvalidSchema):
        return False


def check_answer(schema_text: str | None, run_input: dict[str, Any] | None) -> Checked:
    """Hydrate an answer and hold it against its schema.

    Raises `AnswerRefused` where there is nothing to hold it against, `InvalidSchema` where the
    stored text is JSON but no schema.
    """
    value = hydrate(run_input or {})
    if schema_text is None:
        raise AnswerRefused("Run input schema not found.")
    try:
        schema = json.loads(schema_text)
    except (ValueError, RecursionError):
        raise AnswerRefused("Run input schema is not valid JSON.") from None
    return Checked(value, find_problems(schema, value))


def hydrate(run_input: dict[str, Any]) -> dict[str, Any]:
    """Replace Prefect's placeholder objects by what they stand for.

    Kinds "json" and "none" are as in Prefect 3.8. "jinja" and "workspace_variable" are refused:
    they would let an answer read what its author may not. Raises `AnswerRefused`.
    """
    try:
        hydrated = _hydrate(run_input)
    except RecursionError:
        raise AnswerRefused("Error hydrating run input: it is nested too deeply.") from None
    if hydrated is _REMOVED:
        return {}
    if not isinstance(hydrated, dict):
        raise AnswerRefused("Error hydrating run input: it must be an object.")
    return hydrated


def _hydrate(value: Any) -> Any:
    if isinstance(value, list):
        return [item for item in map(_hydrate, value) if item is not _REMOVED]
    if not isinstance(value, dict):
        return value
    if _KIND in value:
        return _resolve_placeholder(value)
    pairs = ((key, _hydrate(item)) for key, item in value.items())
    return {key: item for key, item in pairs if item is not _REMOVED}


def _resolve_placeholder(placeholder: dict[str, Any]) -> Any:
    match placeholder[_KIND]:
        case "json":
            return _read_json(placeholder)
        case "none":
            if "value" not in placeholder:
                raise AnswerRefused(
                    "Error hydrating run input: Missing 'value' key in __prefect object"
                )
            return _hydrate(placeholder["value"])
        case kind:
            raise AnswerRefused(
                f"Error hydrating run input: this server does not hydrate {_KIND} {kind!r}; "
                'send the value itself, or {"__prefect_kind": "json", "value": ...}.'
            )


def _read_json(placeholder: dict[str, Any]) -> Any:
    if "value" not in placeholder:
        return _REMOVED
    value = placeholder["value"]
    if isinstance(value, dict):
        value = _hydrate(value)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise AnswerRefused(f"Error hydrating run input: Invalid JSON: {error}") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def find_problems(schema: Any, value: Any) -> list[Problem]:
    """Return every problem (up to a hundred) of a value with a schema.

    Draft 2020-12, formats not checked and nothing fetched, as Prefect 3.8. Raises
    `InvalidSchema`, and `AnswerRefused` for a schema that refers to itself without end.
    """
    if not isinstance(schema, dict):
        raise InvalidSchema
    schema = _preprocess(schema)
    try:
        _Validator.check_schema(schema, format_checker=None)
        validator = _Validator(schema, registry=Registry())
        return [
            problem
            for error in islice(validator.iter_errors(value), _MAX_PROBLEMS)
            for problem in _explain(error)
        ]
    except SchemaError as error:
        message = error.message[:_MAX_MESSAGE]
        raise InvalidSchema(f"The stored schema is not valid: {message}") from None
    except RecursionError:
        raise AnswerRefused(
            "Invalid schema: Unable to validate schema with circular references."
        ) from None
    except Unresolvable as error:
        raise AnswerRefused(
            f"Reason: Validation failed. Failure reason: {str(error)[:_MAX_MESSAGE]}"
        ) from None


def describe_problem(problem: Problem) -> str:
    """Say what is wrong in Prefect 3.8's sentence, which its clients show."""
    where = ".".join(str(part) for part in problem.path)
    field_name = f" for field {where!r}" if where else ""
    return f"Validation failed{field_name}. Failure reason: {problem.message}"


def _explain(error: ValidationError) -> Iterator[Problem]:
    path = tuple(error.absolute_path)
    if error.validator == "required" and isinstance(error.instance, dict):
        # one error per missing name, whose message starts with it
        required: Any = error.validator_value
        missing = (name for name in required if error.message.startswith(f"{name!r} is"))
        path = (*path, *islice(missing, 1))
    yield Problem(path, _message(error))


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


_KEYWORDS = {"pattern": _pattern, "multipleOf": _multiple_of}
_Validator = extend(Draft202012Validator, _KEYWORDS)  # type: ignore[no-untyped-call]


def _preprocess(schema: dict[str, Any]) -> dict[str, Any]:
    """Read what pydantic 1 and 2 emit as Draft 2020-12, the way Prefect 3.8 does."""
    schema = deepcopy(schema)
    definitions = schema.get("definitions")
    parts = [schema, *(definitions.values() if isinstance(definitions, dict) else ())]
    for part in parts:
        _preprocess_properties(part)
    return schema


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
