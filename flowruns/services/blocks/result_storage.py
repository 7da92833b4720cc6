"""The block in which flows keep their results unless they say so."""

from uuid import UUID

from django.db import transaction

from flowruns.domain.errors import BlockDocumentNotFound, CannotStoreResults
from flowruns.models import DefaultStorage
from flowruns.services.blocks.documents import read_block_document

_CAN_STORE = "write-path"


def read_default_result_storage() -> UUID | None:
    """Return the id of the block, or None where flows keep results in their own place."""
    return DefaultStorage.objects.values_list("block_id", flat=True).first()


def set_default_result_storage(block_id: UUID) -> None:
    """Name the block for all flows; it stays until it is cleared or the block is deleted.

    Raises `BlockDocumentNotFound`, and `CannotStoreResults` for a block without that capability.
    """
    with transaction.atomic():
        try:
            block = read_block_document(block_id)
        except BlockDocumentNotFound:
            raise BlockDocumentNotFound(f"Block document {block_id} not found.") from None
        if _CAN_STORE not in block.block_schema.capabilities:
            raise CannotStoreResults(
                f"Block document {block_id} cannot be used for result storage."
            )
        DefaultStorage.objects.update_or_create(id=1, defaults={"block": block})


def clear_default_result_storage() -> None:
    """Have flows keep results in their own place again."""
    DefaultStorage.objects.all().delete()
