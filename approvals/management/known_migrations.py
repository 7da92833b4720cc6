"""Refusing the database of a newer release, which this one cannot read."""

from collections.abc import Iterable

from django.core.management.base import CommandError
from django.db.migrations.loader import MigrationLoader


def refuse_unknown(applied: Iterable[tuple[str, str]]) -> None:
    """Raise `CommandError` where migrations were applied that this release does not have."""
    loader = MigrationLoader(None)
    replaced = {key for migration in loader.disk_migrations.values() for key in migration.replaces}
    unknown = sorted({*applied} - {*loader.disk_migrations} - replaced)
    if unknown:
        app, name = unknown[-1]
        raise CommandError(
            f"The backup is of a newer release: this one does not know its migration {app}.{name}."
        )
