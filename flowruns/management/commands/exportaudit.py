"""Write the audit log as CSV or as JSON lines."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand

from flowruns.services.audit import read_entries, write_csv_head, write_csv_line, write_json_line


def read_moment(text: str) -> datetime:
    """Read a day or a moment, in UTC where it names no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a day such as 2026-11-28") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Command(BaseCommand):
    help = "Write the audit log to standard output, oldest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=["csv", "jsonl"], default="csv", dest="form")
        parser.add_argument("--since", type=read_moment, metavar="2026-11-28")
        parser.add_argument("--until", type=read_moment, metavar="2026-12-31")

    def handle(
        self, *, form: str, since: datetime | None, until: datetime | None, **_: Any
    ) -> None:
        write = write_json_line if form == "jsonl" else write_csv_line
        if form == "csv":
            self.stdout.write(write_csv_head(), ending="")
        for entry in read_entries(since=since, until=until):
            self.stdout.write(write(entry), ending="")
