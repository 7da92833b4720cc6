"""Prefect's filters of blocks as conditions of database queries."""

from typing import Any

from django.db.models import Exists, OuterRef, Q

from flowruns.models import BlockSchema, BlockType
from flowruns.services.criteria import combine
from flowruns.wire import block_documents, block_schemas, block_types, filters

type _Any = filters.AnyFilter | filters.AnyIdFilter


def type_criteria(criteria: block_schemas.BlockTypeCriteria) -> Q:
    """Select block types by themselves, and by their schemas."""
    by_schema = None
    if criteria.block_schemas is not None:
        schemas = BlockSchema.objects.filter(block_type=OuterRef("pk"))
        by_schema = Q(Exists(schemas.filter(schema_criteria(criteria.block_schemas))))
    return combine([_type(criteria.block_types), by_schema])


def schema_criteria(f: block_schemas.BlockSchemaFilter) -> Q:
    """Select block schemas."""
    capabilities = f.block_capabilities.all_ if f.block_capabilities else None
    return combine(
        [
            _any("block_type_id", f.block_type_id),
            combine(Q(capabilities__has_item=each) for each in capabilities)
            if capabilities
            else None,
            _any("id", f.id),
            _any("version", f.version),
        ],
        f.operator,
    )


def document_criteria(criteria: block_documents.BlockDocumentCriteria) -> Q:
    """Select blocks by themselves, their type and their schema."""
    by_type = by_schema = None
    if criteria.block_types is not None:
        types = BlockType.objects.filter(_type(criteria.block_types))
        by_type = Q(block_type__in=types)
    if criteria.block_schemas is not None:
        schemas = BlockSchema.objects.filter(schema_criteria(criteria.block_schemas))
        by_schema = Q(block_schema__in=schemas)
    return combine([_document(criteria.block_documents), by_type, by_schema])


def _document(f: block_documents.BlockDocumentFilter) -> Q:
    is_anonymous = f.is_anonymous.eq_ if f.is_anonymous else None
    return combine(
        [
            _any("id", f.id),
            None if is_anonymous is None else Q(is_anonymous=is_anonymous),
            _any("block_type_id", f.block_type_id),
            _name(f.name),
        ],
        f.operator,
    )


def _name(f: filters.NameFilter | None) -> Q | None:
    if f is None:
        return None
    return combine([_in("name", f.any_), Q(name__like=f"%{f.like_}%") if f.like_ else None])


def _type(f: block_types.BlockTypeFilter | None) -> Q:
    like = f.name.like_ if f and f.name else None
    slug = f.slug if f else None
    return combine([Q(name__icontains=like) if like else None, _any("slug", slug)])


def _any(column: str, f: _Any | None) -> Q | None:
    return None if f is None else _in(column, f.any_)


def _in(column: str, values: list[Any] | None) -> Q | None:
    return None if values is None else Q(**{f"{column}__in": values})
