"""List who may answer what."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from approvals.services.policies import describe_scope, find_problem, list_policies
from approvals.services.seats import list_obstructed

_SHOWN = 20


class Command(BaseCommand):
    help = "List the policies, what each is for, who answers the rest, and what nobody can answer."

    def handle(self, **_: Any) -> None:
        for policy in list_policies():
            self.stdout.write(f"{policy.name}: {policy.line} ({describe_scope(policy)})")
            if problem := find_problem(policy):
                self.stdout.write(f"  Nobody can meet it now: {problem}")
        self.stdout.write(f"DEFAULT_POLICY: {settings.DEFAULT_POLICY} (what no policy is for)")
        for approval in list_obstructed(_SHOWN):
            self.stdout.write(f"Nobody can answer {approval} now: {approval.obstacle}")
