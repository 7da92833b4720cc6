"""Validators of schemas as forms take them: a rule that the standard does not know is void."""

import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

from approvals.schemaforms.schema.patterns import matches
from approvals.schemaforms.values import JSONValue
from flowruns.evaluation.comparing import find_repeated
from flowruns.evaluation.keywords import KEYWORDS, Keyword, find_extras, watch
from flowruns.evaluation.patterns import PatternBroken

# What is raised for references that lead nowhere and for keywords that are not what the standard
# says: such a rule is void.
VOID = (
    *(Unresolvable, TypeError, ValueError, AttributeError, LookupError, ArithmeticError),
    re.error,
)


def _forgive(keyword: Keyword) -> Keyword:
    """Take a keyword that is not what the standard says for void."""

    def forgiving(validator: Any, limit: Any, value: Any, rule: Any) -> Iterator[ValidationError]:
        try:
            yield from keyword(validator, limit, value, rule) or ()
        except (PatternBroken, *VOID):
            return

    return forgiving


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


def open_document(root: JSONValue) -> tuple[Any, None]:
    """Return the validator of a whole document, in which its references are looked up."""
    document = _without_dialects(root) if isinstance(root, dict) else {}
    return _Validator(document, registry=_NOTHING_FETCHED), None


def open_rule(document: Any, rule: JSONValue) -> tuple[Any, type | None]:
    """Return the validator of a part of a document, and the type of which every value fits it."""
    return document.evolve(schema=_without_dialects(rule)), _sure_type(rule)


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
