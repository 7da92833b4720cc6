"""Prefect's placeholder objects in what clients send, replaced by what they stand for.

`{"__prefect_kind": "json" | "none" | "jinja" | "workspace_variable", …}`, with the semantics and
the sentences of Prefect 3.9.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flowruns.domain.errors import VariableNotFound
from flowruns.evaluation.placeholders import Placeholder, Removed, Trouble, Unrendered
from flowruns.wire import MAX_NESTING
from flowruns.wire.variables import is_variable_name

if TYPE_CHECKING:
    from flowruns.evaluation.templates import Templates

KIND = "__prefect_kind"
_MAX_SHOWN = 100

type FindVariable = Callable[[str], Any]
_NO_VARIABLES = (
    "Variables may be confidential, so this answer may not use them: send it with an API key that"
    " has the scope 'flows', too."
)


class HydrationRefused(Exception):
    """A placeholder stands for nothing that can be used; the message says why."""


@dataclass(frozen=True)
class _Request:
    """What the placeholders of one request share. On trial nothing raises nor is rendered."""

    find_variable: FindVariable | None
    on_trial: bool
    variables: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def templates(self) -> "Templates":
        """Jinja, which is loaded for the first template: hardly any answer has one."""
        from flowruns.evaluation.templates import Templates

        return Templates()


def hydrate(values: dict[str, Any], *, find_variable: FindVariable | None) -> dict[str, Any]:
    """Return the values with all placeholders replaced; raises `HydrationRefused`.

    `find_variable` returns what a variable stands for, or raises `VariableNotFound`; None for
    somebody who may not read variables.
    """
    request = _Request(find_variable=find_variable, on_trial=False)
    hydrated = _hydrate_all(values, request)
    _refuse_unstorable(hydrated)
    return hydrated


def hydrate_on_trial(
    values: dict[str, Any], *, find_variable: FindVariable | None
) -> dict[str, Any]:
    """Return the values with `Placeholder`s where something fails or is not known yet.

    Raises `HydrationRefused` for what is not an object or nested too deeply.
    """
    return _hydrate_all(values, _Request(find_variable=find_variable, on_trial=True))


def _hydrate_all(values: dict[str, Any], request: _Request) -> dict[str, Any]:
    try:
        hydrated = _hydrate(values, request)
    except RecursionError:
        raise HydrationRefused("it is nested too deeply.") from None
    if isinstance(hydrated, Trouble):
        raise HydrationRefused(hydrated.message)
    if isinstance(hydrated, Removed):
        return {}
    if not isinstance(hydrated, dict):
        raise HydrationRefused("it must be an object.")
    return hydrated


def _hydrate(value: Any, request: _Request) -> Any:
    if isinstance(value, list):
        items = (_hydrate(item, request) for item in value)
        return [item for item in items if not isinstance(item, Removed)]
    if not isinstance(value, dict):
        return value
    if KIND in value:
        return _replace(value, request)
    pairs = ((key, _hydrate(item, request)) for key, item in value.items())
    return {key: item for key, item in pairs if not isinstance(item, Removed)}


def _replace(placeholder: dict[str, Any], request: _Request) -> Any:
    found = _resolve(placeholder, request)
    if isinstance(found, Trouble) and not request.on_trial:
        raise HydrationRefused(found.message)
    return found


def _resolve(placeholder: dict[str, Any], request: _Request) -> Any:
    kind = placeholder[KIND]
    if isinstance(kind, dict | list):
        return Trouble(f"{KIND} must be a text")
    if kind not in _RESOLVERS:
        return placeholder.get("value")  # not of any kind: as it is
    return _RESOLVERS[kind](placeholder, request)


def _read_part(placeholder: dict[str, Any], name: str, request: _Request) -> Any:
    """Return a part that may be a placeholder itself; a list is taken as it is (as Prefect 3.9)."""
    part = placeholder[name]
    return _hydrate(part, request) if isinstance(part, dict) else part


def _pass(placeholder: dict[str, Any], request: _Request) -> Any:
    if "value" not in placeholder:
        return Trouble("Missing 'value' key in __prefect object")
    return _hydrate(placeholder["value"], request)


def _read_json(placeholder: dict[str, Any], request: _Request) -> Any:
    if "value" not in placeholder:
        return Removed()  # so Prefect's form says that a field is left out
    value = _read_part(placeholder, "value", request)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        return Trouble(f"Invalid JSON: {error}")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _render(placeholder: dict[str, Any], request: _Request) -> Any:
    from flowruns.evaluation.template_filters import TemplateRefused  # Jinja comes with it

    if "template" not in placeholder:
        return Trouble("Missing 'template' key in __prefect object")
    template = _read_part(placeholder, "template", request)
    if isinstance(template, Placeholder):
        return template
    if not isinstance(template, str):
        return Trouble("Invalid jinja: the template must be a text")
    try:
        if not request.on_trial:
            return request.templates.render(template)
        request.templates.check(template)
    except TemplateRefused as refused:
        return Trouble(f"Invalid jinja: {refused}")
    return Unrendered()


def _read_variable(placeholder: dict[str, Any], request: _Request) -> Any:
    if "variable_name" not in placeholder:
        return Removed()
    name = _read_part(placeholder, "variable_name", request)
    if isinstance(name, Placeholder):
        return name
    if request.find_variable is None:
        return Trouble(_NO_VARIABLES)
    try:
        return _find_variable(name, request.find_variable, request.variables)
    except VariableNotFound:
        return Trouble(f"Variable '{name!s:.{_MAX_SHOWN}}' not found in workspace.")


_RESOLVERS: dict[Any, Callable[[dict[str, Any], _Request], Any]] = {
    "none": _pass,
    "json": _read_json,
    "jinja": _render,
    "workspace_variable": _read_variable,
}


def _find_variable(name: Any, find: FindVariable, found: dict[str, Any]) -> Any:
    if not is_variable_name(name):
        raise VariableNotFound
    if name not in found:
        found[name] = find(name)
    return found[name]


def _refuse_unstorable(value: Any) -> None:
    """Refuse what a template or JSON text has made and no database or client would take."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise HydrationRefused("it holds half a surrogate pair.") from None
    if _is_deeper_than(MAX_NESTING, value):
        raise HydrationRefused("it is nested too deeply.")


def _is_deeper_than(levels: int, value: Any) -> bool:
    if not isinstance(value, dict | list):
        return False
    items = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper_than(levels - 1, item) for item in items)
