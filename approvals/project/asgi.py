"""The ASGI application: Django, with websockets and a waiting room in front of it."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "approvals.project.settings")
_django: Any = get_asgi_application()

from flowruns.web.bodies import bound_bodies  # noqa: E402 -- settings first
from flowruns.web.ignore_disconnect import finish_requests  # noqa: E402 -- settings first
from flowruns.web.lifespan import with_lifespan  # noqa: E402 -- settings first
from flowruns.web.long_poll import hold_requests  # noqa: E402 -- settings first
from flowruns.web.probes import answer_probes  # noqa: E402 -- settings first
from flowruns.web.request_limit import admit_requests  # noqa: E402 -- its models need the apps loaded
from flowruns.web.sockets import serve_sockets  # noqa: E402 -- settings first

_answer = admit_requests(finish_requests(_django))
application = with_lifespan(answer_probes(serve_sockets(bound_bodies(hold_requests(_answer)))))
