"""Check a value against its schema as the server will, in bounded time, fetching nothing."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from approvals.schemaforms.limits import MAX_CHECKS_SECONDS
from approvals.schemaforms.schema.cache import SchemaCache
from approvals.schemaforms.values import JSONValue
from flowruns.evaluation.budget import EvaluationTooSlow, TimeLimit

if TYPE_CHECKING:
    from jsonschema import ValidationError


@dataclass(frozen=True)
class Complaint:
    """One rule that a value breaks: where, which keyword, and what it asks for."""

    path: tuple[str | int, ...]
    keyword: str
    limit: Any
    value: Any
    rule: Any


class Checker:
    """Checks values against parts of one schema document."""

    def __init__(self, cache: SchemaCache) -> None:
        from approvals.schemaforms.schema import validators  # jsonschema comes with it

        self._clock = TimeLimit(MAX_CHECKS_SECONDS)
        self._root = cache.root
        self._known = cache.validators
        self._whole, _ = self._known.find(cache.root, lambda: validators.open_document(cache.root))
        self._open = validators.open_rule
        self._void = validators.VOID

    def complain(self, rule: JSONValue, value: object) -> list[Complaint]:
        """Return every rule of the schema `rule` that `value` breaks.

        Raises EvaluationTooSlow when checking takes too long.
        """
        validator, sure_type = self._known.find(rule, lambda: self._open(self._whole, rule))
        if sure_type is not None and isinstance(value, sure_type):
            return []
        try:
            with self._clock:
                return [_as_complaint(error) for error in validator.iter_errors(value)]
        except RecursionError:
            raise EvaluationTooSlow from None
        except self._void:
            return []

    def complain_about_whole(self, value: object) -> list[Complaint]:
        return self.complain(self._root, value)

    def accepts(self, rule: JSONValue, value: object) -> bool:
        try:
            return not self.complain(rule, value)
        except EvaluationTooSlow:
            return False


def _as_complaint(error: "ValidationError") -> Complaint:
    return Complaint(
        path=tuple(error.absolute_path),
        keyword=str(error.validator or "false"),
        limit=error.validator_value,
        value=error.instance,
        rule=error.schema,
    )
