"""The background loops of this product, as `serve` and `work` run them."""

import threading
from contextlib import AbstractContextManager

from django.conf import settings

from approvals.management.telemetry import trace_round
from flowruns.management.loops import running_loops


def running_background() -> AbstractContextManager[threading.Event]:
    """Run the loops of the settings while the block runs; yields the event that stops them."""
    return running_loops(
        settings.BACKGROUND_LOOPS,
        copies=settings.BACKGROUND_COPIES,
        moments=settings.BACKGROUND_MOMENTS,
        around=trace_round,
    )
