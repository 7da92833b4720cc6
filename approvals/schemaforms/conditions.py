"""Fields that are asked for only after certain other answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from approvals.schemaforms.fields import Node
from approvals.schemaforms.schema import CONDITIONS
from approvals.schemaforms.values import JSONValue, as_dict, as_list

if TYPE_CHECKING:
    from approvals.schemaforms.build import Desk


@dataclass(frozen=True)
class Question:
    """A property that a condition has brought in."""

    name: str
    raw: JSONValue
    is_required: bool


def list_questions(
    desk: "Desk", node: Node, value: dict[str, JSONValue] | None
) -> Iterator[Question | None]:
    """Yield every property that some condition knows, None in place of those not asked for now.

    The place of a question is the same for every value, so that it can name its field. With
    None for a value all are asked for.
    """
    for rule, is_active in _list_rules(desk, node, value):
        keywords = desk.resolve_quietly(rule)
        required = as_list(keywords.get("required"))
        for name, raw in as_dict(keywords.get("properties")).items():
            yield Question(name, raw, name in required) if is_active else None


def _list_rules(
    desk: "Desk", node: Node, value: dict[str, JSONValue] | None
) -> Iterator[tuple[JSONValue, bool]]:
    asks_all = value is None
    for condition in map(as_dict, as_list(node.keywords.get(CONDITIONS))):
        holds = asks_all or desk.accepts(condition.get("if", True), value)
        yield condition.get("then", True), holds
        yield condition.get("else", True), asks_all or not holds
    for keyword in ("dependentSchemas", "dependencies"):
        for name, rule in as_dict(node.keywords.get(keyword)).items():
            if isinstance(rule, dict):
                yield rule, value is None or name in value
