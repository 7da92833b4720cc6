"""Say what is wrong with this installation."""

from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.management.doctor.database import check_database
from approvals.management.doctor.findings import Level
from approvals.management.doctor.machine import (
    check_disk,
    check_keys,
    check_mail,
    check_permissions,
)
from approvals.management.doctor.outside import check_address, check_settings

_CHECKS = (
    *(check_settings, check_permissions, check_disk, check_keys),
    *(check_database, check_mail, check_address),
)


class Command(BaseCommand):
    help = "Say in sentences what is wrong with this installation; it changes nothing."
    requires_system_checks = []  # they are among what is told

    def handle(self, **_: Any) -> None:
        count = 0
        for finding in chain.from_iterable(check() for check in _CHECKS):
            self.stdout.write(str(finding))
            count += finding.level is Level.WRONG
        if count:
            raise CommandError(f"{count} thing{'' if count == 1 else 's'} must be mended.")
