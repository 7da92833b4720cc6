"""What this server leaves out of Prefect's API, and what to do instead.

`python -m tests.served_paths` makes the table in `templates/docs/prefect.md` from it.
"""

import re
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from flowruns.api.http import respond_json

_MACHINES = (
    "A team that needs many machines runs Prefect's own server with its work pools and workers;"
    " here, processes that serve a flow start its runs."
)
_REGISTRY = "It lists packages of workers and blocks; clients register the blocks that they use."
_SYSTEM_BLOCKS = "Clients bring a block type with the first block of it that they save."
_AUTOMATIONS = "There are no automations here: lists of them are empty, and none can be made."
_ONE_BY_ONE = "Do it one by one."
_UNCOUNTED = "Slots that are refused are not counted, nor how long others are held."
_PAGES = "Only Prefect's pages ask for it; this server has its own."

# "METHOD /path" → why; `*` stands for anything. Whatever stands here, what is served is served.
LEFT_OUT = {
    "* /work_pools/*": _MACHINES,
    "* /work_queues/*": _MACHINES,
    "* /task_workers/*": _MACHINES,
    "GET /deployments/{}/work_queue_check": _MACHINES,
    "POST /block_types/install_system_block_types": _SYSTEM_BLOCKS,
    "* /collections/*": _REGISTRY,
    "POST /deployments/bulk_delete": _ONE_BY_ONE,
    "POST /deployments/{}/create_flow_run/bulk": _ONE_BY_ONE,
    "POST /events/count-by/{}": _PAGES,
    "GET /flow_runs/{}/graph*": _PAGES,
    "GET /flow_runs/{}/logs/download": _PAGES,
    "* /flow_runs/bulk_*": _ONE_BY_ONE,
    "POST /flow_runs/history": _PAGES,
    "POST /flow_runs/lateness": _PAGES,
    "POST /flows/bulk_delete": _ONE_BY_ONE,
    "POST /task_runs/history": _PAGES,
    "* /automations/*": _AUTOMATIONS,
    "POST /templates/validate": _AUTOMATIONS,
    "* /saved_searches/*": _PAGES,
    "* /ui/*": _PAGES,
    "GET /observed-states": _PAGES,
    "GET /version": "Ask GET /admin/version.",
}

# "METHOD /path field" → why the field of its body is taken and changes nothing
WITHOUT_EFFECT = {
    "* /deployments/* version_info": "Deployments have one version at a time, `version`.",
    "POST /v2/concurrency_limits/ denied_slots": _UNCOUNTED,
    "PATCH /v2/concurrency_limits/{} denied_slots": _UNCOUNTED,
    "POST /v2/concurrency_limits/decrement occupancy_seconds": _UNCOUNTED,
    "POST /v2/concurrency_limits/*crement create_if_missing": "Nor has it with Prefect 3.",
}


def find_unused(operation: str, field: str) -> str | None:
    """Return the entry of `WITHOUT_EFFECT` that names a field of an operation's body, if any."""
    return next((entry for entry in WITHOUT_EFFECT if matches(entry, f"{operation} {field}")), None)


def find_reason(operation: str) -> str | None:
    """Return why an operation such as `POST /flows/` is left out, or None if it is not listed."""
    return next((LEFT_OUT[listed] for listed in LEFT_OUT if matches(listed, operation)), None)


def matches(listed: str, operation: str) -> bool:
    """Whether an entry of `LEFT_OUT` speaks of this operation."""
    return _pattern(listed).fullmatch(operation) is not None


@csrf_exempt
def not_served(request: HttpRequest, rest: str) -> HttpResponse:
    """Answer 404 for a path that is not served, with the reason where it is one of Prefect's."""
    return _refuse(request, 404)


def name_refusals(view: Callable[..., Any]) -> Callable[..., HttpResponse]:
    """Have a view answer in JSON, with the reason, where a path is served by other methods."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response: HttpResponse = view(request, *args, **kwargs)
        if response.status_code != 405:
            return response
        refusal = _refuse(request, 405)
        refusal["Allow"] = response["Allow"]
        return refusal

    return wrapped


def _refuse(request: HttpRequest, status: int) -> HttpResponse:
    operation = f"{request.method} {request.path_info.removeprefix('/api')}"
    reason = find_reason(operation) or ""
    detail = f"This server does not serve {request.method} {request.path_info}. {reason}".rstrip()
    return respond_json({"detail": detail}, status=status)


@lru_cache
def _pattern(listed: str) -> re.Pattern[str]:
    return re.compile(re.escape(listed).replace(r"\{\}", "[^/]+").replace(r"\*", ".*"))
