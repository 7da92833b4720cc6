"""The kinds of node that a schema is made of, and what each says about its values."""

from dataclasses import dataclass, replace
from enum import StrEnum

from approvals.schemaforms.branches import Branch, read_branches
from approvals.schemaforms.limits import MAX_BRANCHES
from approvals.schemaforms.schema import CONDITIONS, Keywords, Schema, SchemaTrouble, merge_keywords
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    MaybeJSON,
    as_dict,
    as_list,
    as_text,
)


class Kind(StrEnum):
    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - a kind of field
    FILE = "file"
    JSON_TEXT = "json_text"
    INTEGER = "integer"
    NUMBER = "number"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    NULL = "null"
    ENUM = "enum"
    CONST = "const"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    DURATION = "duration"
    ANY = "any"
    OBJECT = "object"
    LIST = "list"
    CHOICES = "choices"
    MAP = "map"
    UNION = "union"


@dataclass(frozen=True, eq=False, kw_only=True)
class Node:
    kind: Kind
    keywords: Keywords
    """References followed and parts merged: what the field shows."""
    rules: tuple[JSONValue, ...]
    """Schemas as they stand in the document: what a value is checked against."""
    nullable: bool = False
    options: tuple[JSONValue, ...] = ()
    branches: tuple[Branch, ...] = ()
    trouble: str = ""
    """Why a JSON editor stands here instead of fields."""

    @property
    def title(self) -> str:
        return as_text(self.keywords.get("title"))

    @property
    def description(self) -> str:
        return as_text(self.keywords.get("description"))

    @property
    def default(self) -> MaybeJSON:
        return self.keywords.get("default", MISSING)

    @property
    def format(self) -> str:
        return as_text(self.keywords.get("format"))


def read_node(schema: Schema, raw: JSONValue) -> Node:
    """Tell what kind of field the schema `raw` asks for; never raises."""
    try:
        keywords = schema.resolve(raw)
        return _read_alternatives(schema, raw, keywords)
    except (SchemaTrouble, RecursionError) as error:
        reason = str(error) if isinstance(error, SchemaTrouble) else "It is nested too deeply."
        words = {key: word for key, word in as_dict(raw).items() if key in _WORDS}
        return Node(kind=Kind.ANY, keywords=words, rules=(raw,), trouble=reason)


def _read_alternatives(schema: Schema, raw: JSONValue, keywords: Keywords) -> Node:
    if "enum" in keywords or "const" in keywords:
        return _read_options(raw, keywords)
    for key in ("anyOf", "oneOf"):
        parts = as_list(keywords.get(key))
        rest = {name: value for name, value in keywords.items() if name != key}
        if parts and not _only_restricts(rest, parts):
            return _read_union(schema, raw, rest, _with_shared_fields(rest, parts))
    if isinstance(keywords.get("type"), list):
        rest = {name: value for name, value in keywords.items() if name not in _WORDS}
        parts = [{**rest, "type": name} for name in as_list(keywords["type"])]
        return _read_union(schema, raw, keywords, parts)
    return Node(kind=_kind_of(schema, keywords), keywords=keywords, rules=(raw,))


def _only_restricts(outer: Keywords, parts: list[JSONValue]) -> bool:
    """Tell alternatives that merely narrow a value ("a or b is required") from a union."""
    shapes = {"$ref", "type", "properties", "const", "enum", "anyOf", "oneOf", "allOf", "items"}
    has_shape = "properties" in outer or isinstance(outer.get("type"), str)
    return has_shape and not any(shapes & as_dict(part).keys() for part in parts)


def _with_shared_fields(outer: Keywords, parts: list[JSONValue]) -> list[JSONValue]:
    """Put the fields that stand beside a union into each of its alternatives."""
    if "properties" not in outer:
        return parts
    shared = {key: value for key, value in outer.items() if key not in _WORDS}
    return [{"allOf": [shared, part]} for part in parts]


def _read_options(raw: JSONValue, keywords: Keywords) -> Node:
    options = [keywords["const"]] if "const" in keywords else as_list(keywords["enum"])
    if not options:
        raise SchemaTrouble("Its description allows no value at all.")
    if "const" in keywords:
        return Node(kind=Kind.CONST, keywords=keywords, rules=(raw,), options=tuple(options))
    return Node(kind=Kind.ENUM, keywords=keywords, rules=(raw,), options=tuple(options))


def _read_union(schema: Schema, raw: JSONValue, outer: Keywords, parts: list[JSONValue]) -> Node:
    if len(parts) > MAX_BRANCHES and not all(_is_choice(part) for part in parts):
        raise SchemaTrouble("It allows too many alternatives.")
    resolved = [(part, schema.resolve(part)) for part in parts]
    nullable = any(_is_null(keywords) for _, keywords in resolved)
    resolved = [(part, keywords) for part, keywords in resolved if not _is_null(keywords)]
    if not resolved:
        return Node(kind=Kind.NULL, keywords=outer, rules=(raw,))
    if len(resolved) == 1:
        part, keywords = resolved[0]
        inner = _read_alternatives(schema, part, keywords)
        merged = merge_keywords(inner.keywords, outer)
        rules = (*inner.rules, outer) if _has_checks(outer) else inner.rules
        return replace(inner, keywords=merged, rules=rules, nullable=nullable or inner.nullable)
    kind = Kind.UNION
    options: tuple[JSONValue, ...] = ()
    branches: tuple[Branch, ...] = ()
    if all(_is_choice(keywords) for _, keywords in resolved):
        kind, options = Kind.ENUM, _collect_options(resolved)
    elif _is_decimal(outer, [keywords for _, keywords in resolved]):
        kind = Kind.DECIMAL
    elif _is_any_number([keywords for _, keywords in resolved]):
        kind = Kind.NUMBER
    if kind in {Kind.UNION, Kind.DECIMAL}:
        branches = read_branches(schema, outer, resolved)
    return Node(
        kind=kind,
        keywords=outer,
        rules=(raw,),
        nullable=nullable,
        options=options,
        branches=branches,
    )


_WORDS = {"title", "description", "default", "examples", "deprecated", "position", "discriminator"}


def _has_checks(outer: Keywords) -> bool:
    return bool(outer.keys() - _WORDS - {"type", "$defs", "definitions"})


def _is_null(keywords: Keywords) -> bool:
    return keywords.get("type") == "null" or ("const" in keywords and keywords["const"] is None)


def _is_choice(keywords: JSONValue) -> bool:
    return isinstance(keywords, dict) and ("enum" in keywords or "const" in keywords)


def _collect_options(resolved: list[tuple[JSONValue, Keywords]]) -> tuple[JSONValue, ...]:
    options: list[JSONValue] = []
    for _, keywords in resolved:
        options += [keywords["const"]] if "const" in keywords else as_list(keywords["enum"])
    return tuple(options)


def _is_decimal(outer: Keywords, parts: list[Keywords]) -> bool:
    """Tell a Decimal, which pydantic writes as number or string, from a true union of both."""
    types = sorted(as_text(part.get("type")) for part in parts)
    if types != ["number", "string"]:
        return False
    text = next(part for part in parts if part.get("type") == "string")
    if text.keys() - {"type", "pattern", "title", "description"}:
        return False
    pattern = as_text(text.get("pattern"))
    if pattern:
        return r"\d" in pattern and "." in pattern
    default = outer.get("default")
    return not isinstance(default, str) or looks_numeric(default)


def _is_any_number(parts: list[Keywords]) -> bool:
    """Tell `int | float`: what is typed says which of them it is, as for every number."""
    types = [as_text(part.get("type")) for part in parts if not part.keys() - _WORDS - {"type"}]
    return sorted(types) == ["integer", "number"] and len(parts) == 2


def looks_numeric(text: str) -> bool:
    return any(character.isdigit() for character in text) and not any(
        character.isalpha() and character not in "eE" for character in text
    )


_STRING_KINDS = {
    "date": Kind.DATE,
    "date-time": Kind.DATETIME,
    "time": Kind.TIME,
    "duration": Kind.DURATION,
    "time-delta": Kind.DURATION,
    "password": Kind.SECRET,
    "binary": Kind.FILE,
    "base64": Kind.FILE,
    "base64url": Kind.FILE,
    "json-string": Kind.JSON_TEXT,
}


def _kind_of(schema: Schema, keywords: Keywords) -> Kind:
    match keywords.get("type", _implied_type(keywords)):
        case "string":
            return _string_kind(keywords)
        case "integer" | "number" | "boolean" | "null" as name:
            return Kind(name)
        case "array":
            return _list_kind(schema, keywords)
        case "object":
            return _object_kind(keywords)
        case None:
            return Kind.ANY
        case _:
            raise SchemaTrouble("Its description names a type that is not known.")


def _object_kind(keywords: Keywords) -> Kind:
    """An object of which nothing is said is a dictionary: pydantic before 2.11 writes it so."""
    has_fields = bool(keywords.keys() & {"properties", CONDITIONS, "dependentSchemas"})
    is_closed = keywords.get("additionalProperties") is False
    is_open = not is_closed or "patternProperties" in keywords
    return Kind.MAP if is_open and not has_fields and not keywords.get("required") else Kind.OBJECT


def _implied_type(keywords: Keywords) -> str | None:
    if keywords.keys() & {"properties", "patternProperties"}:
        return "object"
    if keywords.keys() & {"items", "prefixItems"}:
        return "array"
    return None


def _string_kind(keywords: Keywords) -> Kind:
    if keywords.get("contentMediaType") == "application/json":
        return Kind.JSON_TEXT
    if keywords.get("writeOnly") is True:
        return Kind.SECRET
    if as_text(keywords.get("contentEncoding")) == "base64":
        return Kind.FILE
    return _STRING_KINDS.get(as_text(keywords.get("format")), Kind.TEXT)


def _list_kind(schema: Schema, keywords: Keywords) -> Kind:
    """A list of distinct options is ticked; every other list has rows."""
    if keywords.get("uniqueItems") is True and isinstance(keywords.get("items"), dict):
        options = schema.resolve(keywords["items"]).get("enum")
        if isinstance(options, list) and options:
            return Kind.CHOICES
    return Kind.LIST
