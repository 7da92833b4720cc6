"""Copy the database to a file, while the server runs."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from approvals.management.postgresql_backups import dump_database
from approvals.management.sqlite_backups import copy_database
from flowruns.pubsub.listening import connection_params


class Command(BaseCommand):
    help = "Copy the database as it is now to a new file, while the server runs."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a new file, for its owner only")

    def handle(self, *, file: Path, **_: Any) -> None:
        if file.exists():
            raise CommandError(f"{file} is there already. Name a new file.")
        if connection.vendor == "postgresql":
            dump_database(connection_params(), file)
        else:
            copy_database(Path(connection.settings_dict["NAME"]), file)
        self.stdout.write(f"The database is in {file} ({file.stat().st_size:,} bytes).")
        self.stdout.write(
            "Store with it, in another place, what decrypts it:"
            f" {settings.APPROVALS_HOME / 'secret-key'} or SECRET_KEY, and ENCRYPTION_KEY."
        )
