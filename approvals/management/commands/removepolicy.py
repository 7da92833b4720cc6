"""Remove a policy."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.services.policies import remove_policy


class Command(BaseCommand):
    help = "Remove a policy. What has opened under it keeps it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")

    def handle(self, *, name: str, **_: Any) -> None:
        if not remove_policy(name):
            raise CommandError(f"There is no policy named {name!r}.")
        self.stdout.write(f"Removed {name}.")
