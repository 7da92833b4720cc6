"""Keywords of JSON Schema whose cost is bounded, whatever the schema and the value are.

Each looks at the limit of the evaluation that it is part of before it works. Those of jsonschema
that would work long in one go have their own here.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from flowruns.evaluation.budget import is_bounded, leave_to_a_process, measure, spend
from flowruns.evaluation.comparing import find_repeated, is_multiple
from flowruns.evaluation.patterns import PatternBroken, search

type Keyword = Callable[[Any, Any, Any, Any], Iterable[ValidationError] | None]

_MOST_WEIGHED = 100_000
# These compare whole values
_COMPARING = frozenset({"const", "enum", "uniqueItems"})


def watch(name: str, keyword: Keyword) -> Keyword:
    """Have a keyword ask for the steps that it takes."""

    def watched(validator: Any, limit: Any, value: Any, rule: Any) -> Iterator[ValidationError]:
        if is_bounded():
            spend(_weigh(name, limit, value))
        yield from keyword(validator, limit, value, rule) or ()

    return watched


def _weigh(name: str, limit: Any, value: Any) -> int:
    width = len(limit) if isinstance(limit, list | dict) else 1
    if name in _COMPARING:
        return width * measure(value, most=_MOST_WEIGHED)
    return 1 + width // 8 + (len(value) // 10 if isinstance(value, list | dict | str) else 0)


def find_extras(value: dict[str, Any], rule: dict[str, Any]) -> Iterator[str]:
    """Yield the keys of an object that neither `properties` nor `patternProperties` know."""
    patterns = list(rule.get("patternProperties", {}))
    properties = rule.get("properties", {})
    for key in value:
        if key not in properties and not any(search(pattern, key) for pattern in patterns):
            yield key


def check_pattern(validator: Any, pattern: Any, value: Any, _: Any) -> Iterator[ValidationError]:
    if not validator.is_type(value, "string"):
        return
    try:
        is_found = search(pattern, value)
    except PatternBroken:
        yield _broken(pattern)
        return
    if not is_found:
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def check_pattern_properties(
    validator: Any, patterns: Any, value: Any, _: Any
) -> Iterator[ValidationError]:
    if not validator.is_type(value, "object"):
        return
    for pattern, rule in patterns.items():
        try:
            found = [key for key in value if search(pattern, key)]
        except PatternBroken:
            yield _broken(pattern)
            continue
        for key in found:
            yield from validator.descend(value[key], rule, path=key, schema_path=pattern)


def check_multiple_of(validator: Any, step: Any, value: Any, _: Any) -> Iterator[ValidationError]:
    if validator.is_type(value, "number") and not is_multiple(value, step):
        yield ValidationError(f"{value!r} is not a multiple of {step!r}")


def _check_additional_properties(
    validator: Any, allowed: Any, value: Any, rule: Any
) -> Iterator[ValidationError]:
    if not validator.is_type(value, "object"):
        return
    try:
        extras = list(find_extras(value, rule))
    except PatternBroken:
        return  # of which `patternProperties` tells
    if validator.is_type(allowed, "object"):
        for key in extras:
            yield from validator.descend(value[key], allowed, path=key)
    elif not allowed and extras:
        yield ValidationError(_say_unexpected(extras, list(rule.get("patternProperties", {}))))


def _say_unexpected(extras: list[str], patterns: list[str]) -> str:
    names = ", ".join(map(repr, sorted(extras)))
    if patterns:
        verb = "does" if len(extras) == 1 else "do"
        return f"{names} {verb} not match any of the regexes: {', '.join(map(repr, patterns))}"
    verb = "was" if len(extras) == 1 else "were"
    return f"Additional properties are not allowed ({names} {verb} unexpected)"


def _check_unique_items(
    validator: Any, wanted: Any, value: Any, _: Any
) -> Iterator[ValidationError]:
    if wanted and validator.is_type(value, "array") and any(True for _ in find_repeated(value)):
        yield ValidationError(f"{value!r} has non-unique elements")


def _leave_unevaluated(name: str) -> Keyword:
    """Leave a keyword to whoever can be killed: it follows references in one go."""
    keyword: Keyword = Draft202012Validator.VALIDATORS[name]

    def check(validator: Any, limit: Any, value: Any, rule: Any) -> Iterator[ValidationError]:
        leave_to_a_process()
        yield from keyword(validator, limit, value, rule) or ()

    return check


def _broken(pattern: Any) -> ValidationError:
    return ValidationError(f"the pattern {pattern!r} cannot be checked")


KEYWORDS: dict[str, Keyword] = {
    **Draft202012Validator.VALIDATORS,
    "pattern": check_pattern,
    "patternProperties": check_pattern_properties,
    "additionalProperties": _check_additional_properties,
    "uniqueItems": _check_unique_items,
    "multipleOf": check_multiple_of,
    "unevaluatedItems": _leave_unevaluated("unevaluatedItems"),
    "unevaluatedProperties": _leave_unevaluated("unevaluatedProperties"),
}
