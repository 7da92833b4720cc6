"""The ASGI application: Django, with websockets and a waiting room in front of it."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "approvals.project.settings")
_django: Any = get_asgi_application()

from flowruns.admission import admit_requests  # noqa: E402 -- its models need the apps loaded
from flowruns.bodies import bound_bodies  # noqa: E402
from flowruns.finishing import finish_requests  # noqa: E402
from flowruns.holding import hold_requests  # noqa: E402
from flowruns.lifespan import with_lifespan  # noqa: E402
from flowruns.probes import answer_probes  # noqa: E402
from flowruns.sockets import serve_sockets  # noqa: E402

_answer = admit_requests(finish_requests(_django))
application = with_lifespan(answer_probes(serve_sockets(bound_bodies(hold_requests(_answer)))))
