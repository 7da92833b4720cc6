"""Variables: named JSON values that flows share, found by id or by name."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from flowruns.domain.errors import VariableConflict, VariableNotFound
from flowruns.models import Variable
from flowruns.services.criteria import combine
from flowruns.services.lookups import one
from flowruns.wire import variables as wire
from flowruns.wire.filters import FlowTagsFilter

_ORDER = {
    wire.VariableSort.CREATED_DESC: ("-created", "-id"),
    wire.VariableSort.UPDATED_DESC: ("-updated", "-id"),
    wire.VariableSort.NAME_DESC: ("-name",),
    wire.VariableSort.NAME_ASC: ("name",),
}


def create_variable(variable: wire.VariableCreate) -> Variable:
    """Store a variable; raises `VariableConflict` for a name that is taken."""
    try:
        with transaction.atomic():
            return Variable.objects.create(
                name=variable.name, value=_dump(variable.value), tags=variable.tags
            )
    except IntegrityError:
        raise _taken(variable.name) from None


def read_variable(id_or_name: UUID | str) -> Variable:
    """Return the variable; raises `VariableNotFound`."""
    return one(_find(id_or_name), VariableNotFound)


def read_variable_value(name: str) -> Any:
    """Return what a variable stands for; raises `VariableNotFound`."""
    return json.loads(read_variable(name).value)


def read_variables(query: wire.VariableQuery) -> list[Variable]:
    found = _matching(query).order_by(*_ORDER[query.sort])
    return list(found[query.offset : query.offset + query.limit])


def count_variables(criteria: wire.VariableCriteria) -> int:
    return _matching(criteria).count()


def update_variable(id_or_name: UUID | str, changes: wire.VariableUpdate) -> None:
    """Change the fields that the client sent.

    Raises `VariableNotFound`, and `VariableConflict` for a name that is taken and for a null where
    a variable must have something (as Prefect 3.9).
    """
    fields = changes.model_dump(exclude_unset=True)
    if "value" in fields:
        fields["value"] = _dump(fields["value"])
    found = _find(id_or_name)
    try:
        with transaction.atomic():
            if not found.exists():
                raise VariableNotFound
            if None in fields.values():
                raise VariableConflict("A variable has a name and tags; leave out what is to stay.")
            found.update(updated=datetime.now(UTC), **fields)
    except IntegrityError:
        raise _taken(changes.name or "") from None


def delete_variable(id_or_name: UUID | str) -> None:
    """Delete it; raises `VariableNotFound`."""
    deleted, _ = _find(id_or_name).delete()
    if not deleted:
        raise VariableNotFound


def present_variable(variable: Variable) -> wire.Variable:
    return wire.Variable(
        id=variable.pk,
        created=variable.created,
        updated=variable.updated,
        name=variable.name,
        value=json.loads(variable.value),
        tags=variable.tags,
    )


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _taken(name: str) -> VariableConflict:
    return VariableConflict(f"A variable with the name {name!r} already exists.")


def _find(id_or_name: UUID | str) -> QuerySet[Variable]:
    if isinstance(id_or_name, UUID):
        return Variable.objects.filter(pk=id_or_name)
    return Variable.objects.filter(name=id_or_name)


def _matching(criteria: wire.VariableCriteria) -> QuerySet[Variable]:
    f = criteria.variables
    if f is None:
        return Variable.objects.all()
    ids = None if f.id is None or f.id.any_ is None else Q(id__in=f.id.any_)
    return Variable.objects.filter(combine([ids, _name(f.name), _tags(f.tags)], f.operator))


def _name(f: wire.VariableNameFilter | None) -> Q | None:
    if f is None:
        return None
    some = None if f.any_ is None else Q(name__in=f.any_)
    like = Q(name__like=f"%{f.like_}%") if f.like_ else None
    return combine([some, like])


def _tags(f: FlowTagsFilter | None) -> Q | None:
    if f is None:
        return None
    has_all = combine(Q(tags__has_item=tag) for tag in f.all_) if f.all_ else None
    empty = None if f.is_null_ is None else (Q(tags=[]) if f.is_null_ else ~Q(tags=[]))
    return combine([has_all, empty], f.operator)
