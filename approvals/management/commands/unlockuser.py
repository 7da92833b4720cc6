"""Let somebody log in again who has typed too many wrong passwords."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.web.lockout import unlock
from flowruns.domain.actors import server


class Command(BaseCommand):
    help = "End the lock-out of somebody who has typed too many wrong passwords."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what they log in with")

    def handle(self, *, name: str, **_: Any) -> None:
        if not unlock(name, actor=server("command")):
            raise CommandError(f"{name} is not locked out. Was another name typed?")
        self.stdout.write(f"{name} can log in again.")
