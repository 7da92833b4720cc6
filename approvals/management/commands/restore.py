"""Put a backup in the place of the database, while nobody uses it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from approvals.management import postgresql_backups, sqlite_backups
from approvals.management.preparing import prepare_database
from approvals.management.private_files import one_at_a_time
from flowruns.pubsub.listening import connection_params


class Command(BaseCommand):
    help = "Put a backup in the place of the database. Stop `serve` and `work` first."
    requires_system_checks = []  # they connect, and nobody else may

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="what `backup` has written")

    def handle(self, *, file: Path, **_: Any) -> None:
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        if connection.vendor == "postgresql":
            former: object = postgresql_backups.put_back(file, connection_params())
            where = f"in the schema {former}; drop it when nothing is missing"
        else:
            with one_at_a_time(settings.APPROVALS_HOME):
                target = Path(connection.settings_dict["NAME"])
                former = sqlite_backups.put_back(file, target)
            where = f"in {former}; delete it when nothing is missing"
        prepare_database()
        self.stdout.write(f"The database is that of {file}, brought up to date.")
        if former:
            self.stdout.write(f"The former one is {where}.")
