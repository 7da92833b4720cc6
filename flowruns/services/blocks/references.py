"""Blocks within blocks: fields of a block that are other blocks."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from flowruns.domain.errors import BlockDocumentNotFound, InvalidReference, TooManyBlocks
from flowruns.models import BlockDocument, BlockReference

_MAX_LEVELS = 50
_MAX_BLOCKS = 1000

type Edges = dict[UUID, list[BlockReference]]


def split_references(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, UUID]]:
    """Part the data into values and references to blocks; raises `InvalidReference`."""
    values: dict[str, Any] = {}
    references: dict[str, UUID] = {}
    for name, value in data.items():
        if isinstance(value, dict) and "$ref" in value:
            references[name] = _read_reference(name, value["$ref"])
        else:
            values[name] = value
    return values, references


def keep_references(
    document: BlockDocument, references: Mapping[str, UUID], *, drop: Iterable[str] = ()
) -> None:
    """Have fields of the block refer to others, and those of `drop` no longer.

    Raises `BlockDocumentNotFound`, `TooManyBlocks`, and `InvalidReference` where blocks would lead
    to themselves. Call it in a transaction.
    """
    document.references.filter(name__in=[*drop, *references]).delete()
    if not references:
        return
    _lock({document.pk, *references.values(), *load_edges(references.values())})
    known = set(
        BlockDocument.objects.filter(pk__in=references.values()).values_list("pk", flat=True)
    )
    below = {edge.child_id for edges in load_edges(references.values()).values() for edge in edges}
    for name, child_id in references.items():
        if child_id not in known:
            raise BlockDocumentNotFound(f"The block that {name!r} refers to is not found")
    if document.pk in below | known:
        raise InvalidReference("A block cannot refer to itself, nor to one that leads back to it.")
    BlockReference.objects.bulk_create(
        BlockReference(parent=document, name=name, child_id=child_id)
        for name, child_id in references.items()
    )
    check_bounds(document, load_edges([document.pk]))


def load_edges(document_ids: Iterable[UUID]) -> Edges:
    """Return the references of these blocks and of all that they lead to, by the block."""
    edges: Edges = {}
    frontier = set(document_ids)
    while frontier:
        edges |= {document_id: [] for document_id in frontier}
        found = BlockReference.objects.filter(parent__in=frontier).order_by("child__name", "id")
        for edge in found.select_related("child__block_type", "child__block_schema"):
            edges[edge.parent_id].append(edge)
        frontier = {edge.child_id for id_ in frontier for edge in edges[id_]} - set(edges)
    return edges


def check_bounds(document: BlockDocument, edges: Edges) -> None:
    """Raise `TooManyBlocks` where a block with all that it leads to is too much to show."""
    sizes: dict[UUID, tuple[int, int]] = {}

    def measure(document_id: UUID, level: int) -> tuple[int, int]:
        """Return how many blocks and levels there are from here; a block may come again."""
        if document_id not in sizes and level <= _MAX_LEVELS:
            parts = [measure(edge.child_id, level + 1) for edge in edges[document_id]]
            blocks, levels = zip(*parts, strict=True) if parts else ((), ())
            sizes[document_id] = 1 + sum(blocks), 1 + max(levels, default=0)
        return sizes.get(document_id, (1, 1))

    blocks, levels = measure(document.pk, 0)
    if blocks > _MAX_BLOCKS or levels > _MAX_LEVELS:
        raise TooManyBlocks(
            f"The block {document.name!r} leads to more than {_MAX_BLOCKS} blocks, or"
            f" {_MAX_LEVELS} levels of them."
        )


def _lock(document_ids: set[UUID]) -> None:
    """Have two clients that would close a circle together wait for each other."""
    locked = BlockDocument.objects.filter(pk__in=document_ids).order_by("pk").select_for_update()
    list(locked.values_list("pk", flat=True))


def _read_reference(name: str, reference: Any) -> UUID:
    try:
        return UUID(reference["block_document_id"])
    except (TypeError, KeyError, ValueError, AttributeError):
        raise InvalidReference(
            f"The reference in data.{name} needs a block_document_id, which is a UUID."
        ) from None
