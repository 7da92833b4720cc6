"""The options of a question, in the words that the author of the schema found for them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from approvals.schemaforms.limits import MAX_LABEL_LENGTH
from approvals.schemaforms.schema.document import Schema
from approvals.schemaforms.values import (
    JSONValue,
    Keywords,
    as_dict,
    as_list,
    as_text,
    clip,
    plain_label,
)

# Annotations that name the options: a list in their order, or by the option's text.
_NAMES = (
    "x-labels",
    "enumNames",
    "x-enumNames",
    "x-enum-names",
    "x-enum-labels",
    "x-enumLabels",
    "x-enum-varnames",
)

_DESCRIPTIONS = (
    "x-enum-descriptions",
    "x-enumDescriptions",
    "enumDescriptions",
    "markdownEnumDescriptions",
)
_MAX_NESTING = 10


@dataclass(frozen=True, kw_only=True)
class Member:
    """One option: its value, and the author's label and description, "" where there is none."""

    value: JSONValue
    label: str = ""
    description: str = ""


def read_members(keywords: Keywords) -> list[Member]:
    """Return the options of an `enum` or `const`; its title is that of the whole question."""
    is_one = "const" in keywords
    values = [keywords["const"]] if is_one else as_list(keywords.get("enum"))
    names, descriptions = _words(keywords, _NAMES, values), _words(keywords, _DESCRIPTIONS, values)
    return without_repeats(
        [
            Member(value=value, label=name, description=description)
            for value, name, description in zip(values, names, descriptions, strict=True)
        ]
    )


def list_members(schema: Schema, raw: JSONValue, *, depth: int = 0) -> list[Member] | None:
    """Return the options that one of the alternatives stands for; None where it is more than that.

    The title of an alternative with a single option is the option's label.
    """
    keywords = schema.resolve(raw)
    if "const" in keywords or "enum" in keywords:
        members = read_members(keywords)
        return [_with_title(members[0], raw, keywords)] if len(members) == 1 else members
    if keywords.get("type") == "null" and as_text(keywords.get("title")):
        return [_with_title(Member(value=None), raw, keywords)]
    parts = as_list(keywords.get("oneOf")) or as_list(keywords.get("anyOf"))
    if not parts or depth > _MAX_NESTING:
        return None
    inner = [list_members(schema, part, depth=depth + 1) for part in parts]
    found = [member for members in inner for member in members or ()]
    return None if None in inner else name_members(without_repeats(found), keywords)


def name_members(members: list[Member], keywords: Keywords) -> list[Member]:
    """Return the options with the words that stand beside all of them, where they have none."""
    values = [member.value for member in members]
    names, descriptions = _words(keywords, _NAMES, values), _words(keywords, _DESCRIPTIONS, values)
    return [
        replace(member, label=member.label or name, description=member.description or description)
        for member, name, description in zip(members, names, descriptions, strict=True)
    ]


def _with_title(member: Member, raw: JSONValue, keywords: Keywords) -> Member:
    title = as_text(keywords.get("title"))
    # An enum class of one member has the name of its definition, which names no option.
    if as_text(as_dict(raw).get("$ref")).rpartition("/")[2] == title:
        title = ""
    description = as_text(keywords.get("description"))
    return replace(
        member, label=title or member.label, description=member.description or description
    )


def _words(keywords: Keywords, names: tuple[str, ...], values: list[JSONValue]) -> list[str]:
    """Return the first annotation of `names` that fits the options, as one text for each."""
    for given in (keywords.get(name) for name in names):
        if isinstance(given, dict):
            return [
                as_text(given.get(value if isinstance(value, str) else str(value)))
                for value in values
            ]
        if isinstance(given, list) and len(given) == len(values):
            return [as_text(text) for text in given]
    return [""] * len(values)


def without_repeats(members: list[Member]) -> list[Member]:
    """Return each option once, where it comes first."""
    first: dict[str, Member] = {}
    for member in members:
        first.setdefault(repr(member.value), member)
    return list(first.values())


def label_options(members: Sequence[Member]) -> list[str]:
    """Write each option for a person, no two of them alike.

    The author's label comes first; text that reads like another option is put in quotes.
    """
    taken = {plain_label(m.value) for m in members if not isinstance(m.value, str)}
    labels = [_label_option(member, taken) for member in members]
    return [
        clip(f"{label} ({plain_label(member.value)})" if count > 1 else label, MAX_LABEL_LENGTH)
        for label, member, count in zip(
            labels, members, map(Counter(labels).get, labels), strict=True
        )
        if count
    ]


def _label_option(member: Member, taken: set[str]) -> str:
    if member.label.strip():
        return member.label
    if isinstance(member.value, str) and (member.value in taken or not member.value.strip()):
        return f"“{member.value}”"
    return plain_label(member.value)
