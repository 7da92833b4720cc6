"""Queries for one row that are asked in each request: their SQL is written once.

Django writes the SQL of a queryset anew each time, and for a run with its flow and deployment
that takes longer than the database does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import FETCH_ONE, Model, QuerySet
from django.db.models.query import get_related_populators


@dataclass(frozen=True, slots=True)
class _Statement:
    """What Django writes for one kind of database, and what makes objects of its rows."""

    sql: str
    field: Any
    names: list[str]
    own: slice
    converters: Mapping[int, tuple[list[Any], Any]]
    populators: list[Any]


class PreparedQuery[M: Model]:
    """Finds the row of a queryset, with what it selects beside, by the value of a unique field.

    The queryset itself has no parameters.
    """

    def __init__(self, rows: QuerySet[M], *, by: str) -> None:
        self._rows, self._by = rows, by
        self._statements: dict[str, _Statement] = {}

    def find(self, value: Any) -> M | None:
        """Return the row, or None."""
        connection = connections[DEFAULT_DB_ALIAS]
        statement = self._statements.get(connection.vendor)
        if statement is None:
            statement = self._statements[connection.vendor] = self._write(value, connection)
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, [statement.field.get_db_prep_value(value, connection)])
            row = cursor.fetchone()
        return None if row is None else self._read(list(row), statement, connection)

    def _write(self, value: Any, connection: BaseDatabaseWrapper) -> _Statement:
        query: Any = self._rows.filter(**{self._by: value}).query
        compiler = query.get_compiler(connection=connection)
        sql, [_] = compiler.as_sql()
        columns = [column for column, *_ in compiler.select]
        own = compiler.klass_info["select_fields"]
        meta: Any = self._rows.model._meta  # noqa: SLF001 -- public, in spite of its name
        return _Statement(
            sql=sql,
            field=meta.pk if self._by == "pk" else meta.get_field(self._by),
            names=[columns[place].target.attname for place in own],
            own=slice(own[0], own[-1] + 1),
            converters=compiler.get_converters(columns),
            populators=get_related_populators(
                compiler.klass_info, compiler.select, DEFAULT_DB_ALIAS, FETCH_ONE
            ),
        )

    def _read(self, row: list[Any], statement: _Statement, connection: BaseDatabaseWrapper) -> M:
        for place, (converters, column) in statement.converters.items():
            for convert in converters:
                row[place] = convert(row[place], column, connection)
        found = self._rows.model.from_db(DEFAULT_DB_ALIAS, statement.names, row[statement.own])
        for populator in statement.populators:
            populator.populate(row, found)
        return found
