"""Statements that are sent in each request: their SQL is written once.

Django writes the SQL of a queryset anew each time, and that of a row that is stored; for a run
with its flow and deployment that takes longer than the database does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import (
    FETCH_ONE,
    AutoField,
    CharField,
    Model,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.constants import OnConflict
from django.db.models.deletion import Collector
from django.db.models.query import get_related_populators
from django.db.models.signals import post_save, pre_save
from django.db.models.sql.subqueries import DeleteQuery, UpdateQuery

_AMONG = "__in"
_TEXTS = (CharField, TextField)
_FEW = 10  # rows that are stored by one statement; more, by that of one row again and again


@dataclass(frozen=True, slots=True)
class _Statement:
    """What Django writes for one kind of database, and what makes objects of its rows."""

    sql: str
    constants: Sequence[Any]
    names: list[str]
    own: slice
    converters: Mapping[int, tuple[list[Any], Any]]
    populators: list[Any]


@dataclass(frozen=True, slots=True)
class _Change:
    """What Django writes to change or delete rows, and the fields that are set first."""

    sql: str
    fields: Sequence[Any]
    constants: Sequence[Any]


def _prepare_value(field: Any, value: Any, connection: BaseDatabaseWrapper) -> Any:
    """Return a value as the database stores it: None as NULL, and a text as it is."""
    if value is None or (type(value) is str and isinstance(field, _TEXTS)):
        return value
    return field.get_db_prep_save(value, connection)


class PreparedQuery[M: Model]:
    """Finds rows of a queryset, with what it selects beside, by the values of fields.

    `by` names the model's own fields in the order of the values: each as `filter` takes it, such
    as `approval`, `until__gt` or `approval__in`. Of many rows, the first `most` are found.
    None is equal to nothing, and finds nothing.
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
        self._changes: dict[tuple[str, int, tuple[str, ...] | None], _Change] = {}

    def find(self, *values: Any) -> M | None:
        """Return the first row, or None; all of them are read, so there should be one."""
        return next(iter(self.find_all(*values)), None)

    def find_all(self, *values: Any) -> list[M]:
        """Return the rows in the queryset's order. What an `__in` is given is a sequence."""
        connection = connections[DEFAULT_DB_ALIAS]
        asked = self._prepare(values, connection)
        if asked is None:
            return []
        kind = (connection.vendor, len(asked))
        statement = self._statements.get(kind)
        if statement is None:
            statement = self._statements[kind] = self._write(values, len(asked), connection)
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, [*statement.constants, *asked])
            rows = cursor.fetchall()
        return [self._read(list(row), statement, connection) for row in rows]

    def find_in_order(self, keys: Sequence[Any]) -> list[M]:
        """Return the rows of a query by `pk__in` in the order of the keys, but what is gone."""
        rows = {row.pk: row for row in self.find_all(keys)}
        return [rows[key] for key in keys if key in rows]

    def update(self, *values: Any, to: Mapping[str, Any]) -> int:
        """Set fields of all the rows, to values that are no expressions; return how many rows.

        As `update` of a queryset, it leaves other fields as they are and tells nobody.
        """
        return self._change(values, to)

    def delete(self, *values: Any) -> None:
        """Delete all the rows, with what goes with them, and tell who listens to that."""
        using = router.db_for_write(self._rows.model)
        if Collector(using=using).can_fast_delete(self._rows):
            self._change(values, None)
        else:
            self._narrow(values).delete()

    def _prepare(self, values: Sequence[Any], connection: BaseDatabaseWrapper) -> list[Any] | None:
        asked = [
            field.get_db_prep_value(value, connection)
            for name, field, given in zip(self._by, self._fields, values, strict=True)
            for value in (dict.fromkeys(given) if name.endswith(_AMONG) else (given,))
        ]
        finds_nothing = len(asked) < len(self._by) or None in asked  # among nothing, or nobody's
        return None if finds_nothing else asked

    def _change(self, values: Sequence[Any], to: Mapping[str, Any] | None) -> int:
        """Set fields of the rows, or delete them for None; return how many there are."""
        using = router.db_for_write(self._rows.model)
        connection = connections[using]
        asked = self._prepare(values, connection)
        if asked is None:
            return 0
        kind = (connection.vendor, len(asked), None if to is None else tuple(to))
        change = self._changes.get(kind)
        if change is None:
            change = self._changes[kind] = self._write_change(values, to, len(asked), connection)
        set_to = [
            _prepare_value(field, value, connection)
            for field, value in zip(change.fields, (to or {}).values(), strict=True)
        ]
        with transaction.mark_for_rollback_on_error(using), connection.cursor() as cursor:
            cursor.execute(change.sql, [*set_to, *change.constants, *asked])
            changed: int = cursor.rowcount
        return changed

    def _write_change(
        self,
        values: Sequence[Any],
        to: Mapping[str, Any] | None,
        count: int,
        connection: BaseDatabaseWrapper,
    ) -> _Change:
        query: Any = self._narrow(values).query
        meta: Any = self._rows.model._meta  # noqa: SLF001 -- public, in spite of its name
        fields = [meta.get_field(name) for name in to or ()]
        if to is None:
            query = query.chain(DeleteQuery)
        else:
            query = query.chain(UpdateQuery)
            # Something that is not None, for which Django would write NULL
            query.add_update_values(dict.fromkeys(to, Value(1)))
        sql, params = query.get_compiler(connection=connection).as_sql()
        return _Change(sql=sql, fields=fields, constants=params[len(fields) : len(params) - count])

    def _narrow(self, values: Sequence[Any]) -> QuerySet[M]:
        rows = self._rows
        for name, value in zip(self._by, values, strict=True):
            rows = rows.filter(**{name: value})
        return rows

    def _write(
        self, values: Sequence[Any], count: int, connection: BaseDatabaseWrapper
    ) -> _Statement:
        query: Any = self._narrow(values)[: self._most].query
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
            if row[place] is None:  # which no field of ours reads as anything else
                continue
            for convert in converters:
                row[place] = convert(row[place], column, connection)
        found = self._rows.model.from_db(DEFAULT_DB_ALIAS, statement.names, row[statement.own])
        for populator in statement.populators:
            populator.populate(row, found)
        return found


class PreparedInsert[M: Model]:
    """Stores new rows of a model by their values, none of which is an expression.

    What the rows refer to is stored before them. With `unique`, what is stored under the same
    values of these fields takes over those that `update` names; with `ignore_conflicts` it stays.
    """

    def __init__(
        self,
        model: type[M],
        *,
        ignore_conflicts: bool = False,
        unique: Sequence[str] = (),
        update: Sequence[str] = (),
    ) -> None:
        meta: Any = model._meta  # noqa: SLF001 -- public, in spite of its name
        self._model = model
        self._unique, self._update = unique, update
        self._on_conflict = OnConflict.IGNORE if ignore_conflicts else None
        if unique:
            self._on_conflict = OnConflict.UPDATE
        is_numbered = isinstance(meta.pk, AutoField) and not ignore_conflicts
        self._returned = [meta.pk] if is_numbered else []
        self._fields = [
            field
            for field in meta.concrete_fields
            if not field.generated and not isinstance(field, AutoField)
        ]
        self._statements: dict[tuple[str, int], str] = {}

    def insert(self, row: M) -> M:
        """Store a row, as `row.save(force_insert=True)` does, and tell who listens to that."""
        using = router.db_for_write(self._model, instance=row)
        saved = {"instance": row, "raw": False, "using": using, "update_fields": None}
        pre_save.send(self._model, **saved)
        self._execute([row], using)
        post_save.send(self._model, created=True, **saved)
        return row

    def insert_all(self, rows: Iterable[M]) -> None:
        """Store rows, as `bulk_create` does, which tells nobody."""
        rows = list(rows)
        if len(rows) > _FEW and not self._returned:
            self._execute_many(rows, router.db_for_write(self._model))
        elif len(rows) > _FEW:
            self._model._default_manager.bulk_create(  # noqa: SLF001 -- public, in spite of its name
                rows,
                ignore_conflicts=self._on_conflict is OnConflict.IGNORE,
                update_conflicts=self._on_conflict is OnConflict.UPDATE,
                unique_fields=self._unique or None,
                update_fields=self._update or None,
            )
        elif rows:
            self._execute(rows, router.db_for_write(self._model))

    def _execute(self, rows: Sequence[M], using: str) -> None:
        connection = connections[using]
        statement = self._prepare(len(rows), connection)
        values = [value for row in rows for value in self._values_of(row, connection)]
        with transaction.mark_for_rollback_on_error(using), connection.cursor() as cursor:
            cursor.execute(statement, values)
            if self._returned:
                for row, (number,) in zip(rows, cursor.fetchall(), strict=True):
                    row.pk = number
        self._note_stored(rows, using)

    def _execute_many(self, rows: Sequence[M], using: str) -> None:
        connection = connections[using]
        values = [self._values_of(row, connection) for row in rows]
        with transaction.atomic(using, savepoint=False), connection.cursor() as cursor:
            cursor.executemany(self._prepare(1, connection), values)
        self._note_stored(rows, using)

    def _values_of(self, row: M, connection: BaseDatabaseWrapper) -> list[Any]:
        return [
            _prepare_value(field, field.pre_save(row, add=True), connection)
            for field in self._fields
        ]

    def _note_stored(self, rows: Sequence[M], using: str) -> None:
        for row in rows:
            row._state.adding, row._state.db = False, using  # noqa: SLF001 -- documented

    def _prepare(self, count: int, connection: BaseDatabaseWrapper) -> str:
        kind = (connection.vendor, count)
        statement = self._statements.get(kind)
        if statement is None:
            statement = self._statements[kind] = self._write(count, connection)
        return statement

    def _write(self, count: int, connection: BaseDatabaseWrapper) -> str:
        ops: Any = connection.ops
        meta: Any = self._model._meta  # noqa: SLF001 -- public, in spite of its name
        columns = ", ".join(ops.quote_name(field.column) for field in self._fields)
        row = f"({', '.join(['%s'] * len(self._fields))})"
        unique, update = (
            [meta.get_field(name).column for name in names]
            for names in (self._unique, self._update)
        )
        conflict = ops.on_conflict_suffix_sql(self._fields, self._on_conflict, update, unique)
        returning, _ = ops.returning_columns(self._returned)
        return (
            f"{ops.insert_statement(self._on_conflict)} {ops.quote_name(meta.db_table)} ({columns})"
            f" VALUES {', '.join([row] * count)} {conflict} {returning}"
        )


class PreparedSave[M: Model]:
    """Stores certain fields of rows that are stored already."""

    def __init__(self, model: type[M], names: Sequence[str]) -> None:
        meta: Any = model._meta  # noqa: SLF001 -- public, in spite of its name
        self._model, self._names = model, frozenset(names)
        self._fields = [meta.get_field(name) for name in names]
        self._rows = PreparedQuery(model._base_manager.all(), by="pk")  # noqa: SLF001 -- documented

    def save(self, row: M) -> None:
        """Do what `row.save(update_fields=names)` does, and tell who listens to that."""
        using = router.db_for_write(self._model, instance=row)
        saved = {"instance": row, "raw": False, "using": using, "update_fields": self._names}
        pre_save.send(self._model, **saved)
        to = {field.attname: field.pre_save(row, add=False) for field in self._fields}
        if not self._rows.update(row.pk, to=to):
            raise self._model.NotUpdated  # type: ignore[attr-defined]  # newer than the stubs
        post_save.send(self._model, created=False, **saved)
