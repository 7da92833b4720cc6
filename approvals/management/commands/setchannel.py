"""Say where a group is told: one channel in one line."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from approvals.messages.groups import KINDS, ChannelProblem, set_channel
from approvals.models import Channel


class Command(BaseCommand):
    help = "Make the channel of a group, or change it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what the channel is called in pages")
        parser.add_argument("kind", choices=[str(kind) for kind in KINDS])
        parser.add_argument("address", help="a channel's id, a workflow's or Apprise's URL, a list")
        parser.add_argument("--group", default="", help="who is told; else what anyone may answer")

    def handle(self, *, name: str, kind: str, address: str, group: str, **_: Any) -> None:
        try:
            channel = set_channel(
                name.strip(), kind=Channel.Kind(kind), address=address.strip(), group=group
            )
        except ChannelProblem as problem:
            raise CommandError(str(problem)) from None
        whose = channel.group.name if channel.group else "whoever may answer"
        self.stdout.write(f"{channel.name}: {channel.get_kind_display()}, for {whose}")
