"""Knowing the database of a newer release, which this one may not be able to read."""

from collections.abc import Iterable

from django.core.management.base import CommandError
from django.db.migrations.loader import MigrationLoader


def refuse_unknown(applied: Iterable[tuple[str, str]]) -> None:
    """Raise `CommandError` where migrations were applied that this release does not have."""
    if unknown := find_unknown(applied):
        raise CommandError(
            f"The backup is of a newer release: this one does not know its migration {unknown}."
        )


def find_unknown(applied: Iterable[tuple[str, str]]) -> str:
    """Return the last of the migrations that only a newer release has, or "" where none is."""
    loader = MigrationLoader(None)
    replaced = {key for migration in loader.disk_migrations.values() for key in migration.replaces}
    unknown = sorted({*applied} - {*loader.disk_migrations} - replaced)
    return ".".join(unknown[-1]) if unknown else ""
