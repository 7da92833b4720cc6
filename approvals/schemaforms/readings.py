"""What one form found out about its schema, kept for the next form of the same schema.

Only the schema decides what is in here, never what a person typed. Each form works on copies of
its own, so that nothing is shared while it changes.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from approvals.schemaforms.limits import MAX_KEPT_NOTES, MAX_KEPT_SCHEMA, MAX_KEPT_SCHEMAS
from approvals.schemaforms.values import JSONValue

if TYPE_CHECKING:
    from approvals.schemaforms.fields import Node
    from approvals.schemaforms.schema import Keywords


class Notes[T]:
    """What is known of values that are told apart by identity, as parts of a document are."""

    def __init__(self, known: "dict[int, tuple[object, T]] | None" = None) -> None:
        # each with the value itself, for the id of one that is gone may be another's
        self._known = known or {}

    def find(self, about: object, find_out: Callable[[], T]) -> T:
        """Return what is known about a value, having found it out if nothing is."""
        known = self._known.get(id(about))
        if known is None or known[0] is not about:
            known = self._known[id(about)] = (about, find_out())
        return known[1]

    def copy(self) -> "Notes[T]":
        return Notes(self._known.copy())

    def __len__(self) -> int:
        return len(self._known)


@dataclass(kw_only=True)
class Reading:
    """A schema and all that is known of its parts."""

    root: JSONValue
    keywords: "Notes[Keywords]" = field(default_factory=Notes)
    nodes: "Notes[Node]" = field(default_factory=Notes)
    sizes: Notes[int] = field(default_factory=Notes)
    labels: Notes[list[str]] = field(default_factory=Notes)
    validators: Notes[tuple[Any, type | None]] = field(default_factory=Notes)
    own_rules: Notes[JSONValue] = field(default_factory=Notes)
    """What a group asks of its value as a whole, by the keywords of the group."""
    inner_rules: Notes[JSONValue] = field(default_factory=Notes)
    """The schema of a dictionary's keys or an object's other entries, by its keywords."""
    take_empty_text: Notes[bool] = field(default_factory=Notes)
    """Whether a node takes "" for an answer, by its rules."""

    def copy(self) -> Self:
        return type(self)(
            root=self.root, **{name: getattr(self, name).copy() for name in _NAMES_OF_NOTES}
        )

    def __len__(self) -> int:
        return sum(len(getattr(self, name)) for name in _NAMES_OF_NOTES)


_NAMES_OF_NOTES = [item.name for item in fields(Reading) if item.name != "root"]


class _Shelf:
    """Holds the fullest reading of one schema."""

    def __init__(self, root: JSONValue) -> None:
        self.reading = Reading(root=root)
        self.count = 0


@lru_cache(maxsize=MAX_KEPT_SCHEMAS)
def _shelf_of(text: str) -> _Shelf:
    return _Shelf(json.loads(text))


def take_reading(schema: JSONValue) -> tuple[Reading, Callable[[], None]]:
    """Return what is known of a schema, to work with, and how to give it back when it grew."""
    shelf = _find_shelf(schema)
    mine = shelf.reading.copy()

    def give_back() -> None:
        if shelf.count < (count := len(mine)) <= MAX_KEPT_NOTES:
            shelf.reading, shelf.count = mine.copy(), count

    return mine, give_back


def _find_shelf(schema: JSONValue) -> _Shelf:
    """Return the place of a schema, or one that is thrown away where it is too large to keep."""
    try:
        text = json.dumps(schema)
        if len(text) <= MAX_KEPT_SCHEMA:
            return _shelf_of(text)
    except (TypeError, ValueError, RecursionError):
        pass
    return _Shelf(schema)
