"""An answer without its secrets, to be kept and compared before a flow gets the whole of it."""

from collections.abc import Iterator, Sequence

from approvals.schemaforms.controls.texts import MASK
from approvals.schemaforms.limits import MAX_SCHEMA_STEPS
from approvals.schemaforms.schema.document import Schema, SchemaUnsupported
from approvals.schemaforms.schema.memo import Memo
from approvals.schemaforms.values import (
    MISSING,
    JSONValue,
    Keywords,
    MaybeJSON,
    as_dict,
    as_list,
)

_HOLD_TOO = ("allOf", "anyOf", "oneOf")
_MAY_HOLD_TOO = ("then", "else")
_MAX_STEPS = 20 * MAX_SCHEMA_STEPS


def has_secrets(schema: JSONValue) -> bool:
    """Whether any part of a schema describes a secret."""
    return Schema(schema, Memo()).has_secrets


def withhold_secrets(schema: JSONValue, answer: JSONValue) -> JSONValue:
    """Return an answer without the texts that any branch of its schema calls secret.

    A secret entry of an object is left out; elsewhere a mask is in its place. Raises
    `SchemaUnsupported` where the schema is too large to tell.
    """
    if not has_secrets(schema):
        return answer
    kept = _Withholding(schema).strip(answer, [schema])
    return MASK if kept is MISSING else kept


class _Withholding:
    """Walks an answer beside all parts of the schema that may describe it."""

    def __init__(self, root: JSONValue) -> None:
        self._schema = Schema(root, Memo())
        self._steps = 0

    def strip(self, value: JSONValue, about: Sequence[JSONValue]) -> MaybeJSON:
        parts = self._gather(about)
        if isinstance(value, dict):
            entries = {
                name: self.strip(item, [raw for part in parts for raw in _entries(part, name)])
                for name, item in value.items()
            }
            return {name: item for name, item in entries.items() if item is not MISSING}
        if isinstance(value, list):
            items = [
                self.strip(item, [raw for part in parts for raw in _items(part, index)])
                for index, item in enumerate(value)
            ]
            return [MASK if item is MISSING else item for item in items]
        # Null says that there is no secret, which is one, too
        is_secret = isinstance(value, str | None) and any(map(_calls_secret, parts))
        return MISSING if is_secret else value

    def _gather(self, about: Sequence[JSONValue]) -> list[Keywords]:
        """Return these parts of the schema with all that they refer to or choose from."""
        found: dict[int, Keywords] = {}
        todo = list(about)
        while todo:
            part = todo.pop()
            if not isinstance(part, dict) or id(part) in found:
                continue
            self._steps += 1
            if self._steps > _MAX_STEPS:
                raise SchemaUnsupported("Its description is too large.")
            found[id(part)] = part
            todo += self._others(part)
        return list(found.values())

    def _others(self, part: Keywords) -> Iterator[JSONValue]:
        for word in _HOLD_TOO:
            yield from as_list(part.get(word))
        yield from (part[word] for word in _MAY_HOLD_TOO if word in part)
        yield from as_dict(part.get("dependentSchemas")).values()
        if isinstance(part.get("$ref"), str):
            try:
                yield self._schema.look_up(str(part["$ref"]))
            except SchemaUnsupported:
                return  # what it does not say, nobody shows as a secret either


def _calls_secret(part: Keywords) -> bool:
    return part.get("writeOnly") is True or part.get("format") == "password"


def _entries(part: Keywords, name: str) -> Iterator[JSONValue]:
    properties = as_dict(part.get("properties"))
    if name in properties:
        yield properties[name]
    else:
        yield part.get("additionalProperties")
    yield from as_dict(part.get("patternProperties")).values()


def _items(part: Keywords, index: int) -> Iterator[JSONValue]:
    first = as_list(part.get("prefixItems")) or as_list(part.get("items"))
    yield first[index] if index < len(first) else part.get("items")
