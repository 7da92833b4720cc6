"""Encrypt all blocks, and whatever else is kept secret, with a new key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from flowruns.domain.errors import EncryptionKeyChanged
from flowruns.services.blocks.documents import encrypt_anew
from flowruns.services.servers import encrypt_credentials_anew
from flowruns.signals import encrypting_anew


class Command(BaseCommand):
    help = (
        "Encrypt every block, the credentials of every server and the secrets of messages anew"
        " with the first key of ENCRYPTION_KEY."
    )

    def handle(self, **_: Any) -> None:
        try:
            with transaction.atomic():
                blocks, servers = encrypt_anew(), encrypt_credentials_anew()
                encrypting_anew.send(Command)
        except EncryptionKeyChanged as error:
            raise CommandError(str(error)) from None
        told = f" and the credentials of {_count(servers, 'server')}" if servers else ""
        self.stdout.write(f"Encrypted {_count(blocks, 'block')}{told}.")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
