"""What one form found out about its schema, kept for the next form of the same schema.

Only the schema decides what is in here, never what a person typed. Each form works on copies of
its own, so that nothing is shared while it changes.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, Self

from approvals.schemaforms.limits import MAX_CACHED_FINDINGS, MAX_CACHED_SCHEMA, MAX_CACHED_SCHEMAS
from approvals.schemaforms.schema.memo import Memo
from approvals.schemaforms.schema.nodes import Node
from approvals.schemaforms.values import JSONValue, Keywords


@dataclass(kw_only=True)
class SchemaCache:
    """A schema and all that is known of its parts."""

    root: JSONValue
    keywords: Memo[Keywords] = field(default_factory=Memo)
    nodes: Memo[Node] = field(default_factory=Memo)
    sizes: Memo[int] = field(default_factory=Memo)
    labels: Memo[list[str]] = field(default_factory=Memo)
    validators: Memo[tuple[Any, type | None]] = field(default_factory=Memo)
    # What a group asks of its value as a whole, by the keywords of the group.
    own_rules: Memo[JSONValue] = field(default_factory=Memo)
    # The schema of a dictionary's keys or an object's other entries, by its keywords.
    inner_rules: Memo[JSONValue] = field(default_factory=Memo)
    # Whether a node takes "" for an answer, by its rules.
    take_empty_text: Memo[bool] = field(default_factory=Memo)

    def copy(self) -> Self:
        return type(self)(
            root=self.root, **{name: getattr(self, name).copy() for name in _MEMO_NAMES}
        )

    def __len__(self) -> int:
        return sum(len(getattr(self, name)) for name in _MEMO_NAMES)


_MEMO_NAMES = [item.name for item in fields(SchemaCache) if item.name != "root"]


class _Entry:
    """Holds the fullest cache of one schema."""

    def __init__(self, root: JSONValue) -> None:
        self.cache = SchemaCache(root=root)
        self.count = 0


@lru_cache(maxsize=MAX_CACHED_SCHEMAS)
def _entry_of(text: str) -> _Entry:
    return _Entry(json.loads(text))


def cached_schema(schema: JSONValue) -> tuple[SchemaCache, Callable[[], None]]:
    """Return what is known of a schema, to work with, and how to give it back when it grew."""
    entry = _find_entry(schema)
    mine = entry.cache.copy()

    def give_back() -> None:
        if entry.count < (count := len(mine)) <= MAX_CACHED_FINDINGS:
            entry.cache, entry.count = mine.copy(), count

    return mine, give_back


def _find_entry(schema: JSONValue) -> _Entry:
    """Return the place of a schema, or one that is thrown away where it is too large to keep."""
    try:
        text = json.dumps(schema)
        if len(text) <= MAX_CACHED_SCHEMA:
            return _entry_of(text)
    except (TypeError, ValueError, RecursionError):
        pass
    return _Entry(schema)
