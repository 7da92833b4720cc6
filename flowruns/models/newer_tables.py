"""Tables of a newer release, which has migrated while processes of this one still serve."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import IntegrityError, NotSupportedError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


def connect() -> None:
    connection_created.connect(_watch, dispatch_uid="newer tables")


def _watch(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if _refuse_for_now not in connection.execute_wrappers:
        connection.execute_wrappers.append(_refuse_for_now)


def _refuse_for_now(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Mapping[str, Any]
) -> Any:
    """Raise `OperationalError` where a column is left empty that may not be, or has another type.

    Whoever meets an `IntegrityError` takes it for a row that is there already. This one says that
    the release which knows the column has to do it, and clients try again by themselves. A
    connection that has planned for the former type would refuse the statement for ever: it ends,
    and the next one plans anew.
    """
    try:
        return execute(sql, params, many, context)
    except NotSupportedError as error:
        if not _has_former_plan(error):
            raise
        context["connection"].connection.close()
        raise OperationalError(f"A column has another type by now: {error}") from error
    except IntegrityError as error:
        if not _has_left_empty(error):
            raise
        reason = f"A column has no value; are the tables of a newer release? {error}"
        raise OperationalError(reason) from error


def _has_former_plan(error: NotSupportedError) -> bool:
    """Whether PostgreSQL says so; its message is in the language of the server."""
    told = getattr(error.__cause__, "diag", None)
    return getattr(told, "source_function", None) == "RevalidateCachedQuery"


def _has_left_empty(error: IntegrityError) -> bool:
    cause = error.__cause__
    name = getattr(cause, "sqlite_errorname", "") or getattr(cause, "sqlstate", "")
    return name in {"SQLITE_CONSTRAINT_NOTNULL", "23502"}
