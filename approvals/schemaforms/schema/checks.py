"""Check a value against its schema as the server will, in bounded time, fetching nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from approvals.schemaforms.limits import MAX_CHECKS_SECONDS
from approvals.schemaforms.schema.cache import SchemaCache
from approvals.schemaforms.values import JSONValue
from flowruns.evaluation.budget import EvaluationTooSlow, TimeLimit
from flowruns.evaluation.keywords import KEYWORDS, Keyword, find_extras, find_repeated, watch
from flowruns.evaluation.patterns import PatternBroken, is_pattern, search

# What jsonschema raises for keywords that are not what the standard says; such a rule is void.
MALFORMED = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, re.error)


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
        self._clock = TimeLimit(MAX_CHECKS_SECONDS)
        self._root = cache.root
        self._validators = cache.validators
        self._whole, _ = self._validators.find(cache.root, lambda: _read_document(cache.root))

    def complain(self, rule: JSONValue, value: object) -> list[Complaint]:
        """Return every rule of the schema `rule` that `value` breaks.

        Raises EvaluationTooSlow when checking takes too long.
        """
        validator, sure_type = self._validators.find(rule, lambda: self._read_rule(rule))
        if sure_type is not None and isinstance(value, sure_type):
            return []
        try:
            with self._clock:
                return [_as_complaint(error) for error in validator.iter_errors(value)]
        except RecursionError:
            raise EvaluationTooSlow from None
        except (Unresolvable, *MALFORMED):
            return []

    def _read_rule(self, rule: JSONValue) -> tuple[Any, type | None]:
        return self._whole.evolve(schema=_without_dialects(rule)), _sure_type(rule)

    def complain_about_whole(self, value: object) -> list[Complaint]:
        return self.complain(self._root, value)

    def accepts(self, rule: JSONValue, value: object) -> bool:
        try:
            return not self.complain(rule, value)
        except EvaluationTooSlow:
            return False


def _as_complaint(error: ValidationError) -> Complaint:
    return Complaint(
        path=tuple(error.absolute_path),
        keyword=str(error.validator or "false"),
        limit=error.validator_value,
        value=error.instance,
        rule=error.schema,
    )


def _forgive(keyword: Keyword) -> Keyword:
    """Take a keyword that is not what the standard says for void."""

    def forgiving(validator: Any, limit: Any, value: Any, rule: Any) -> Iterator[ValidationError]:
        try:
            yield from keyword(validator, limit, value, rule) or ()
        except (Unresolvable, PatternBroken, *MALFORMED):
            return

    return forgiving


def can_check_pattern(pattern: str) -> bool:
    try:
        return is_pattern(pattern)
    except EvaluationTooSlow:
        return False


def matches(pattern: str, text: str) -> bool:
    """Search as Python does; a broken pattern matches all."""
    try:
        return search(pattern, text)
    except PatternBroken:
        return True


def _check_pattern(validator: Any, pattern: Any, value: Any, _: Any) -> Iterator[ValidationError]:
    if validator.is_type(value, "string") and not matches(pattern, value):
        yield ValidationError("pattern")


def _check_pattern_properties(
    validator: Any, patterns: Any, value: Any, _: Any
) -> Iterator[ValidationError]:
    if not validator.is_type(value, "object"):
        return
    for pattern, rule in patterns.items():
        for key, item in value.items():
            if matches(pattern, key):
                yield from validator.descend(item, rule, path=key, schema_path=pattern)


def _check_additional_properties(
    validator: Any, allowed: Any, value: Any, rule: Any
) -> Iterator[ValidationError]:
    if not validator.is_type(value, "object"):
        return
    for key in find_extras(value, rule):
        if allowed is False:
            yield ValidationError("additional", path=[key])
        else:
            yield from validator.descend(value[key], allowed, path=key)


def _check_unique_items(
    validator: Any, wanted: Any, value: Any, _: Any
) -> Iterator[ValidationError]:
    if wanted is True and validator.is_type(value, "array"):
        for index in find_repeated(value):
            yield ValidationError("repeated", path=[index])


def _check_dependencies(
    validator: Any, dependencies: Any, value: Any, _: Any
) -> Iterator[ValidationError]:
    """The draft-04 keyword that Prefect's documentation shows for dependent fields."""
    if not validator.is_type(value, "object"):
        return
    for key, needed in dependencies.items():
        if key not in value:
            continue
        rule = {"required": needed} if isinstance(needed, list) else needed
        yield from validator.descend(value, rule, schema_path=key)


def _check_properties(
    validator: Any, properties: Any, value: Any, _: Any
) -> Iterator[ValidationError]:
    if not validator.is_type(value, "object"):
        return
    for name, rule in properties.items():
        if name not in value:
            continue
        sure_type = _sure_type(rule)
        if sure_type is None or not isinstance(value[name], sure_type):
            yield from validator.descend(value[name], rule, path=name, schema_path=name)


def _leave_to_server(*_: Any) -> Iterator[ValidationError]:
    """Leave it to the server, where what follows references in one go can be ended."""
    yield from ()


_OWN_KEYWORDS: dict[str, Keyword] = {
    "properties": _check_properties,
    "pattern": _check_pattern,
    "patternProperties": _check_pattern_properties,
    "additionalProperties": _check_additional_properties,
    "uniqueItems": _check_unique_items,
    "dependencies": _check_dependencies,
    "unevaluatedItems": _leave_to_server,
    "unevaluatedProperties": _leave_to_server,
}
_WATCHED = {
    name: watch(name, _forgive(keyword)) for name, keyword in (KEYWORDS | _OWN_KEYWORDS).items()
}
_Validator: Any = extend(Draft202012Validator, _WATCHED)  # type: ignore[no-untyped-call]
_NOTHING_FETCHED: Registry[Any] = Registry()


def _read_document(root: JSONValue) -> tuple[Any, None]:
    """Return the validator of a whole document, in which its references are looked up."""
    document = _without_dialects(root) if isinstance(root, dict) else {}
    return _Validator(document, registry=_NOTHING_FETCHED), None


def _sure_type(rule: Any) -> type | None:
    """Return the type whose every value fits `rule`: most rules ask for a text and no more."""
    if not isinstance(rule, dict) or not rule.keys() <= _WORDS:
        return None
    return {"string": str, "boolean": bool}.get(str(rule.get("type")))


_WORDS = {"type", "title", "description", "default", "examples", "deprecated", "position"}
_LITERAL = {"const", "enum", "default", "examples"}


def _without_dialects(rule: JSONValue) -> Any:
    """Copy a schema without the keywords that would switch the dialect or the base address."""
    if isinstance(rule, list):
        return [_without_dialects(part) for part in rule]
    if not isinstance(rule, dict):
        return rule
    return {
        key: part if key in _LITERAL else _without_dialects(part)
        for key, part in rule.items()
        if not (key in {"$schema", "$id", "$dynamicAnchor"} and isinstance(part, str))
    }
