"""What the controls of one form share: what is asked, how it is checked, and what it may cost."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from approvals.schemaforms.limits import (
    MAX_DEPTH,
    MAX_FIELDS,
    MAX_INITIAL_NODES,
    MAX_LABEL_LENGTH,
    MAX_PREFILLED_ROWS,
    MAX_ROWS,
)
from approvals.schemaforms.posted import Posted
from approvals.schemaforms.schema.cache import cached_schema
from approvals.schemaforms.schema.checks import Checker
from approvals.schemaforms.schema.document import Schema, SchemaUnsupported
from approvals.schemaforms.schema.memo import Memo
from approvals.schemaforms.schema.nodes import Kind, Node, read_node
from approvals.schemaforms.schema.options import label_options
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    Keywords,
    MaybeJSON,
    as_count,
    as_dict,
    as_list,
    as_text,
    clip,
    humanise,
    is_larger_than,
)

type MakeControl[C] = Callable[[FormContext[C], Slot, Node, MaybeJSON, Posted | None], C]

_TEXT_KINDS = frozenset(
    [
        Kind.TEXT,
        Kind.SECRET,
        Kind.FILE,
        Kind.JSON_TEXT,
        Kind.DATE,
        Kind.DATETIME,
        Kind.TIME,
        Kind.DURATION,
    ]
)
_SHOWN_TYPES: dict[Kind, tuple[type, ...]] = {
    Kind.INTEGER: (int, float),
    Kind.NUMBER: (int, float),
    Kind.DECIMAL: (int, float, str),
    Kind.BOOLEAN: (bool,),
    Kind.OBJECT: (dict,),
    Kind.MAP: (dict,),
    Kind.LIST: (list,),
    Kind.CHOICES: (list,),
}
_GROUP_KINDS = frozenset([Kind.OBJECT, Kind.LIST, Kind.CHOICES, Kind.MAP, Kind.UNION, Kind.ANY])


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The place of one control in the form."""

    # An index path such as `f.0.2`; property names never appear in it.
    name: str
    raw: JSONValue
    label: str = ""
    required: bool = True
    # The initial value that the surrounding value holds for this place.
    given: MaybeJSON = MISSING
    # The surrounding value is known, so what it lacks is absent and takes no default.
    sealed: bool = False
    # Properties of the object here that the choice of a branch has settled.
    tags: dict[str, JSONValue] = field(default_factory=dict)
    # The value here, if the choice of a branch has settled it.
    fixed: MaybeJSON = MISSING
    depth: int = 0
    budget: int = 0


class FormContext[C]:
    """What all controls of one form share: the schema, its checks, and how to build more.

    `C` is what `make_control` makes: a Control, which lies above and is told of this.
    """

    def __init__(
        self, schema: JSONValue, make_control: "MakeControl[C]", *, shows_mismatches: bool = False
    ) -> None:
        self._make_control = make_control
        self._shows_mismatches = shows_mismatches
        self.cache, self._give_back = cached_schema(schema)
        self.schema = Schema(self.cache.root, self.cache.keywords)
        self.checker = Checker(self.cache)
        self._measured: set[int] = set()
        self._has_unsupported = False
        self._narrowed: Memo[Memo[JSONValue]] = Memo()

    def node(self, raw: JSONValue) -> Node:
        return self.cache.nodes.find(raw, lambda: self._read_node(raw))

    def _read_node(self, raw: JSONValue) -> Node:
        node = read_node(self.schema, raw)
        self._has_unsupported = self._has_unsupported or bool(node.unsupported)
        return node

    def keep_findings(self) -> None:
        """Spare the next form of this schema what this one has found out.

        What answers have made of it is not kept. Trouble may have come from what this form had
        to do, so it is found out each time.
        """
        if not self._has_unsupported and not self._narrowed:
            self._give_back()

    def narrow(self, raw: JSONValue, further: JSONValue) -> JSONValue:
        """Return a schema with a further condition, the same one for the same two."""
        return self._narrowed.find(raw, Memo).find(further, lambda: {"allOf": [raw, further]})

    def build(self, slot: Slot, posted: Posted | None = None) -> C:
        node = self.node(slot.raw)
        initial = self._initial_value(slot, node)
        if self._shows_mismatches and slot.given is not initial and slot.given is not MISSING:
            node, initial = replace(node, kind=Kind.ANY), slot.given
        if reason := self._reason_for_json(slot, node, initial):
            node = replace(node, kind=Kind.ANY, unsupported=reason)
        return self._make_control(self, slot, node, initial, posted)

    def _initial_value(self, slot: Slot, node: Node) -> MaybeJSON:
        if slot.given is not MISSING:
            return slot.given if self._is_showable(node, slot.given) else MISSING
        default = node.default
        if slot.sealed or default is MISSING or not self._is_showable(node, default):
            return MISSING
        if slot.required or node.kind in _GROUP_KINDS | {Kind.ENUM, Kind.CONST}:
            return default
        # A default that breaks its own schema works in the flow only when it is not sent.
        is_null = default is None and node.nullable
        is_sound = is_null or all(self.accepts(rule, default) for rule in node.rules)
        return default if is_sound else MISSING

    def has_odd_default(self, slot: Slot, node: Node, initial: MaybeJSON) -> bool:
        """Whether the initial value is a default that its own schema refuses.

        pydantic never checks a default, such as two flags of an IntFlag, so the flow has it as
        long as nothing is sent.
        """
        if slot.required or slot.sealed or slot.given is not MISSING or initial is MISSING:
            return False
        is_null = initial is None and node.nullable
        return not is_null and not all(self.accepts(rule, initial) for rule in node.rules)

    def _is_showable(self, node: Node, value: MaybeJSON) -> bool:
        """Whether a control of this kind can show `value` at all."""
        if value is None:
            return self._may_be_null(node)
        if isinstance(value, float) and not math.isfinite(value):
            return False
        shown = _SHOWN_TYPES.get(node.kind, (str,) if node.kind in _TEXT_KINDS else (object,))
        return isinstance(value, shown) and (not isinstance(value, bool) or int not in shown)

    def _may_be_null(self, node: Node) -> bool:
        if node.nullable or node.kind in {Kind.ANY, Kind.NULL}:
            return True
        if node.kind in {Kind.ENUM, Kind.CONST} and None in node.options:
            return True
        return any(self.accepts(branch.raw, None) for branch in node.branches)

    def _reason_for_json(self, slot: Slot, node: Node, initial: MaybeJSON) -> str:
        """Say why a JSON editor must stand here, or "" where fields can."""
        if node.unsupported or node.kind not in _GROUP_KINDS - {Kind.ANY}:
            return node.unsupported
        fields = len(as_dict(node.keywords.get("properties")))
        is_large = bool(slot.budget) and self.size(slot.raw) > slot.budget
        entries = max(len(as_list(initial)), len(as_dict(initial)))
        reasons = {
            f"It lies more than {MAX_DEPTH} levels deep.": slot.depth > MAX_DEPTH,
            "It would take too many fields.": is_large or fields > MAX_FIELDS,
            "It has too many entries to show each in fields.": entries > MAX_ROWS,
            "It holds too much to show each part in fields.": is_larger_than(
                initial, MAX_INITIAL_NODES
            ),
        }
        return next((reason for reason, applies in reasons.items() if applies), "")

    def child_budget(self, slot: Slot, node: Node) -> int:
        """Return how many fields each property may take so that all together stay in bounds."""
        budget = slot.budget or MAX_FIELDS
        if self.size(slot.raw) <= budget:
            return budget
        return max(1, budget // max(1, len(as_dict(node.keywords.get("properties")))))

    def size(self, raw: JSONValue) -> int:
        """Estimate how many fields `raw` shows at first; recursion counts as too many."""
        if id(raw) in self._measured:
            return MAX_FIELDS + 1
        return self.cache.sizes.find(raw, lambda: self._measure_once(raw))

    def _measure_once(self, raw: JSONValue) -> int:
        self._measured.add(id(raw))
        size = self._measure(self.node(raw))
        self._measured.discard(id(raw))
        return min(size, MAX_FIELDS + 1)

    def _measure(self, node: Node) -> int:
        default = node.default
        if node.nullable and default in (MISSING, None):
            return 1
        if node.kind is Kind.LIST:
            count = as_count(node.keywords.get("minItems")) or 0
            rows = max(min(count, MAX_PREFILLED_ROWS), len(as_list(default)))
            slots = as_list(node.keywords.get("prefixItems"))
            item = node.keywords.get("items", True)
            return 1 + sum(map(self.size, slots)) + (rows * self.size(item) if rows else 0)
        if node.kind is not Kind.OBJECT:
            return 1
        required = as_list(node.keywords.get("required"))
        total = 1
        for name, raw in as_dict(node.keywords.get("properties")).items():
            is_shown = name in required or self.node(raw).default not in (MISSING, None)
            total += self.size(raw) if is_shown else 1
            if total > MAX_FIELDS:
                break
        return total

    def label_of(self, raw: JSONValue, name: str, *, follow: bool = False) -> str:
        """Return the title that stands at `raw` itself, else one made of the property's name."""
        keywords = self.resolve_quietly(raw) if follow else as_dict(raw)
        return clip(as_text(keywords.get("title")) or humanise(name), MAX_LABEL_LENGTH)

    def label_options(self, node: Node) -> list[str]:
        """Write the options of a node for a person; there may be thousands."""
        return self.cache.labels.find(node.members, lambda: label_options(node.members))

    def resolve_quietly(self, raw: JSONValue) -> Keywords:
        try:
            return self.schema.resolve(raw)
        except (SchemaUnsupported, RecursionError):
            return {}

    def accepts(self, rule: JSONValue, value: object) -> bool:
        return self.checker.accepts(rule, value)
