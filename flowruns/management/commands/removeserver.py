"""Remove a Prefect server from this inbox."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from flowruns.domain.errors import ServerNotFound
from flowruns.services.servers import remove_server


class Command(BaseCommand):
    help = "Remove a Prefect server and its credentials. What was decided stays in the history."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")

    def handle(self, *, name: str, **_: Any) -> None:
        try:
            remove_server(name)
        except ServerNotFound as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Removed {name}. Its runs wait there as before.")
