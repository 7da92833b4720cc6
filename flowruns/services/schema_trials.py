"""Values tried against a schema before a form sends them, as Prefect 3.9's pages do."""

from collections.abc import Sequence

from flowruns.domain.errors import InvalidSchema, PlaceholderRefused
from flowruns.evaluation import answers
from flowruns.evaluation.hydration import HydrationRefused
from flowruns.evaluation.problems import SchemaUnusable
from flowruns.evaluation.processes import evaluate
from flowruns.services.variables import read_variable_value
from flowruns.wire.schemas import IndexErrors, PropertyErrors, SchemaTrial, SchemaTrialResult

# Places further down are told as one, since each takes two levels of JSON
_MAX_DEPTH = 100

type _Errors = list[str | PropertyErrors | IndexErrors]


def try_values(trial: SchemaTrial, *, may_read_variables: bool) -> SchemaTrialResult:
    """Say what is wrong with values; templates among them are read, but not rendered.

    Raises `InvalidSchema`, `SchemaTooSlow`, and `PlaceholderRefused` for what is not an object.
    """
    find_variable = read_variable_value if may_read_variables else None
    try:
        problems = evaluate(
            answers.try_values, trial.json_schema, trial.values, find_variable=find_variable
        )
    except HydrationRefused as refusal:
        raise PlaceholderRefused(f"Error hydrating values: {refusal}") from None
    except SchemaUnusable as error:
        raise InvalidSchema(f"Invalid schema: {error}") from None
    errors: _Errors = []
    for problem in problems:
        _put(errors, problem.path[:_MAX_DEPTH], problem.message)
    return SchemaTrialResult(errors=errors, valid=not errors)


def _put(errors: _Errors, path: Sequence[str | int], message: str) -> None:
    """Put a message at its place; places are shared, what is said of one place is not."""
    if not path:
        errors.append(message)
        return
    first, *rest = path
    found = _find(errors, first) if rest else None
    if found is None:
        found = _make(first)
        errors.append(found)
    _put(found.errors, rest, message)


def _find(errors: _Errors, part: str | int) -> PropertyErrors | IndexErrors | None:
    for found in errors:
        if isinstance(found, PropertyErrors) and found.property == part:
            return found
        if isinstance(found, IndexErrors) and found.index == part:
            return found
    return None


def _make(part: str | int) -> PropertyErrors | IndexErrors:
    if isinstance(part, int):
        return IndexErrors(index=part, errors=[])
    return PropertyErrors(property=part, errors=[])
