"""What of a schema is not shown as plain fields, and why: for the author of the schema."""

from collections.abc import Iterator
from dataclasses import dataclass

from approvals.schemaforms.controls.base import Control
from approvals.schemaforms.controls.conditions import list_demands
from approvals.schemaforms.controls.context import FormContext
from approvals.schemaforms.controls.problems import join_labels
from approvals.schemaforms.form import Form
from approvals.schemaforms.limits import MAX_DEPTH, MAX_SCHEMA_STEPS
from approvals.schemaforms.schema.nodes import Kind, Node
from approvals.schemaforms.schema.patterns import can_check_pattern
from approvals.schemaforms.values import JSONValue, as_dict, as_list, as_text

type Place = tuple[tuple[str, ...], JSONValue]

_MAX_REMARKS = 100


@dataclass(frozen=True)
class Remark:
    """One part of a form, by its label path, and what its author should know about it."""

    label: str
    text: str


def list_remarks(form: Form) -> list[Remark]:
    """Return what is not native in a form, also in rows, branches and groups not yet open."""
    context = form.root.context
    found = [Remark(_name(labels), text) for labels, text in _survey(context)]
    for control in form.root.walk():
        remark = Remark(control.label, _json_sentence(control.node))
        if control.node.unsupported and not any(known.text == remark.text for known in found):
            found.append(remark)
    return list(dict.fromkeys(found))[:_MAX_REMARKS]


def _name(labels: tuple[str, ...]) -> str:
    return join_labels(labels) or "The whole form"


def _survey(context: FormContext[Control]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Visit every part of the schema once."""
    todo: list[Place] = [((), context.cache.root)]
    seen: set[int] = set()
    while todo and len(seen) < MAX_SCHEMA_STEPS:
        labels, raw = todo.pop()
        node = context.node(raw)
        if id(node) in seen or len(labels) > MAX_DEPTH:
            continue
        seen.add(id(node))
        yield from ((labels, text) for text in _describe(node))
        todo += reversed(list(_places_inside(context, node, labels)))


def _places_inside(
    context: FormContext[Control], node: Node, labels: tuple[str, ...]
) -> Iterator[Place]:
    keywords = node.keywords
    if node.unsupported or node.kind is Kind.ANY:
        return
    for name, raw in as_dict(keywords.get("properties")).items():
        yield (*labels, context.label_of(raw, name)), raw
    for demand in list_demands(context, node, None):
        if demand.raw is not True:
            yield (*labels, context.label_of(demand.raw, demand.name)), demand.raw
    for index, raw in enumerate(as_list(keywords.get("prefixItems"))):
        yield (*labels, context.label_of(raw, f"Part {index + 1}")), raw
    for branch in node.branches if node.kind is Kind.UNION else ():
        yield (*labels, branch.label), branch.raw
    yield from ((labels, raw) for raw in _entries(node))


def _entries(node: Node) -> Iterator[JSONValue]:
    """Yield the schemas of rows and of entries that have no name."""
    if node.kind is Kind.LIST and isinstance(node.keywords.get("items"), dict):
        yield node.keywords["items"]
    if isinstance(node.keywords.get("additionalProperties"), dict):
        yield node.keywords["additionalProperties"]
    yield from as_dict(node.keywords.get("patternProperties")).values()


def _describe(node: Node) -> Iterator[str]:
    if sentence := _json_sentence(node):
        yield sentence
    pattern = as_text(node.keywords.get("pattern"))
    if pattern and not can_check_pattern(pattern):
        yield (
            "Its pattern cannot be read here, so it is not checked before the answer is sent."
            " A Prefect server takes no answer at all for it."
        )


def _json_sentence(node: Node) -> str:
    if node.unsupported:
        return f"Entered as JSON. {node.unsupported}"
    if node.kind is Kind.ANY:
        return "Entered as JSON, since any value is allowed."
    return ""
