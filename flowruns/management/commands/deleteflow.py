"""Delete a flow with its deployments and runs, while the server runs."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from flowruns.domain.actors import server
from flowruns.domain.errors import FlowNotFound
from flowruns.services.flows import read_flow_by_name
from flowruns.services.runs.flow_runs import delete_flow


class Command(BaseCommand):
    help = "Delete a flow with its deployments and runs, in batches. Decisions stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="of the flow")

    def handle(self, *, name: str, **_: Any) -> None:
        try:
            flow = read_flow_by_name(name)
        except FlowNotFound:
            raise CommandError(f"There is no flow {name!r}.") from None
        count = flow.runs.count()
        delete_flow(flow.pk, actor=server("command"))
        self.stdout.write(f"Deleted {name} and {count:,} runs.")
