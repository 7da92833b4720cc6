"""Filters and tests of templates: those of Jinja's whose work is bounded by what they are given.

Where Jinja's own makes much of little, there is one here that looks first.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from jinja2 import ChainableUndefined, Undefined
from jinja2.filters import FILTERS as _JINJAS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS as _JINJAS_TESTS
from jinja2.utils import htmlsafe_json_dumps

# Characters and items of one value, with all that is in it.
MAX_SIZE = 10_000
_MAX_DIGITS = 15


class TemplateRefused(Exception):
    """A template holds, or makes, what this server does not render; the message says what."""


def measure(value: object) -> int:
    """Return the size of a value; raises `TemplateRefused` if it is too large or no value."""
    size = 0
    for part in _parts(value):
        if isinstance(part, str):
            size += len(part)
        elif isinstance(part, int) and not -(2**63) <= part < 2**64:
            raise TemplateRefused("A number has more than 64 bits.")
        elif not isinstance(part, int | float | None | Undefined):
            raise TemplateRefused(f"{type(part).__name__!r} is no value of a template.")
        size += 1
        if size > MAX_SIZE:
            raise TemplateRefused(f"A value has a size of more than {MAX_SIZE:,}.")
    return size


def settle(value: Any) -> Any:
    """Return a result as a value, with the items of an iterator; raises `TemplateRefused`."""
    if isinstance(value, Iterator):
        value = list(islice(value, MAX_SIZE + 1))
    measure(value)
    return value


def call_filter(name: str, context: Context, *values: Any, **options: Any) -> Any:
    value, *arguments = values
    return _environment.call_filter(name, value, arguments, options, context=context)


def _parts(value: object) -> Iterator[object]:
    """Return a value with all that is in it, as far as one asks."""
    yield value if not isinstance(value, list | tuple | dict | range) else None
    if isinstance(value, list | tuple | range):
        for item in value:
            yield from _parts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _parts(key)
            yield from _parts(item)


def _join(items: Iterable[Any], separator: str = "") -> str:
    texts = [str(item) for item in items]
    _refuse_longer(sum(map(len, texts)) + len(texts) * len(str(separator)))
    return str(separator).join(texts)


def _replace(text: object, old: str, new: str, count: int = -1) -> str:
    text = str(text)
    _refuse_longer(len(text) + text.count(old) * len(new))
    return text.replace(old, new, count)


def _round(value: float, precision: int = 0, method: str = "common") -> float:
    if abs(precision) > _MAX_DIGITS:
        raise TemplateRefused(f"Numbers are rounded to at most {_MAX_DIGITS} digits.")
    if method == "common":
        return round(float(value), precision)
    by = 10.0**precision
    return {"ceil": math.ceil, "floor": math.floor}[method](value * by) / by


def _tojson(value: object) -> str:
    return htmlsafe_json_dumps(value, sort_keys=True)


def _refuse_longer(size: int) -> None:
    if size > MAX_SIZE:
        raise TemplateRefused(f"A value has a size of more than {MAX_SIZE:,}.")


def _is_odd(value: object) -> bool:
    if not isinstance(value, int):
        raise TemplateRefused("Only whole numbers are odd or even.")
    return value % 2 == 1


def _is_even(value: object) -> bool:
    return not _is_odd(value)


_OWN: dict[str, Callable[..., Any]] = {
    "join": _join,
    "replace": _replace,
    "round": _round,
    "tojson": _tojson,
}
FILTERS = frozenset(
    {
        *("abs", "capitalize", "count", "d", "default", "e", "escape", "first", "float", "int"),
        *("items", "last", "length", "list", "lower", "max", "min", "reverse", "sort", "string"),
        *("sum", "title", "trim", "truncate", "unique", "upper", "urlencode", "wordcount"),
        *_OWN,
    }
)
TESTS = {
    name: _JINJAS_TESTS[name]
    for name in (
        *("boolean", "defined", "false", "float", "integer", "iterable", "lower", "mapping"),
        *("none", "number", "sequence", "string", "true", "undefined", "upper"),
        *("==", "eq", "equalto", "!=", "ne", ">", "gt", "greaterthan", ">=", "ge"),
        *("<", "lt", "lessthan", "<=", "le"),
    )
} | {"odd": _is_odd, "even": _is_even}

_environment = ImmutableSandboxedEnvironment(undefined=ChainableUndefined)
_environment.filters = {name: _OWN.get(name, _JINJAS.get(name)) for name in FILTERS}
