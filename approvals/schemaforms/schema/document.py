"""Read a JSON schema: follow its local references, merge its parts, fetch nothing."""

from functools import cached_property
from urllib.parse import unquote

from approvals.schemaforms.limits import MAX_SCHEMA_STEPS
from approvals.schemaforms.schema.memo import Memo
from approvals.schemaforms.values import JSONValue, Keywords, as_dict, as_list, walk_json

# Where the conditions of all merged parts are gathered; a name no schema keyword has.
CONDITIONS = "if/then/else"

_CONDITION = frozenset(["if", "then", "else"])
_LARGER_WINS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_SMALLER_WINS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")


class SchemaUnsupported(Exception):
    """A schema cannot be shown as fields; the message says why."""


class Schema:
    """One schema document, the only place its references are looked up in."""

    def __init__(self, root: JSONValue, resolved: Memo[Keywords]) -> None:
        self.root = root
        self._steps = 0
        self._resolved = resolved

    @cached_property
    def has_secrets(self) -> bool:
        """Whether any part describes a secret."""
        parts = (as_dict(part) for _, part in walk_json(self.root))
        return any(
            part.get("writeOnly") is True or part.get("format") == "password" for part in parts
        )

    def resolve(self, raw: JSONValue) -> Keywords:
        """Return the keywords of `raw` with references followed and allOf merged."""
        return self._resolved.find(raw, lambda: self._resolve(raw, ()))

    def _resolve(self, raw: JSONValue, trail: tuple[str, ...]) -> Keywords:
        self._steps += 1
        if self._steps > MAX_SCHEMA_STEPS:
            raise SchemaUnsupported("Its description is too large.")
        if raw is True:
            return {}
        if raw is False:
            raise SchemaUnsupported("Its description allows no value at all.")
        if not isinstance(raw, dict):
            raise SchemaUnsupported("Its description is not a JSON schema.")
        keywords = {key: value for key, value in raw.items() if key not in {"$ref", "allOf"}}
        if "if" in keywords:
            rule: JSONValue = {key: keywords.pop(key) for key in _CONDITION & keywords.keys()}
            keywords[CONDITIONS] = [rule]
        merged = self._follow(raw["$ref"], trail) if "$ref" in raw else {}
        for part in as_list(raw.get("allOf")):
            merged = merge_keywords(merged, self._resolve(part, trail))
        return merge_keywords(merged, keywords)

    def _follow(self, reference: JSONValue, trail: tuple[str, ...]) -> Keywords:
        if not isinstance(reference, str):
            raise SchemaUnsupported("Its description refers to something that is not a name.")
        if reference in trail:
            raise SchemaUnsupported("Its description refers to itself in a circle.")
        if len(trail) > 100:
            raise SchemaUnsupported("Its description refers on and on.")
        return self._resolve(self.look_up(reference), (*trail, reference))

    def look_up(self, reference: str) -> JSONValue:
        """Return what a local reference such as `#/$defs/Order` points at."""
        if not reference.startswith("#"):
            raise SchemaUnsupported(
                "Its description lies in another document, which is not fetched."
            )
        target = self.root
        if reference[1:2] not in {"", "/"}:
            return self._find_anchor(reference[1:])
        for step in unquote(reference[1:]).split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(target, dict) and key in target:
                target = target[key]
            elif isinstance(target, list) and key.isdecimal() and int(key) < len(target):
                target = target[int(key)]
            else:
                raise SchemaUnsupported("Its description refers to a part that is missing.")
        return target

    def _find_anchor(self, name: str) -> JSONValue:
        parts = (part for _, part in walk_json(self.root) if as_dict(part).get("$anchor") == name)
        target = next(parts, None)
        if target is None:
            raise SchemaUnsupported("Its description refers to a part that is missing.")
        return target


def merge_keywords(base: Keywords, over: Keywords) -> Keywords:
    """Merge two sets of keywords that both hold; in words (title, default) `over` wins."""
    if not base:
        return over
    merged = base | over
    for key in base.keys() & over.keys():
        merged[key] = _merge_keyword(key, base[key], over[key])
    return merged


def _merge_keyword(key: str, base: JSONValue, over: JSONValue) -> JSONValue:
    match key:
        case "properties":
            return _merge_properties(as_dict(base), as_dict(over))
        case "$defs" | "definitions" | "dependentRequired":
            return as_dict(base) | as_dict(over)
        case "required":
            return list(dict.fromkeys(map(str, as_list(base) + as_list(over))))
        case "type" | "enum":
            return _merge_options(key, _listed(base), over)
        case _ if key == CONDITIONS:
            return as_list(base) + as_list(over)
        case _:
            return _merge_bounds(key, base, over)


def _merge_options(key: str, base: list[JSONValue], over: JSONValue) -> JSONValue:
    common = [item for item in base if item in _listed(over)]
    return (common[0] if len(common) == 1 and key == "type" else common) or over


def _merge_bounds(key: str, base: JSONValue, over: JSONValue) -> JSONValue:
    if isinstance(base, (int, float)) and isinstance(over, (int, float)):
        if key in _LARGER_WINS:
            return max(base, over)
        if key in _SMALLER_WINS:
            return min(base, over)
    return over


def _merge_properties(base: Keywords, over: Keywords) -> JSONValue:
    merged = base | over
    for name in base.keys() & over.keys():
        if base[name] != over[name]:
            merged[name] = {"allOf": [base[name], over[name]]}
    return merged


def _listed(value: JSONValue) -> list[JSONValue]:
    return value if isinstance(value, list) else [value]
