"""Queries that are asked in each request: their SQL is written once.

Django writes the SQL of a queryset anew each time, and for a run with its flow and deployment
that takes longer than the database does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import FETCH_ONE, Model, QuerySet
from django.db.models.query import get_related_populators

_AMONG = "__in"


@dataclass(frozen=True, slots=True)
class _Statement:
    """What Django writes for one kind of database, and what makes objects of its rows."""

    sql: str
    constants: Sequence[Any]
    names: list[str]
    own: slice
    converters: Mapping[int, tuple[list[Any], Any]]
    populators: list[Any]


class PreparedQuery[M: Model]:
    """Finds rows of a queryset, with what it selects beside, by the values of fields.

    `by` names the model's own fields in the order of the values: each as `filter` takes it, such
    as `approval`, `until__gt` or `approval__in`. Of many rows, the first `most` are found.
    """

    def __init__(
        self, rows: QuerySet[M], *, by: str | Sequence[str], most: int | None = None
    ) -> None:
        self._rows, self._most = rows, most
        self._by = (by,) if isinstance(by, str) else tuple(by)
        meta: Any = rows.model._meta  # noqa: SLF001 -- public, in spite of its name
        names = [name.partition("__")[0] for name in self._by]
        self._fields = [meta.pk if name == "pk" else meta.get_field(name) for name in names]
        self._statements: dict[tuple[str, int], _Statement] = {}

    def find(self, *values: Any) -> M | None:
        """Return the first row, or None; all of them are read, so there should be one."""
        return next(iter(self.find_all(*values)), None)

    def find_all(self, *values: Any) -> list[M]:
        """Return the rows in the queryset's order; none for None, which is equal to nothing.

        What an `__in` is given is a sequence.
        """
        connection = connections[DEFAULT_DB_ALIAS]
        asked = [
            field.get_db_prep_value(value, connection)
            for name, field, given in zip(self._by, self._fields, values, strict=True)
            for value in (dict.fromkeys(given) if name.endswith(_AMONG) else (given,))
        ]
        if len(asked) < len(self._by) or None in asked:  # among nothing, or nobody's
            return []
        kind = (connection.vendor, len(asked))
        statement = self._statements.get(kind)
        if statement is None:
            statement = self._statements[kind] = self._write(values, len(asked), connection)
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, [*statement.constants, *asked])
            rows = cursor.fetchall()
        return [self._read(list(row), statement, connection) for row in rows]

    def _write(
        self, values: Sequence[Any], count: int, connection: BaseDatabaseWrapper
    ) -> _Statement:
        rows = self._rows
        for name, value in zip(self._by, values, strict=True):
            rows = rows.filter(**{name: value})
        query: Any = rows[: self._most].query
        compiler = query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        columns = [column for column, *_ in compiler.select]
        own = compiler.klass_info["select_fields"]
        return _Statement(
            sql=sql,
            constants=params[: len(params) - count],
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
