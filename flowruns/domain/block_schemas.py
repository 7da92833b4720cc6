"""Schemas of blocks: their checksum by Prefect 3.9's rule, and the schemas nested in them."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flowruns.domain.errors import InvalidBlockSchema

UNVERSIONED = "non-versioned"  # the version of a schema whose client names none

type Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NestedSchema:
    """Which schema of which type a field of a block schema has."""

    type_slug: str
    checksum: str


def checksum_of(fields: Fields) -> str:
    """Return the checksum by which clients find a schema (as Prefect 3.9).

    It leaves out which fields are secret, and the definitions of other blocks and of what nobody
    refers to.
    """
    checked = _without_secret_fields(fields)
    if definitions := checked.get("definitions"):
        del checked["definitions"]
        kept = {
            name: definition
            for name, definition in _referred(fields, definitions)
            if definition.get("block_type_slug") is None
        }
        checked |= {"definitions": kept} if kept else {}
    text = json.dumps([[checked], {}], sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def list_nested(fields: Fields) -> Iterator[NestedSchema]:
    """List the schemas that the fields refer to; raises `InvalidBlockSchema`."""
    references = fields.get("block_schema_references", {})
    if not isinstance(references, dict):
        raise InvalidBlockSchema("fields.block_schema_references must be an object.")
    for name, reference in references.items():
        for each in reference if isinstance(reference, list) else [reference]:
            yield _read_nested(each, f"fields.block_schema_references.{name}")


def fields_of_nested(fields: Fields, nested: NestedSchema) -> Fields:
    """Return the fields of a nested schema, from the definitions that came with the outer one.

    Raises `InvalidBlockSchema` where they did not.
    """
    definitions = fields.get("definitions")
    definitions = definitions if isinstance(definitions, dict) else {}
    for definition in definitions.values():
        if isinstance(definition, dict) and definition.get("block_type_slug") == nested.type_slug:
            below = _reachable(definition, definitions)
            return definition | ({"definitions": below} if below else {})
    raise InvalidBlockSchema(f"fields.definitions lacks the block type {nested.type_slug!r}.")


def _read_nested(reference: Any, place: str) -> NestedSchema:
    if isinstance(reference, dict):
        slug, checksum = reference.get("block_type_slug"), reference.get("block_schema_checksum")
        if isinstance(slug, str) and isinstance(checksum, str):
            return NestedSchema(slug, checksum)
    raise InvalidBlockSchema(f"{place} must name a block_type_slug and a block_schema_checksum.")


def _without_secret_fields(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        name: _without_secret_fields(part)
        for name, part in value.items()
        if name != "secret_fields"
    }


def _reachable(fields: Fields, definitions: Fields) -> Fields:
    found: Fields = {}
    pending: list[Any] = [fields]
    while pending:
        new = dict(_referred(pending.pop(), definitions))
        pending += [definition for name, definition in new.items() if name not in found]
        found |= new
    return found


def _referred(value: Any, definitions: Any) -> Iterator[tuple[str, Fields]]:
    for reference in _references(value):
        name = reference.removeprefix("#/definitions/")
        definition = definitions.get(name) if isinstance(definitions, dict) else None
        if definition and isinstance(definition, dict):
            yield name, definition


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            yield reference
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)
