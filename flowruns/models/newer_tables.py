"""Tables of a newer release, which has migrated while processes of this one still serve."""

from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


def connect() -> None:
    connection_created.connect(_watch, dispatch_uid="newer tables")


def _watch(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _refuse_for_now not in connection.execute_wrappers:
        connection.execute_wrappers.append(_refuse_for_now)


def _refuse_for_now(execute: Callable[..., Any], *statement: Any) -> Any:
    """Raise `OperationalError` where a column is left empty that may not be.

    Whoever meets an `IntegrityError` takes it for a row that is there already. This one says that
    the release which knows the column has to do it, and clients try again by themselves.
    """
    try:
        return execute(*statement)
    except IntegrityError as error:
        if not _has_left_empty(error):
            raise
        reason = f"A column has no value; are the tables of a newer release? {error}"
        raise OperationalError(reason) from error


def _has_left_empty(error: IntegrityError) -> bool:
    cause = error.__cause__
    name = getattr(cause, "sqlite_errorname", "") or getattr(cause, "sqlstate", "")
    return name in {"SQLITE_CONSTRAINT_NOTNULL", "23502"}
