"""Values that answer a schema: hydrated, and held against it.

Pure functions of what a client sent and of the variables that it names; `evaluate` bounds what
they cost. The semantics are those of Prefect 3.9's routes.
"""

from dataclasses import dataclass, field
from typing import Any

from flowruns.domain.keysets import UNASKED
from flowruns.domain.texts import read_json
from flowruns.evaluation.hydration import (
    FindVariable,
    HydrationRefused,
    hydrate,
    hydrate_on_trial,
)
from flowruns.evaluation.problems import CircularSchema, Problem, SchemaUnusable


class AnswerRefused(Exception):
    """The answer cannot be used at all; the message says why."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer as the flow will get it, and what is wrong with it."""

    value: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)


def check_answer(
    schema_text: str | None, run_input: dict[str, Any], find_variable: FindVariable | None
) -> Checked:
    """Hydrate an answer and hold it against its schema.

    Raises `AnswerRefused` where there is nothing to hold it against, `InvalidSchema` where the
    stored text is JSON but no schema.
    """
    try:
        value = hydrate(run_input, find_variable=find_variable)
    except HydrationRefused as refusal:
        raise AnswerRefused(f"Error hydrating run input: {refusal}") from None
    return _hold(value, against=schema_text)


def check_literal(schema_text: str | None, value: Any, _: FindVariable | None) -> Checked:
    """Hold an answer, taken as it is, against its schema and the schema's formats.

    For servers that do not check formats (Prefect 3.9's `resume`), where the flow would fail on the
    answer. Raises as `check_answer`.
    """
    return _hold(value, against=schema_text, on_trial=True)


def check_parameters(
    parameters: dict[str, Any], schema: Any, find_variable: FindVariable | None
) -> Checked:
    """Hydrate parameters, and hold them against a schema unless it is None.

    Raises `HydrationRefused`, `SchemaUnusable` and `InvalidSchema`.
    """
    value = hydrate(parameters, find_variable=find_variable)
    return Checked(value, [] if schema is None else _find_problems(schema, value))


def check_part(schema: Any, value: dict[str, Any], _: FindVariable | None) -> list[Problem]:
    """Return what is wrong with a value that later ones complete; raises as `check_parameters`."""
    return _find_problems(schema, value, ignore_required=True)


def try_values(
    schema: Any, values: dict[str, Any], find_variable: FindVariable | None
) -> list[Problem]:
    """Return what is wrong with values on trial; raises as `check_parameters`."""
    hydrated = hydrate_on_trial(values, find_variable=find_variable)
    return _find_problems(schema, hydrated, on_trial=True)


def _find_problems(
    schema: Any, value: Any, *, on_trial: bool = False, ignore_required: bool = False
) -> list[Problem]:
    from flowruns.evaluation.validation import find_problems  # jsonschema comes with it

    return find_problems(schema, value, on_trial=on_trial, ignore_required=ignore_required)


def _hold(value: Any, *, against: str | None, on_trial: bool = False) -> Checked:
    schema = _read_schema(against)
    try:
        return Checked(value, _find_problems(schema, value, on_trial=on_trial))
    except CircularSchema as error:
        raise AnswerRefused(f"Invalid schema: {error}") from None
    except SchemaUnusable as error:
        raise AnswerRefused(f"Reason: {error}") from None


def _read_schema(schema_text: str | None) -> Any:
    if schema_text is None:
        raise AnswerRefused(UNASKED)
    try:
        return read_json(schema_text)
    except (ValueError, RecursionError):
        raise AnswerRefused("Run input schema is not valid JSON.") from None
