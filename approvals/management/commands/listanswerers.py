"""List what waits, and who could answer it now."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from approvals.models import Approval
from approvals.services.seats import list_answerers


class Command(BaseCommand):
    help = "List what waits, the oldest first, with who could answer it as groups are now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", default="", help="what that person could answer, alone")
        parser.add_argument("--flow", default="", help="of that flow alone")

    def handle(self, *, user: str, flow: str, **_: Any) -> None:
        if user and not User.objects.filter(username=user, is_active=True).exists():
            raise CommandError(f"There is no active user named {user!r}.")
        waiting = Approval.objects.filter(outcome=Approval.Outcome.WAITING).order_by("opened_at")
        for approval in waiting.filter(flow_name=flow) if flow else waiting:
            names = list_answerers(approval) if approval.is_guarded else []
            if user and approval.is_guarded and user not in names:
                continue
            who = ", ".join(names) or ("nobody" if approval.is_guarded else "anyone")
            obstacle = f" ({approval.obstacle})" if approval.obstacle else ""
            since = f"{approval.opened_at:%Y-%m-%d %H:%M}"
            self.stdout.write(f"{since} {approval}: {who}{obstacle}")
