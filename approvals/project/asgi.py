"""The ASGI application: Django, with websockets and a waiting room in front of it."""

import os

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "approvals.project.settings")
django.setup()

from approvals.management import metrics  # noqa: E402 -- settings first
from approvals.management.telemetry import (  # noqa: E402 -- settings first
    begin_tracing,
    trace_sockets,
)
from approvals.web.static_files import serve_static  # noqa: E402 -- settings first
from flowruns.api.shortcuts import answer_directly  # noqa: E402 -- settings first
from flowruns.web.bodies import bound_bodies  # noqa: E402 -- settings first
from flowruns.web.collapsing import collapse_requests  # noqa: E402 -- settings first
from flowruns.web.lifespan import with_lifespan  # noqa: E402 -- settings first
from flowruns.web.long_poll import hold_requests  # noqa: E402 -- settings first
from flowruns.web.mounting import mount_at  # noqa: E402 -- settings first
from flowruns.web.probes import answer_probes  # noqa: E402 -- settings first
from flowruns.web.request_limit import (  # noqa: E402 -- its models need the apps loaded
    AT_ONCE,
    admit_requests,
)
from flowruns.web.request_log import log_requests  # noqa: E402 -- settings first
from flowruns.web.sockets import serve_sockets  # noqa: E402 -- settings first
from flowruns.web.threads import ThreadedHandler  # noqa: E402 -- settings first

metrics.connect()
# What is traced goes Django's way, where the instrumentation is
_shortcut = None if begin_tracing() else metrics.measure_shortcuts(answer_directly)
_django = ThreadedHandler(threads=sum(AT_ONCE.values()), shortcut=_shortcut)
_answer = admit_requests(_django)
_held = bound_bodies(hold_requests(collapse_requests(_answer)))
_converse = log_requests(trace_sockets(serve_sockets(serve_static(_held))))
_probed = answer_probes(metrics.answer_scrapes(_converse))
application = with_lifespan(mount_at(settings.ROOT_PATH, _probed))
