"""The whole product in one process: migrations, web server and background loops."""

import ipaddress
import logging
import socket
import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import connection

from approvals.management.background import running_background
from approvals.management.demo import Demo, keep_demo_users
from approvals.management.local_key import KEY_FILE, keep_local_key
from approvals.management.preparing import prepare_database
from approvals.management.web_server import WebServer, bind, end_on_signals
from flowruns.domain.version import VERSION

# How this process was started: by the installed command, or by `python manage.py`.
_IS_INSTALLED = Path(sys.argv[0]).name == "approvals"
_COMMAND = sys.argv[0] if _IS_INSTALLED else f"{sys.executable} {sys.argv[0]}"
_log = logging.getLogger(__name__)
_MESSAGE = """
Approvals is running at {url}/
{people}

For your flows:
  export FLOWRUNS_API_URL={url}/api
  export FLOWRUNS_API_KEY={key}
For flows that use Prefect's own client:
  export PREFECT_API_URL={url}/api
  export PREFECT_API_KEY={key}
  export PREFECT_API_AUTH_STRING=$PREFECT_API_KEY
{about_key}

Stop with Ctrl-C.
"""

_DEMO_PEOPLE = """
Log in as {first} with the password {password}
The tool call waits for two people. In a private window, log in as the other one:
{second} with the password {other}""".strip()

_ABOUT_LOCAL_KEY = """
This machine's key runs flows and answers them, too. For flows or agents that may not answer
themselves, make another with: {create}"""


class Command(BaseCommand):
    help = "Bring the database up to date and serve the pages and the API."
    requires_system_checks = []  # they connect, and `prepare_database` says it better

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
        parser.add_argument("--port", default=8000, type=int, help="0 takes any free one")
        parser.add_argument(
            "--demo", action="store_true", help="with flows that wait for you, and two users"
        )
        parser.add_argument(
            "--no-background",
            action="store_false",
            dest="background",
            help="leave the background loops to a `work` process",
        )

    def handle(self, *, host: str, port: int, demo: bool, background: bool, **_: Any) -> None:
        end_on_signals()
        listener = bind(host, port)
        prepare_database()
        _log.info("Approvals %s: serve starts", VERSION)
        url = _local_url(listener)
        message = _describe(listener, demo=demo, is_terminal=self.stdout.isatty())
        flows = Demo(home=settings.APPROVALS_HOME, api_url=f"{url}/api") if demo else None
        connection.close()

        def on_listening() -> None:
            _log.info("Approvals %s: serve listens on %s", VERSION, url)
            self.stdout.write(message)
            self.stdout.flush()  # a log file shows it now, not when it has filled a buffer
            if flows:
                flows.start()

        with ExitStack() as stack:
            stack.callback(_log.info, "Approvals %s: serve has stopped", VERSION)
            if background:
                stack.enter_context(running_background())
            if flows:
                stack.callback(flows.stop)
            WebServer(on_listening=on_listening).run(sockets=[listener])


def _local_url(listener: socket.socket) -> str:
    """Return where programs on this machine reach the server."""
    host, port = listener.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = "::1" if ":" in host else "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _describe(listener: socket.socket, *, demo: bool, is_terminal: bool) -> str:
    """Say where the server is, and what reviewers and authors of flows need."""
    is_local = ipaddress.ip_address(listener.getsockname()[0]).is_loopback
    key, about_key = _describe_key(is_local=is_local, is_terminal=is_terminal)
    return _MESSAGE.format(
        url=settings.PUBLIC_URL or _local_url(listener),
        people=_describe_people(demo=demo),
        key=key,
        about_key=about_key,
    )


def _describe_people(*, demo: bool) -> str:
    if demo:
        (first, password), (second, other) = keep_demo_users(settings.APPROVALS_HOME).items()
        return _DEMO_PEOPLE.format(first=first, password=password, second=second, other=other)
    if User.objects.filter(is_active=True).exists():
        return "Log in there with your user name and password."
    return f"Nobody can log in yet. Create the first reviewer with: {_COMMAND} createsuperuser"


def _describe_key(*, is_local: bool, is_terminal: bool) -> tuple[str, str]:
    """Name the key to use, and say what it may do; a log, which is kept, is not told the key.

    Only a server for this machine alone has a key of its own: whoever reads it can answer.
    """
    create = f"{_COMMAND} createapikey NAME"
    if not (is_local and settings.KEEPS_LOCAL_KEY):
        return f"<made with: {create}>", "That key runs flows; with --scope resume it answers, too."
    key = keep_local_key(settings.APPROVALS_HOME)
    if not key:
        return f"<made with: {create}>", "The key of this machine was revoked, and stays so."
    shown = key if is_terminal else f'"$(cat {settings.APPROVALS_HOME / KEY_FILE})"'
    return shown, _ABOUT_LOCAL_KEY.format(create=create)
