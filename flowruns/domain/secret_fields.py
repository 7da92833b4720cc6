"""Secret values in the data of a block: hidden, and kept where the hidden form comes back.

A schema lists its secrets by path, such as `password`, `child.token`, or `headers.*` where all
below is secret (as Prefect 3.9). Here a secret may also be in a list or dictionary of objects,
and may be an object itself; Prefect's server shows those.
"""

from collections.abc import Callable, Iterable
from typing import Any

MASK = "*" * 8

type _Change = Callable[[Any, Any], Any]


def list_secret_fields(fields: dict[str, Any]) -> list[str]:
    """Return the paths that a block schema calls secret."""
    listed = fields.get("secret_fields")
    return [path for path in listed if isinstance(path, str)] if isinstance(listed, list) else []


def mask_secrets(data: dict[str, Any], secret_fields: Iterable[str]) -> dict[str, Any]:
    """Return the data with `MASK` in the place of each secret that is set."""
    return _change_secrets(data, data, secret_fields, lambda _new, _old: MASK)


def keep_masked(
    data: dict[str, Any], stored: dict[str, Any], secret_fields: Iterable[str]
) -> dict[str, Any]:
    """Return the data with the stored secret where the client sends back its mask."""
    return _change_secrets(data, stored, secret_fields, _keep)


def _keep(new: Any, old: Any) -> Any:
    return old if new == MASK and old is not None else new


def _change_secrets(
    data: dict[str, Any], other: dict[str, Any], secret_fields: Iterable[str], change: _Change
) -> dict[str, Any]:
    for path in secret_fields:
        head, *rest = path.split(".")
        if head in data:
            data = data | {head: _change_at(data[head], other.get(head), rest, change)}
    return data


def _change_at(value: Any, other: Any, path: list[str], change: _Change) -> Any:
    if not path:
        return None if value is None else change(value, other)
    if path[0] == "*":
        return _change_leaves(value, other, change)
    if isinstance(value, list):
        return [_change_at(item, _part(other, i), path, change) for i, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    # A path leads through a dictionary of objects without naming its keys
    names = [path[0]] if path[0] in value else list(value)
    rest = path[1:] if path[0] in value else path
    changed = {name: _change_at(value[name], _part(other, name), rest, change) for name in names}
    return value | changed


def _change_leaves(value: Any, other: Any, change: _Change) -> Any:
    if not isinstance(value, dict) or not value:
        return change(value, other)
    return {name: _change_leaves(part, _part(other, name), change) for name, part in value.items()}


def _part(whole: Any, name: str | int) -> Any:
    if isinstance(whole, dict):
        return whole.get(name)
    if isinstance(whole, list) and isinstance(name, int) and name < len(whole):
        return whole[name]
    return None
