"""Delete what ended long ago, while the server runs."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand

from flowruns.domain.actors import server
from flowruns.services.upkeep.retention import Pruned, count_prunable, prune
from flowruns.signals import Act, acted

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_LONGEST = timedelta(days=36_500)


def read_age(text: str) -> timedelta:
    """Read an age such as 90d, 12h or 2w."""
    found = re.fullmatch(r"(\d{1,6})([hdw])", text.strip())
    age = int(found[1]) * _UNITS[found[2]] if found else timedelta(0)
    if not timedelta(0) < age <= _LONGEST:
        raise ArgumentTypeError(f"{text!r} is not an age such as 90d, 12h or 2w")
    return age


class Command(BaseCommand):
    help = "Delete runs that ended long ago, with states, logs, task runs and artifacts."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--older-than", type=read_age, required=True, metavar="90d")
        parser.add_argument("--dry-run", action="store_true", help="count, and delete nothing")

    def handle(self, *, older_than: timedelta, dry_run: bool, **_: Any) -> None:
        before = datetime.now(UTC) - older_than
        when = f"that ended before {before:%Y-%m-%d %H:%M} UTC. Decisions stay."
        if dry_run:
            found = _describe(count_prunable(before=before))
            self.stdout.write(f"Would delete {found} {when}")
            return
        total = prune(before=before)
        act = Act(action="pruned", actor=str(server("prune")), subject=_describe(total))
        acted.send(sender=Command, act=act)
        self.stdout.write(f"Deleted {_describe(total)} {when}")


def _describe(found: Pruned) -> str:
    return (
        f"{found.runs:,} runs, {found.task_runs:,} task runs, {found.logs:,} log lines"
        f" and {found.artifacts:,} artifacts"
    )
