"""The kinds of node that a schema is made of, and what each says about its values."""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from approvals.schemaforms.limits import MAX_BRANCHES
from approvals.schemaforms.schema.branches import Branch, read_branches
from approvals.schemaforms.schema.document import (
    CONDITIONS,
    Schema,
    SchemaUnsupported,
    merge_keywords,
)
from approvals.schemaforms.schema.options import (
    Member,
    list_members,
    name_members,
    read_members,
    without_repeats,
)
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    Keywords,
    MaybeJSON,
    as_dict,
    as_list,
    as_text,
)


class Kind(StrEnum):
    TEXT = "text"
    SECRET = "secret"  # noqa: S105 -- a kind of field
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
    # References followed and parts merged: what the field shows.
    keywords: Keywords
    # Schemas as they stand in the document: what a value is checked against.
    rules: tuple[JSONValue, ...]
    nullable: bool = False
    # What can be chosen, or ticked in a list.
    members: tuple[Member, ...] = ()
    branches: tuple[Branch, ...] = ()
    # Why a JSON editor stands here instead of fields.
    unsupported: str = ""

    @cached_property
    def options(self) -> tuple[JSONValue, ...]:
        """The values that can be chosen."""
        return tuple(member.value for member in self.members)

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
    except (SchemaUnsupported, RecursionError) as error:
        reason = str(error) if isinstance(error, SchemaUnsupported) else "It is nested too deeply."
        words = {key: word for key, word in as_dict(raw).items() if key in _WORDS}
        return Node(kind=Kind.ANY, keywords=words, rules=(raw,), unsupported=reason)


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
    kind = _kind_of(keywords)
    members = _read_ticks(schema, keywords) if kind is Kind.LIST else ()
    kind = Kind.CHOICES if members else kind
    return Node(kind=kind, keywords=keywords, rules=(raw,), members=members)


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
    members = tuple(read_members(keywords))
    if not members:
        raise SchemaUnsupported("Its description allows no value at all.")
    kind = Kind.CONST if "const" in keywords else Kind.ENUM
    return Node(kind=kind, keywords=keywords, rules=(raw,), members=members)


def _read_union(schema: Schema, raw: JSONValue, outer: Keywords, parts: list[JSONValue]) -> Node:
    if len(parts) > MAX_BRANCHES and not all(_is_choice(part) for part in parts):
        raise SchemaUnsupported("It allows too many alternatives.")
    resolved = [(part, schema.resolve(part)) for part in parts]
    nullable = any(_is_null(keywords) for _, keywords in resolved)
    several = [(part, keywords) for part, keywords in resolved if not _is_null(keywords)]
    if not several:
        return Node(kind=Kind.NULL, keywords=outer, rules=(raw,))
    members = _collect_members(schema, resolved)
    if len(several) == 1 and len(members) < 2:
        return _read_single(schema, several[0], outer, nullable=nullable)
    if members:
        named = tuple(name_members(members, outer))
        has_null = any(member.value is None for member in named)
        return Node(
            kind=Kind.ENUM,
            keywords=outer,
            rules=(raw,),
            nullable=nullable and not has_null,
            members=named,
        )
    kind = _union_kind([keywords for _, keywords in several])
    branches = read_branches(schema, outer, several) if kind is not Kind.NUMBER else ()
    return Node(kind=kind, keywords=outer, rules=(raw,), nullable=nullable, branches=branches)


def _read_single(
    schema: Schema, only: tuple[JSONValue, Keywords], outer: Keywords, *, nullable: bool
) -> Node:
    """Read the only alternative beside null, under the words of the whole."""
    part, keywords = only
    inner = _read_alternatives(schema, part, keywords)
    merged = merge_keywords(inner.keywords, outer)
    rules = (*inner.rules, outer) if _has_checks(outer) else inner.rules
    members = tuple(name_members(list(inner.members), outer))
    nullable = nullable or inner.nullable
    return replace(inner, keywords=merged, rules=rules, nullable=nullable, members=members)


def _collect_members(schema: Schema, resolved: list[tuple[JSONValue, Keywords]]) -> list[Member]:
    """Return all options where every alternative is one or more of them; a plain null is none."""
    members: list[Member] = []
    for part, keywords in resolved:
        found = list_members(schema, part)
        if found is None and not _is_null(keywords):
            return []
        is_plain_null = _is_null(keywords) and not (found and found[0].label)
        members += [] if is_plain_null else found or []
    return without_repeats(members)


def _union_kind(parts: list[Keywords]) -> Kind:
    if _is_decimal(parts):
        return Kind.DECIMAL
    return Kind.NUMBER if _is_any_number(parts) else Kind.UNION


_WORDS = {"title", "description", "default", "examples", "deprecated", "position", "discriminator"}


def _has_checks(outer: Keywords) -> bool:
    return bool(outer.keys() - _WORDS - {"type", "$defs", "definitions"})


def _is_null(keywords: Keywords) -> bool:
    return keywords.get("type") == "null" or ("const" in keywords and keywords["const"] is None)


def _is_choice(keywords: JSONValue) -> bool:
    return isinstance(keywords, dict) and ("enum" in keywords or "const" in keywords)


def _is_decimal(parts: list[Keywords]) -> bool:
    """Tell a Decimal, which pydantic writes as number or text, from a true union of both.

    pydantic 2.12 and 2.13 give it away by their pattern, our SDK by a format; all others write
    the very same for `float | str`, which is what a person should be asked for then.
    """
    if sorted(as_text(part.get("type")) for part in parts) != ["number", "string"]:
        return False
    text = next(part for part in parts if part.get("type") == "string")
    is_marked = text.get("format") == "decimal"
    return is_marked or as_text(text.get("pattern")).startswith(_DECIMAL_PATTERN)


# How every pattern begins that pydantic has for a Decimal, whatever its digits and places.
_DECIMAL_PATTERN = r"^(?!^[-+.]*$)[+-]?0*"


def _is_any_number(parts: list[Keywords]) -> bool:
    """Tell `int | float`: what is typed says which of them it is, as for every number."""
    types = [as_text(part.get("type")) for part in parts if not part.keys() - _WORDS - {"type"}]
    return sorted(types) == ["integer", "number"] and len(parts) == 2


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


def _kind_of(keywords: Keywords) -> Kind:
    match keywords.get("type", _implied_type(keywords)):
        case "string":
            return _string_kind(keywords)
        case "integer" | "number" | "boolean" | "null" as name:
            return Kind(name)
        case "array":
            return Kind.LIST
        case "object":
            return _object_kind(keywords)
        case None:
            return Kind.ANY
        case _:
            raise SchemaUnsupported("Its description names a type that is not known.")


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


def _read_ticks(schema: Schema, keywords: Keywords) -> tuple[Member, ...]:
    """Return what can be ticked: a list of distinct options; every other list has rows."""
    if keywords.get("uniqueItems") is True and isinstance(keywords.get("items"), dict):
        return tuple(list_members(schema, keywords["items"]) or ())
    return ()
