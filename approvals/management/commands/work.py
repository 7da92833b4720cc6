"""The background loops alone, beside web processes that run `serve --no-background`."""

import logging
import threading
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any

from django.core.management.base import BaseCommand

from approvals.management import metrics
from approvals.management.background import running_background
from approvals.management.preparing import prepare_database
from approvals.management.telemetry import begin_tracing
from approvals.management.web_server import end_on_signals
from flowruns.domain.version import VERSION

_log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Run the background loops until told to stop (SIGTERM or Ctrl-C)."
    requires_system_checks = []  # they connect, and `prepare_database` says it better

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--metrics-port", type=int, help="answer /metrics on this port")
        parser.add_argument("--metrics-host", default="127.0.0.1", help="and on this address")

    def handle(self, *, metrics_host: str, metrics_port: int | None, **_: Any) -> None:
        end_on_signals()
        prepare_database()
        begin_tracing()
        _log.info("Approvals %s: work starts", VERSION)
        if metrics_port is not None:
            metrics.connect()
            metrics.serve_metrics(metrics_host, metrics_port)
        with ExitStack() as stack:
            stack.callback(_log.info, "Approvals %s: work has stopped", VERSION)
            stack.enter_context(running_background())
            self.stdout.write("The background loops run. Stop them with Ctrl-C.")
            self.stdout.flush()
            threading.Event().wait()
