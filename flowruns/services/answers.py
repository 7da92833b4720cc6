"""Answers to a pause: hydrated, and held against the schema that the flow stored.

The semantics are those of Prefect 3.8's resume route.
"""

from dataclasses import dataclass, field
from typing import Any

from flowruns.domain.texts import read_json
from flowruns.services.hydration import HydrationRefused, hydrate
from flowruns.services.validation import CircularSchema, Problem, SchemaUnusable, find_problems


class AnswerRefused(Exception):
    """The answer cannot be used at all; the message says why."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An answer as the flow will get it, and what is wrong with it."""

    value: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)


def check_answer(
    schema_text: str | None, run_input: dict[str, Any] | None, *, may_read_variables: bool
) -> Checked:
    """Hydrate an answer and hold it against its schema.

    Raises `AnswerRefused` where there is nothing to hold it against, `InvalidSchema` where the
    stored text is JSON but no schema.
    """
    try:
        value = hydrate(run_input or {}, may_read_variables=may_read_variables)
    except HydrationRefused as refusal:
        raise AnswerRefused(f"Error hydrating run input: {refusal}") from None
    schema = _read_schema(schema_text)
    try:
        return Checked(value, find_problems(schema, value))
    except CircularSchema as error:
        raise AnswerRefused(f"Invalid schema: {error}") from None
    except SchemaUnusable as error:
        raise AnswerRefused(f"Reason: {error}") from None


def _read_schema(schema_text: str | None) -> Any:
    if schema_text is None:
        raise AnswerRefused("Run input schema not found.")
    try:
        return read_json(schema_text)
    except (ValueError, RecursionError):
        raise AnswerRefused("Run input schema is not valid JSON.") from None
