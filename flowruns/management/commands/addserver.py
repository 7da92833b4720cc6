"""Add a Prefect server whose waiting runs are answered here too."""

import getpass
import os
import re
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Sequence
from typing import Any, Never

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from flowruns.connectors import PrefectConnector
from flowruns.connectors.prefect.errors import RemoteTrouble, Unauthorized
from flowruns.connectors.prefect.outcomes import Probe
from flowruns.domain.errors import ServerExists
from flowruns.models import RemoteServer
from flowruns.services.servers import (
    Credentials,
    CredentialsKind,
    ServerSettings,
    add_server,
    draft_server,
    parse_headers,
    record_probe,
)

_WORKSPACE = re.compile(r"/accounts/[^/]+/workspaces/[^/]+/?$")
_SECRET_HEADER = re.compile("auth|cookie|key|password|secret|token", re.IGNORECASE)
_HIDING = "it is read from {variable} or from a line of the input, or asked for"


class Command(BaseCommand):
    help = "Show and answer the waiting runs of another Prefect server in this inbox."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what people read: letters, digits, - and _")
        parser.add_argument("url", help="what PREFECT_API_URL is there, e.g. https://prefect/api")
        opens = parser.add_mutually_exclusive_group()
        for option, meaning, variable in (
            ("--auth-string", "the server's auth string, USER:PASSWORD", "PREFECT_API_AUTH_STRING"),
            ("--api-key", "an API key of Prefect Cloud, or of a proxy", "PREFECT_API_KEY"),
        ):
            told = f"{meaning}: {_HIDING.format(variable=variable)}"
            # A value is taken only to refuse it without printing it, as an unknown word would be
            opens.add_argument(
                option, nargs="?", const=True, type=_refuse_secret, metavar="", help=told
            )
        parser.add_argument(
            "--header",
            action="append",
            dest="headers",
            default=[],
            metavar="'K: V'",
            help="a header of every request; repeat for several. It is stored encrypted. Write K"
            " alone to have a secret value read from a line of the input, or asked for",
        )
        parser.add_argument("--ca-file", default="", help="certificates to trust beside the usual")
        parser.add_argument(
            "--tag",
            action="append",
            dest="tags",
            default=[],
            help="show only runs with this tag; repeat to show those with any of several",
        )
        parser.add_argument(
            "--answer-mode",
            choices=RemoteServer.AnswerMode.values,
            help="claim (the default) stores the answer before it moves the run, so that exactly"
            " one wins; resume, the default in Prefect Cloud, uses Prefect's own call",
        )

    def handle(self, *, name: str, url: str, **options: Any) -> None:
        try:
            server = draft_server(name, _read_settings(url.rstrip("/"), **options))
            found = self._probe(server)
            add_server(server)
            record_probe(server.pk, version=found.version, clock_offset=found.clock_offset)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        except ServerExists as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Added {name}. Its waiting runs will be in the inbox in a moment.")

    def _probe(self, server: RemoteServer) -> Probe:
        """Say in a sentence each whether the server is reached, lets us in, and is known."""
        connector = PrefectConnector(server)
        try:
            found = connector.probe()
        except Unauthorized as trouble:
            self.stdout.write(f"Reached {server.url}.")
            raise CommandError(f"{trouble.words} Nothing was added.") from None
        except RemoteTrouble as trouble:
            raise CommandError(f"{trouble.words} Nothing was added.") from None
        self.stdout.write(f"Reached {server.url}.")
        self.stdout.write("It accepts the credentials." if server.credentials else "It is open.")
        server.version = found.version
        self.stdout.write(_describe_version(connector))
        return found


def _describe_version(connector: PrefectConnector) -> str:
    if connector.server.kind == RemoteServer.Kind.CLOUD:
        return "It is Prefect Cloud, which this desk was not tried with yet."
    version = f"It runs Prefect {connector.server.version}"
    if connector.can_answer:
        return f"{version}, whose runs can be answered from here."
    return f"{version}: its runs are shown, but answering them is known for 3.4 and later 3.x only."


def _read_settings(url: str, **options: Any) -> ServerSettings:
    is_cloud = _WORKSPACE.search(url) is not None
    modes = RemoteServer.AnswerMode
    return ServerSettings(
        url=url,
        kind=RemoteServer.Kind.CLOUD if is_cloud else RemoteServer.Kind.PREFECT,
        credentials=_read_credentials(options["auth_string"], options["api_key"]),
        headers=parse_headers(list(_complete_headers(options["headers"]))),
        ca_file=options["ca_file"],
        tags=options["tags"],
        answer_mode=options["answer_mode"] or (modes.RESUME if is_cloud else modes.CLAIM),
    )


def _refuse_secret(_: str) -> Never:
    raise ArgumentTypeError(
        "write nothing after it, where others see it in the list of processes. The secret is read"
        " from its variable or from a line of the input, or asked for; NAME and URL come first"
    )


def _read_credentials(has_auth_string: bool | None, has_api_key: bool | None) -> Credentials:
    if has_auth_string:
        secret = _read_secret("Auth string (USER:PASSWORD): ", variable="PREFECT_API_AUTH_STRING")
        return Credentials(kind=CredentialsKind.BASIC, secret=secret)
    if has_api_key:
        secret = _read_secret("API key: ", variable="PREFECT_API_KEY")
        return Credentials(kind=CredentialsKind.BEARER, secret=secret)
    return Credentials()


def _complete_headers(lines: Sequence[str]) -> Iterator[str]:
    """Yield the headers with the values that are left out because they are secrets."""
    for line in lines:
        name, colon, value = (part.strip() for part in line.partition(":"))
        if value and _SECRET_HEADER.search(name):
            raise CommandError(
                f"The value of {name} would be seen in the list of processes. Write --header {name}"
                " to have it read from a line of the input, or asked for."
            )
        yield line if colon or " " in name else f"{name}: {_read_secret(f'{name}: ')}"


def _read_secret(prompt: str, *, variable: str = "") -> str:
    """Return a secret from its variable, from the person at the terminal, or from the input."""
    secret = os.environ.get(variable, "") if variable else ""
    if not secret:
        secret = _ask(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not secret:
        way = f"Set {variable}, write it" if variable else f"Write the value of {prompt[:-2]}"
        raise CommandError(f"{way} to the input, or run this in a terminal to be asked.")
    return secret


def _ask(prompt: str) -> str:
    try:
        return getpass.getpass(prompt)
    except EOFError:
        return ""
