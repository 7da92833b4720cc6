"""A PostgreSQL database copied by pg_dump, and put back by pg_restore."""

import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from django.core.management.base import CommandError
from psycopg import sql
from psycopg.conninfo import make_conninfo

from approvals.management.known_migrations import refuse_unknown

_SCHEMA = sql.Identifier("public")


def dump_database(params: dict[str, Any], target: Path) -> None:
    """Write a database as it is at one moment to a file, whole or not at all."""
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.touch(mode=0o600)
        _run("pg_dump", params, "--format=custom", "--schema=public", f"--file={draft}")
        draft.replace(target)
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error.strerror}.") from None
    finally:
        draft.unlink(missing_ok=True)


def put_back(source: Path, params: dict[str, Any]) -> str:
    """Put a dump in the place of all tables, and return the schema that has the former ones."""
    former = f"before_{datetime.now(UTC):%Y%m%dt%H%M%S}"
    with psycopg.connect(**params, autocommit=True) as connection:
        _refuse_use(connection)
        _rename_schema(connection, "public", former)
        try:
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(_SCHEMA))
            options = ("--single-transaction", "--exit-on-error", "--schema=public")
            _run("pg_restore", params, *options, str(source))
            refuse_unknown(_read_migrations(connection, source))
        except BaseException:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(_SCHEMA))
            _rename_schema(connection, former, "public")
            raise
    return former


def _run(program: str, params: dict[str, Any], *options: str) -> None:
    """Run one of PostgreSQL's programs; the password is in its environment, not in its name."""
    if shutil.which(program) is None:
        raise CommandError(
            f"{program} is not installed here. Install PostgreSQL's client programs of the"
            f" server's version (Debian: postgresql-client), or run {program} on another machine."
        )
    where = {name: value for name, value in params.items() if name != "password"}
    arguments = [f"--dbname={make_conninfo(**where)}", "--no-owner", "--no-privileges", *options]
    environment = os.environ | {"PGPASSWORD": str(params.get("password", ""))}
    done = subprocess.run(  # noqa: S603 -- PostgreSQL's own program
        [program, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"it ended with {done.returncode}"
        raise CommandError(f"{program} failed: {said}")


def _refuse_use(connection: psycopg.Connection) -> None:
    others = connection.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    ).fetchone()
    if others and others[0]:
        raise CommandError(
            f"The database is in use by {others[0]} connections. Stop every `serve` and `work`,"
            " and try again."
        )


def _rename_schema(connection: psycopg.Connection, name: str, to: str) -> None:
    statement = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
    connection.execute(statement.format(sql.Identifier(name), sql.Identifier(to)))


def _read_migrations(connection: psycopg.Connection, source: Path) -> list[tuple[str, str]]:
    try:
        return connection.execute("SELECT app, name FROM public.django_migrations").fetchall()
    except psycopg.errors.UndefinedTable:
        raise CommandError(f"{source} is not a backup of Approvals.") from None
