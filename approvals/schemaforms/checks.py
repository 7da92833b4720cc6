"""Check a value against its schema as the server will, in bounded time, fetching nothing."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import regex
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from approvals.schemaforms.limits import (
    MAX_ALL_CHECKS_SECONDS,
    MAX_CHECK_SECONDS,
    MAX_PATTERN_SECONDS,
)
from approvals.schemaforms.values import JSONValue, canonical

type Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]

MALFORMED = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, re.error)
"""What jsonschema raises for keywords that are not what the standard says; such a rule is void."""


class TooSlowError(Exception):
    """An answer could not be checked in the time that one check may take."""


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

    def __init__(self, root: JSONValue) -> None:
        self._clock = _Clock()
        document: Any = _without_dialects(root) if isinstance(root, dict) else {}
        self._validator = _timed_validator(self._clock)(document, registry=Registry())
        self._document = document
        self._rules: dict[int, tuple[JSONValue, Any]] = {}

    def complain(self, rule: JSONValue, value: object) -> list[Complaint]:
        """Return every rule of the schema `rule` that `value` breaks.

        Raises TooSlowError when checking takes too long.
        """
        validator = self._validator.evolve(schema=self._prepare(rule))
        try:
            with self._clock:
                return [_as_complaint(error) for error in validator.iter_errors(value)]
        except RecursionError:
            raise TooSlowError from None
        except (Unresolvable, *MALFORMED):
            return []

    def _prepare(self, rule: JSONValue) -> Any:
        if rule is self._document or not isinstance(rule, dict):
            return rule
        known = self._rules.get(id(rule))
        if known is None:
            known = self._rules[id(rule)] = (rule, _without_dialects(rule))
        return known[1]

    def complain_about_whole(self, value: object) -> list[Complaint]:
        return self.complain(self._document, value)

    def accepts(self, rule: JSONValue, value: object) -> bool:
        try:
            return not self.complain(rule, value)
        except TooSlowError:
            return False


def _as_complaint(error: ValidationError) -> Complaint:
    return Complaint(
        path=tuple(error.absolute_path),
        keyword=str(error.validator or "false"),
        limit=error.validator_value,
        value=error.instance,
        rule=error.schema,
    )


class _Clock:
    """Ends a check that takes too long, and all further ones once they took too long together."""

    def __init__(self) -> None:
        self._left = MAX_ALL_CHECKS_SECONDS
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._left -= time.monotonic() - self._started

    def look(self) -> None:
        if time.monotonic() - self._started > min(MAX_CHECK_SECONDS, self._left):
            raise TooSlowError


def _timed_validator(clock: _Clock) -> Any:
    """Build a validator class whose every keyword looks at the clock."""
    keywords = {**Draft202012Validator.VALIDATORS, **_OWN_KEYWORDS}
    timed = {name: _watch(keyword, clock) for name, keyword in keywords.items()}
    return extend(Draft202012Validator, timed)  # type: ignore[no-untyped-call]


def _watch(keyword: Keyword, clock: _Clock) -> Keyword:
    def watched(validator: Any, limit: Any, value: Any, rule: Any) -> Iterator[ValidationError]:
        clock.look()
        try:
            yield from keyword(validator, limit, value, rule) or ()
        except (Unresolvable, *MALFORMED):
            return

    return watched


@lru_cache(maxsize=512)
def _compile(pattern: str) -> regex.Pattern[str] | None:
    try:
        return regex.compile(pattern)
    except (regex.error, *MALFORMED, RecursionError, OverflowError):
        return None


def can_check_pattern(pattern: str) -> bool:
    return _compile(pattern) is not None


def matches(pattern: str, text: str) -> bool:
    """Search as Python does, for a tenth of a second at most; a broken pattern matches all."""
    compiled = _compile(pattern)
    if compiled is None:
        return True
    try:
        return compiled.search(text, timeout=MAX_PATTERN_SECONDS) is not None
    except TimeoutError:
        raise TooSlowError from None


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
    patterns = list(rule.get("patternProperties", {}))
    for key in value.keys() - rule.get("properties", {}).keys():
        if any(matches(pattern, key) for pattern in patterns):
            continue
        if allowed is False:
            yield ValidationError("additional", path=[key])
        else:
            yield from validator.descend(value[key], allowed, path=key)


def _check_unique_items(
    validator: Any, wanted: Any, value: Any, _: Any
) -> Iterator[ValidationError]:
    if wanted is not True or not validator.is_type(value, "array"):
        return
    seen: set[str] = set()
    for index, item in enumerate(value):
        text = canonical(item)
        if text in seen:
            yield ValidationError("repeated", path=[index])
        seen.add(text)


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


_OWN_KEYWORDS: dict[str, Keyword] = {
    "pattern": _check_pattern,
    "patternProperties": _check_pattern_properties,
    "additionalProperties": _check_additional_properties,
    "uniqueItems": _check_unique_items,
    "dependencies": _check_dependencies,
}

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
        if not (key in {"$schema", "$id", "$anchor", "$dynamicAnchor"} and isinstance(part, str))
    }
