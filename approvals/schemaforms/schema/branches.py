"""The alternatives of a union: what each is called and what choosing it settles."""

from dataclasses import dataclass, field, replace

from approvals.schemaforms.schema.document import Schema, SchemaUnsupported
from approvals.schemaforms.values import JSONValue, Keywords, as_dict, as_list, as_text, clip


@dataclass(frozen=True, eq=False, kw_only=True)
class Branch:
    """One alternative of a union; `tags` are the properties that its choice decides."""

    raw: JSONValue
    label: str
    tags: dict[str, JSONValue] = field(default_factory=dict)


def read_branches(
    schema: Schema, outer: Keywords, resolved: list[tuple[JSONValue, Keywords]]
) -> tuple[Branch, ...]:
    discriminator = as_dict(outer.get("discriminator"))
    tag = discriminator.get("propertyName")
    if isinstance(tag, str):
        branches = _read_mapping(schema, tag, as_dict(discriminator.get("mapping")), resolved)
        if branches:
            return branches
    return _with_distinct_labels(
        [Branch(raw=part, label=_branch_label(keywords)) for part, keywords in resolved]
    )


def _read_mapping(
    schema: Schema, tag: str, mapping: Keywords, resolved: list[tuple[JSONValue, Keywords]]
) -> tuple[Branch, ...]:
    """Read one branch per tag value; nothing if the mapping cannot be followed."""
    order = [as_dict(part).get("$ref") for part, _ in resolved]
    branches = []
    for value, target in sorted(mapping.items(), key=lambda pair: _rank(pair[1], order)):
        raw: JSONValue = {"$ref": target} if isinstance(target, str) else target
        try:
            keywords = schema.resolve(raw)
        except SchemaUnsupported:
            return ()
        member = _member_of_tag(schema, keywords, tag, value)
        branches.append(Branch(raw=raw, label=_branch_label(keywords, value), tags={tag: member}))
    if len(branches) < len(resolved):
        return ()
    return _with_distinct_labels(branches)


def _rank(target: JSONValue, order: list[JSONValue]) -> int:
    """Place a branch where its author wrote it; the mapping itself is in alphabetical order."""
    return order.index(target) if target in order else len(order)


def _member_of_tag(schema: Schema, keywords: Keywords, tag: str, value: str) -> JSONValue:
    """Return the tag as the branch spells it: mapping keys are text, a tag may be a number."""
    options = _tag_options(schema, keywords, tag)
    return next((option for option in options if str(option) == value), value)


def _tag_options(schema: Schema, keywords: Keywords, tag: str) -> list[JSONValue]:
    """Return what a tag may be in a branch, or in the branches inside it if it is a union too."""
    raw = as_dict(keywords.get("properties")).get(tag)
    if raw is None:
        parts = as_list(keywords.get("oneOf")) + as_list(keywords.get("anyOf"))
        inside = (_tag_options(schema, schema.resolve(part), tag) for part in parts)
        return [option for options in inside for option in options]
    tag_keywords = schema.resolve(raw)
    return [tag_keywords["const"]] if "const" in tag_keywords else as_list(tag_keywords.get("enum"))


_TYPE_NAMES = {
    "string": "Text",
    "integer": "Whole number",
    "number": "Number",
    "boolean": "Yes or no",
    "array": "List",
    "object": "Group of fields",
    "null": "None",
}
_FORMAT_NAMES = {
    "date": "Date",
    "date-time": "Date and time",
    "time": "Time",
    "duration": "Duration",
    "uuid": "UUID",
    "uri": "Address (URL)",
    "email": "E-mail address",
    "password": "Secret",
    "binary": "Bytes",
    "ipv4": "IPv4 address",
    "ipv6": "IPv6 address",
}


def _branch_label(keywords: Keywords, tag: str = "") -> str:
    title = as_text(keywords.get("title"))
    if title or tag:
        return clip(title or tag, 80)
    if "const" in keywords:
        return clip(str(keywords["const"]), 80)
    words = _FORMAT_NAMES.get(as_text(keywords.get("format")))
    words = words or _TYPE_NAMES.get(as_text(keywords.get("type")), "Other")
    if keywords.get("type") == "array":
        items = as_dict(keywords.get("items"))
        inner = as_text(items.get("title")) or _TYPE_NAMES.get(as_text(items.get("type")), "")
        return f"List: {inner.lower()}" if inner else words
    return words


def _with_distinct_labels(branches: list[Branch]) -> tuple[Branch, ...]:
    """Tell branches of the same title apart by their tag, else by counting."""
    labels = [branch.label for branch in branches]
    named = []
    for index, branch in enumerate(branches):
        label = branch.label
        if labels.count(label) > 1:
            mark = next(iter(branch.tags.values()), labels[: index + 1].count(label))
            label = f"{label} ({clip(str(mark), 40)})"
        named.append(replace(branch, label=label))
    return tuple(named)
