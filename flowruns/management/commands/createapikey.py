"""Make an API key for flows or scripts."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

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
            help="what it may do; repeat for several. Without this option it runs flows alone",
        )
        parser.add_argument(
            "--owner", default="", metavar="USER", help="who answers for what is done with the key"
        )

    def handle(self, *, name: str, scopes: list[str] | None, owner: str, **_: Any) -> None:
        name = name.strip()
        if not name.isprintable() or not 0 < len(name) <= 200:
            raise CommandError("The name must have 1 to 200 printable characters.")
        try:
            user = _find_owner(owner)
            key = create_api_key(name, scopes=scopes or [ApiKey.Scope.FLOWS], owner=user)
        except ApiKeyExists as error:
            raise CommandError(str(error)) from None
        if not scopes:
            self.stderr.write(
                "This key may run flows, not answer for people: that takes --scope resume."
            )
        self.stdout.write(key)


def _find_owner(username: str) -> User | None:
    if not username:
        return None
    owner = User.objects.filter(username=username).first()
    if owner is None:
        raise CommandError(f"There is no user named {username!r}.")
    return owner
