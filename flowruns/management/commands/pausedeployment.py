"""Have a deployment, or one of its schedules, make no more runs, or make them again."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from flowruns.domain.actors import server
from flowruns.domain.errors import DeploymentNotFound
from flowruns.models import Deployment, DeploymentSchedule
from flowruns.services.deployments.deployments import read_deployment_by_name
from flowruns.services.upkeep import by_hand

_ACTOR = server("command")


class Command(BaseCommand):
    help = "Have a deployment make no more runs by its schedules; --resume has it make them again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="FLOW/DEPLOYMENT")
        parser.add_argument("--schedule", metavar="SLUG", help="that schedule alone")
        parser.add_argument("--resume", action="store_true")

    def handle(self, *, name: str, schedule: str | None, resume: bool, **_: Any) -> None:
        flow_name, _slash, deployment_name = name.partition("/")
        try:
            deployment = read_deployment_by_name(flow_name, deployment_name)
        except DeploymentNotFound:
            raise CommandError(f"There is no deployment {name!r}.") from None
        if schedule is not None:
            found = _find_schedule(deployment, schedule)
            by_hand.switch_schedule(found, active=resume, actor=_ACTOR)
        elif resume:
            by_hand.resume_deployment(deployment, actor=_ACTOR)
        else:
            by_hand.pause_deployment(deployment, actor=_ACTOR)
        what = f"The schedule {schedule} of {name}" if schedule else name
        self.stdout.write(f"{what} {'makes runs again' if resume else 'makes no more runs'}.")


def _find_schedule(deployment: Deployment, slug: str) -> DeploymentSchedule:
    schedules = {each.slug or str(each.pk): each for each in deployment.schedules.all()}
    if slug not in schedules:
        there = ", ".join(sorted(schedules)) or "none"
        raise CommandError(f"There is no schedule {slug!r}; there are: {there}.")
    return schedules[slug]
