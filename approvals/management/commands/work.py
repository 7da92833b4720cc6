"""The background loops alone, beside web processes that run `serve --no-background`."""

import logging
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from approvals.management.preparing import prepare_database
from approvals.management.web_server import end_on_signals
from flowruns.domain.version import VERSION
from flowruns.management.loops import running_loops

_log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Run the background loops until told to stop (SIGTERM or Ctrl-C)."
    requires_system_checks = []  # they connect, and `prepare_database` says it better

    def handle(self, **_: Any) -> None:
        end_on_signals()
        prepare_database()
        _log.info("Approvals %s: work", VERSION)
        loops, copies = settings.BACKGROUND_LOOPS, settings.BACKGROUND_COPIES
        with running_loops(loops, copies=copies):
            self.stdout.write("The background loops run. Stop them with Ctrl-C.")
            self.stdout.flush()
            threading.Event().wait()
