"""What JSON Schema says of schemas, in one piece.

The published metaschema of Draft 2020-12 is made of seven vocabularies that refer to each other
dynamically, which takes ten times as long to check. The rules and their order are the same.
"""

from typing import Any

from jsonschema.validators import Draft202012Validator
from jsonschema_specifications import REGISTRY


def _flatten() -> dict[str, Any]:
    root = Draft202012Validator.META_SCHEMA
    parts = [REGISTRY.contents(f"{_BASE}{part['$ref']}") for part in root["allOf"]]
    properties: dict[str, Any] = {}
    for part in [*parts, root]:
        definitions = part.get("$defs", {})
        for name, rule in part["properties"].items():
            properties.setdefault(name, _inline(rule, definitions))
    return {"type": ["object", "boolean"], "properties": properties}


def _inline(rule: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions in the place of references, except to the whole."""
    if isinstance(rule, list):
        return [_inline(part, definitions) for part in rule]
    if not isinstance(rule, dict):
        return rule
    if "$dynamicRef" in rule:
        return {"$ref": "#"}
    if (name := rule.get("$ref", "").removeprefix("#/$defs/")) in definitions:
        others = {key: value for key, value in rule.items() if key != "$ref"}
        return _inline(definitions[name], definitions) | others
    return {key: _inline(part, definitions) for key, part in rule.items()}


_BASE = "https://json-schema.org/draft/2020-12/"
METASCHEMA = _flatten()
