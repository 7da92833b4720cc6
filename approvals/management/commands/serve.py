"""The whole product in one process: migrations, web server and background loops."""

import ipaddress
import socket
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand

from approvals.management.local_key import keep_local_key
from approvals.management.preparing import prepare_database
from approvals.management.web_server import WebServer, bind, end_on_signals
from flowruns.background import running_loops

_COMMAND = f"{sys.executable} {sys.argv[0]}"
_MESSAGE = """
Approvals is running at {url}/
{people}

For your flows:
  export FLOWRUNS_API_URL={url}/api
  export FLOWRUNS_API_KEY={key}
For flows that use Prefect's own client:
  export PREFECT_API_URL={url}/api
  export PREFECT_API_KEY={key}

Stop with Ctrl-C.
"""


class Command(BaseCommand):
    help = "Bring the database up to date and serve the pages and the API."
    requires_system_checks = []  # they connect, and `prepare_database` says it better

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
        parser.add_argument("--port", default=8000, type=int, help="0 takes any free one")
        parser.add_argument(
            "--no-background",
            action="store_false",
            dest="background",
            help="leave the background loops to a `work` process",
        )

    def handle(self, *, host: str, port: int, background: bool, **_: Any) -> None:
        end_on_signals()
        listener = bind(host, port)
        prepare_database()
        message = self._describe(listener)
        with ExitStack() as stack:
            if background:
                stack.enter_context(running_loops(settings.BACKGROUND_LOOPS))
            WebServer(on_listening=lambda: self.stdout.write(message)).run(sockets=[listener])

    def _describe(self, listener: socket.socket) -> str:
        """Say where the server is, and what reviewers and authors of flows need."""
        host, port = listener.getsockname()[:2]
        address = ipaddress.ip_address(host)
        shown = "127.0.0.1" if address.is_unspecified else f"[{host}]" if ":" in host else host
        return _MESSAGE.format(
            url=settings.PUBLIC_URL or f"http://{shown}:{port}",
            people=_describe_people(),
            key=_describe_key(is_local=address.is_loopback),
        )


def _describe_people() -> str:
    if User.objects.filter(is_active=True).exists():
        return "Log in there with your user name and password."
    return f"Nobody can log in yet. Create the first reviewer with: {_COMMAND} createsuperuser"


def _describe_key(*, is_local: bool) -> str:
    if is_local:
        return keep_local_key(settings.APPROVALS_HOME)
    # what a server for other machines prints goes to its log, which a key must not
    return f"<made with: {_COMMAND} createapikey NAME>"
