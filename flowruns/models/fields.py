"""What tables share: choices from the domain's enums, and looking into JSON arrays."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.lookups import Lookup
from django.db.models.sql.compiler import SQLCompiler

from flowruns.domain.actors import ActorKind
from flowruns.domain.states import StateType


def choices_of(kind: type[StateType] | type[ActorKind]) -> list[tuple[str, str]]:
    return [(member.value, member.value.capitalize()) for member in kind]


@models.JSONField.register_lookup
class HasItem(Lookup):
    """`tags__has_item="x"`: the JSON array holds that string, on both databases."""

    lookup_name = "has_item"
    prepare_rhs = False

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} @> jsonb_build_array(%s::text)", [*params, self.rhs]

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        sql = f"EXISTS (SELECT 1 FROM json_each({lhs}) WHERE value = %s)"  # noqa: S608 -- a column
        return sql, [*params, self.rhs]


@models.TextField.register_lookup
class Like(Lookup):
    """`name__like="a%"`: SQL's pattern whatever the case, of letters from A to Z on SQLite."""

    lookup_name = "like"

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} ILIKE %s ESCAPE ''", [*params, self.rhs]

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, list[Any]]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"{lhs} LIKE %s", [*params, self.rhs]


@models.TextField.register_lookup
class BeginsWith(Lookup):
    """`event__begins_with="prefect."`: exactly, unlike LIKE, which SQLite takes loosely."""

    lookup_name = "begins_with"

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        lhs, params = self.process_lhs(compiler, connection)
        return f"substr({lhs}, 1, %s) = %s", (*params, len(self.rhs), self.rhs)
