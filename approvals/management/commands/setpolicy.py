"""Say who may answer what: a policy in one line."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.services.policies import PolicyProblem, describe_scope, find_warnings, set_policy


class Command(BaseCommand):
    help = "Make a policy, or change it for the approvals that open from now on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what the policy is called in pages and records")
        parser.add_argument("line", help='such as "2 of @finance + 1 of @data, not the requester"')
        parser.add_argument("--flow", default="", help="the flow that it holds for; any without it")
        parser.add_argument("--deployment", default="", metavar="FLOW/DEPLOYMENT")
        parser.add_argument("--tag", default="", help="the tag of runs that it holds for")
        parser.add_argument(
            "--requester-from",
            default="",
            metavar="parameters.NAME",
            help="where a run names who asked for it; else it is the owner of the run's key",
        )

    def handle(self, *, name: str, **options: Any) -> None:
        names = ("line", "flow", "deployment", "tag", "requester_from")
        try:
            policy = set_policy(name.strip(), values={each: options[each] for each in names})
        except PolicyProblem as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{policy.name}: {policy.line} ({describe_scope(policy)})")
        for warning in find_warnings(policy):
            self.stdout.write(warning)
