"""The function behind a flow or a task, which may be a method; semantics of Prefect 3.8."""

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from flowruns.sdk.options import RunName


def plain_function(given: Any) -> tuple[Callable[..., Any], type | None]:
    """Return the function, and `staticmethod` or `classmethod` where it is one of a class."""
    if isinstance(given, staticmethod | classmethod):
        return given.__func__, type(given)
    if not callable(given):
        raise TypeError(f"A flow or a task is made of a function, not of {given!r}")
    return given, None


def bind_method[T](owner: T, instance: Any, kind: type) -> T:
    """Return `owner`, a flow or a task of a class body, for the instance or the class."""
    made_of: type | None = getattr(owner, "made_of", None)
    target = kind if made_of is classmethod else instance
    function = getattr(owner, "fn")  # noqa: B009 - of flows and tasks alike
    if made_of is staticmethod or target is None or not hasattr(function, "__get__"):
        return owner
    bound = copy.copy(owner)
    bound.fn = function.__get__(target)  # type: ignore[attr-defined]
    return bound


def custom_name(given: RunName | None, parameters: Mapping[str, Any], option: str) -> str | None:
    """Name a run by its template or function; None where there is none of its own.

    Raises KeyError for a parameter that is not there, TypeError where a function gives no text.
    """
    if not callable(given):
        return given.format(**parameters) if given else None
    takes_parameters = "parameters" in inspect.signature(given).parameters
    name = given(parameters=parameters) if takes_parameters else given()
    if not isinstance(name, str):
        raise TypeError(f"{option} must return a text, not {type(name).__name__}")
    return name
