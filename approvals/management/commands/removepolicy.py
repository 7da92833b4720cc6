"""Remove a policy."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.services.policies import list_policies, remove_policy


class Command(BaseCommand):
    help = "Remove a policy. What has opened under it keeps it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")

    def handle(self, *, name: str, **_: Any) -> None:
        if not remove_policy(name):
            known = ", ".join(policy.name for policy in list_policies())
            there = f"There are: {known}." if known else "There are none."
            raise CommandError(f"There is no policy named {name!r}. {there}")
        self.stdout.write(f"Removed {name}.")
