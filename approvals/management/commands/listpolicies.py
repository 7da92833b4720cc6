"""List who may answer what."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from approvals.services.policies import describe_scope, list_policies


class Command(BaseCommand):
    help = "List the policies, what each is for, and who answers the rest."

    def handle(self, **_: Any) -> None:
        for policy in list_policies():
            self.stdout.write(f"{policy.name}: {policy.line} ({describe_scope(policy)})")
        self.stdout.write(f"DEFAULT_POLICY: {settings.DEFAULT_POLICY} (what no policy is for)")
