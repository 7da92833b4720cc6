"""Encrypt all blocks, and whatever else is kept secret, with a new key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from flowruns.domain.errors import EncryptionKeyChanged
from flowruns.services.blocks.documents import encrypt_anew
from flowruns.signals import encrypting_anew


class Command(BaseCommand):
    help = "Encrypt blocks and the secrets of messages anew with the first key of ENCRYPTION_KEY."

    def handle(self, **_: Any) -> None:
        try:
            count = encrypt_anew()
            encrypting_anew.send(Command)
        except EncryptionKeyChanged as error:
            raise CommandError(str(error)) from None
        except DatabaseError as error:
            reason = " ".join(str(error).split())
            raise CommandError(f"{reason}. Run `migrate` or `serve` first.") from None
        self.stdout.write(f"Encrypted {count} block{'' if count == 1 else 's'}.")
