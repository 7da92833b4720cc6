"""Choose the control for each part of a schema."""

from dataclasses import replace

from approvals.schemaforms.controls.base import Control
from approvals.schemaforms.controls.choices import Choice, Fixed, Ticks, YesNo
from approvals.schemaforms.controls.context import FormContext, Slot
from approvals.schemaforms.controls.files import File
from approvals.schemaforms.controls.maps import MapControl
from approvals.schemaforms.controls.moments import Date, DateTime, Duration, Time
from approvals.schemaforms.controls.numbers import DecimalText, Integer, Number, is_decimal
from approvals.schemaforms.controls.objects import ObjectControl
from approvals.schemaforms.controls.rows import ListControl
from approvals.schemaforms.controls.searching import Search, SearchTicks
from approvals.schemaforms.controls.texts import AnyJSON, JSONText, PlainText, ReadOnly, Secret
from approvals.schemaforms.controls.unions import UnionControl
from approvals.schemaforms.limits import MAX_SELECT_OPTIONS
from approvals.schemaforms.posted import Posted
from approvals.schemaforms.schema.nodes import Kind, Node
from approvals.schemaforms.values import MISSING, MaybeJSON, as_list, place_of

_CONTROLS: dict[Kind, type[Control]] = {
    Kind.TEXT: PlainText,
    Kind.SECRET: Secret,
    Kind.FILE: File,
    Kind.JSON_TEXT: JSONText,
    Kind.INTEGER: Integer,
    Kind.NUMBER: Number,
    Kind.DECIMAL: DecimalText,
    Kind.BOOLEAN: YesNo,
    Kind.NULL: Fixed,
    Kind.DATE: Date,
    Kind.DATETIME: DateTime,
    Kind.TIME: Time,
    Kind.DURATION: Duration,
    Kind.ANY: AnyJSON,
    Kind.OBJECT: ObjectControl,
    Kind.LIST: ListControl,
    Kind.MAP: MapControl,
    Kind.UNION: UnionControl,
}


def make_control(
    context: FormContext[Control],
    slot: Slot,
    node: Node,
    initial: MaybeJSON,
    posted: Posted | None,
) -> Control:
    """Make the control that shows `initial`, or what was posted, in a form."""
    if node.kind is Kind.DECIMAL and isinstance(initial, str) and not is_decimal(initial):
        node = replace(node, kind=Kind.UNION)
    return _choose_class(slot, node, initial)(context, slot, node, initial, posted)


def _choose_class(slot: Slot, node: Node, initial: MaybeJSON) -> type[Control]:
    if slot.fixed is not MISSING:
        return Fixed
    if node.keywords.get("readOnly") is True and initial is not MISSING:
        return ReadOnly
    match node.kind:
        case Kind.CONST:
            is_settled = slot.required or place_of(initial, node.options) is not None
            return Fixed if is_settled and not node.nullable else Choice
        case Kind.ENUM:
            return Choice if len(node.options) <= MAX_SELECT_OPTIONS else Search
        case Kind.CHOICES:
            is_ticked = _can_be_ticked(node, initial)
            return _ticks_class(node) if is_ticked else ListControl
        case kind:
            return _CONTROLS[kind]


def _ticks_class(node: Node) -> type[Control]:
    return Ticks if len(node.options) <= MAX_SELECT_OPTIONS else SearchTicks


def _can_be_ticked(node: Node, initial: MaybeJSON) -> bool:
    places = [place_of(item, node.options) for item in as_list(initial)]
    return None not in places and len(places) == len(set(places))
