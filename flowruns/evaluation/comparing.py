"""When JSON Schema takes two values for the same, or one for a multiple of the other."""

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any


def is_multiple(value: Any, step: Any) -> bool:
    """Count as people do, and pydantic: 0.3 is a multiple of 0.1, which it is not in floats."""
    return (Fraction(str(value)) / Fraction(str(step))).is_integer()


def find_repeated(items: list[Any]) -> Iterator[int]:
    """Yield the places of items that were there before."""
    seen: set[str] = set()
    for index, item in enumerate(items):
        text = _canonical(item)
        if text in seen:
            yield index
        seen.add(text)


def _canonical(value: Any) -> str:
    """Return equal text for values that JSON Schema calls equal (1 and 1.0, but not true)."""
    return json.dumps(_unify_numbers(value), sort_keys=True)


def _unify_numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_unify_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: _unify_numbers(item) for key, item in value.items()}
    return value
