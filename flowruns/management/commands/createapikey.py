"""Make an API key for flows or scripts."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from flowruns.domain.errors import ApiKeyExists
from flowruns.models import ApiKey
from flowruns.services.api_keys import create_api_key


class Command(BaseCommand):
    help = "Make an API key and print it, this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="whose key it is; it signs what is done with it")
        parser.add_argument(
            "--scope",
            action="append",
            dest="scopes",
            choices=ApiKey.Scope.values,
            help="what it may do; repeat for several. Both without this option",
        )

    def handle(self, *, name: str, scopes: list[str] | None, **_: Any) -> None:
        name = name.strip()
        if not name.isprintable() or not 0 < len(name) <= 200:
            raise CommandError("The name must have 1 to 200 printable characters.")
        try:
            key = create_api_key(name, scopes=scopes or ApiKey.Scope.values)
        except ApiKeyExists as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            reason = " ".join(str(error).split())
            raise CommandError(f"{reason}. Run `migrate` or `serve` first.") from None
        self.stdout.write(key)
