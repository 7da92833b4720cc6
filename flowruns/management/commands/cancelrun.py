"""Cancel a run, or end one whose process is gone."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from flowruns.domain.actors import server
from flowruns.domain.errors import FlowRunNotFound
from flowruns.models import FlowRun
from flowruns.services.upkeep.by_hand import cancel_run, end_run


class Command(BaseCommand):
    help = "Cancel flow runs. --process-is-gone ends them at once, without their process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="+", type=UUID, metavar="ID", help="of flow runs")
        parser.add_argument("--process-is-gone", action="store_true", dest="is_gone")

    def handle(self, *, ids: list[UUID], is_gone: bool, **_: Any) -> None:
        act = end_run if is_gone else cancel_run
        for flow_run_id in ids:
            try:
                act(flow_run_id, actor=server("command"))
            except FlowRunNotFound:
                raise CommandError(f"There is no flow run {flow_run_id}.") from None
            run = FlowRun.objects.get(pk=flow_run_id)
            self.stdout.write(f"{run.name} is {run.state_name}.")
