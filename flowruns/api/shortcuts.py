"""The calls that flows and dashboards make all day, answered without Django's way to a view.

Middleware, routing and the reading of parameters take several times as long as such an answer.
Taken are only calls as clients send them, and only where they succeed: whatever is missing,
malformed, forbidden or conditional is left to the view of the same operation, which calls the same
services. What Django's middleware says to browsers is the same for all answers, and kept.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from io import BytesIO
from typing import Any
from uuid import UUID

from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csp import ContentSecurityPolicyMiddleware
from django.middleware.security import SecurityMiddleware
from pydantic import BaseModel, TypeAdapter

from flowruns import wire
from flowruns.api import writes
from flowruns.api.auth import Scoped, admit, flows, readers, resumers
from flowruns.api.http import (
    read_json,
    respond_away,
    respond_busy,
    respond_empty,
    respond_input,
    respond_json,
    respond_run,
    respond_text,
)
from flowruns.domain.errors import EvaluationBusy
from flowruns.models import ApiKey
from flowruns.pubsub import outages
from flowruns.services import queries
from flowruns.services.api_keys import find_api_key
from flowruns.services.deployments.deployments import select_scheduled_flow_runs
from flowruns.services.events.events import record_events
from flowruns.services.run_rows import (
    Selection,
    dump_runs,
    read_run_json,
    read_state_json,
    write_selection,
)
from flowruns.services.runs.logs import create_logs
from flowruns.services.runs.run_inputs import read_run_input, read_wanted
from flowruns.services.upkeep.heartbeat import note_heartbeat
from flowruns.wire.deployments import ScheduledRunsQuery
from flowruns.wire.events import Event
from flowruns.wire.headers import IDEMPOTENCY_KEY, read_etag, read_key, reads_heartbeat
from flowruns.wire.queries import FlowRunQuery

type Headers = Mapping[str, str]
type Answer = Callable[..., HttpResponse | None]

_ID = "([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_OWN_HEADERS = {"Content-Type", "Content-Length"}
_MIDDLEWARE: tuple[Any, ...] = (
    SecurityMiddleware,
    ContentSecurityPolicyMiddleware,
    XFrameOptionsMiddleware,
)


@dataclass(frozen=True, slots=True)
class Call:
    """What a client sends, and the key that lets it in."""

    headers: Headers
    body: bytes
    key: ApiKey


def answer_directly(scope: Mapping[str, Any], body: bytes) -> HttpResponse | None:
    """Answer a call that is made all day; None for every other, and for what is to be refused."""
    found = _find(f"{scope['method']} {scope['path']}")
    if found is None:
        return None
    answer, access, parts = found
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    common = _find_common_headers(
        scope.get("scheme", "http"), headers.get("host"), headers.get("x-forwarded-proto")
    )
    try:
        key = _find_key(headers, access) if common is not None else None
        response = answer(Call(headers, body, key), *parts) if key is not None else None
    except outages.AWAY as error:
        response = respond_away(error)  # the view would wait for it once more
    except EvaluationBusy:
        response = respond_busy()  # as it would for this
    except Exception:  # noqa: BLE001 -- the view meets the same, and says what it is
        return None
    if common is None or response is None:
        return None
    for name, value in common.items():
        response.headers[name] = value
    response.headers["Content-Length"] = str(len(response.content))
    return response


def _find_key(headers: Headers, access: Scoped) -> ApiKey | None:
    """Return the valid key that a call carries, if it may make the call."""
    key = find_api_key(read_key(headers.get("authorization", "")))
    return key if key and any(key.allows(scope) for scope in access.scopes) else None


def _read_flow_run(call: Call, flow_run_id: str) -> HttpResponse | None:
    run_id, prefer = UUID(flow_run_id), call.headers.get("prefer", "")
    if reads_heartbeat(prefer):
        note_heartbeat(run_id)
    state_id, run = read_run_json(run_id)
    if state_id and read_etag(call.headers.get("if-none-match", "")) == state_id:
        return None
    inputs = read_wanted(run_id, prefer, reader=call.key.actor)
    return respond_run(run, inputs, headers={"ETag": f'"{state_id}"'})


def _read_flow_run_state(_: Call, state_id: str) -> HttpResponse:
    return respond_text(read_state_json(UUID(state_id)))


def _read_flow_run_input(call: Call, flow_run_id: str, key: str) -> HttpResponse:
    return respond_input(read_run_input(UUID(flow_run_id), key, reader=call.key.actor))


def _create_flow_run(call: Call) -> HttpResponse:
    flow_run = wire.FlowRunCreate.model_validate(read_json(call.body))
    return writes.create_flow_run(flow_run, headers=call.headers, caller=admit(call.key))


def _set_flow_run_state(call: Call, flow_run_id: str) -> HttpResponse:
    proposal = wire.SetState.model_validate(read_json(call.body))
    return writes.set_flow_run_state(
        UUID(flow_run_id), proposal, headers=call.headers, caller=admit(call.key)
    )


def _resume_flow_run(call: Call, flow_run_id: str) -> HttpResponse:
    answer = wire.Resume.model_validate(read_json(call.body)) if call.body else None
    return writes.resume_flow_run(UUID(flow_run_id), answer, caller=admit(call.key))


def _create_flow_run_input(call: Call, flow_run_id: str) -> HttpResponse:
    run_input = wire.RunInputCreate.model_validate(read_json(call.body))
    return writes.create_flow_run_input(UUID(flow_run_id), run_input, caller=admit(call.key))


def _read_flow_runs(call: Call) -> HttpResponse:
    return respond_text(dump_runs(_select_flow_runs(call.body)))


@lru_cache
def _select_flow_runs(body: bytes) -> Selection:
    """Dashboards ask the same again and again; it is written as SQL once."""
    query = FlowRunQuery.model_validate(read_json(body)) if body else FlowRunQuery()
    return write_selection(queries.select_flow_runs(query))


def _get_scheduled_flow_runs(call: Call) -> HttpResponse:
    query = ScheduledRunsQuery.model_validate(read_json(call.body))
    return respond_text(dump_runs(write_selection(select_scheduled_flow_runs(query))))


def _create_logs(call: Call) -> HttpResponse:
    logs = _list_of(wire.LogCreate).validate_python(read_json(call.body))
    create_logs(logs, key=read_etag(call.headers.get(IDEMPOTENCY_KEY.lower(), "")))
    return respond_json(None, status=201)


def _create_events(call: Call) -> HttpResponse:
    record_events(_list_of(Event).validate_python(read_json(call.body)))
    return respond_empty()


_CALLS: list[tuple[re.Pattern[str], Answer, Scoped]] = [
    (re.compile(operation), answer, access)
    for operation, answer, access in (
        (f"GET /api/flow_runs/{_ID}", _read_flow_run, readers),
        (f"GET /api/flow_runs/{_ID}/input/([^/]+)", _read_flow_run_input, readers),
        ("POST /api/flow_runs/", _create_flow_run, flows),
        (f"POST /api/flow_runs/{_ID}/set_state", _set_flow_run_state, flows),
        (f"POST /api/flow_runs/{_ID}/resume", _resume_flow_run, resumers),
        (f"POST /api/flow_runs/{_ID}/input", _create_flow_run_input, flows),
        (f"GET /api/flow_run_states/{_ID}", _read_flow_run_state, readers),
        ("POST /api/flow_runs/filter", _read_flow_runs, readers),
        ("POST /api/deployments/get_scheduled_flow_runs", _get_scheduled_flow_runs, flows),
        ("POST /api/logs/", _create_logs, flows),
        ("POST /api/events", _create_events, flows),
    )
]


def _find(operation: str) -> tuple[Answer, Scoped, tuple[str, ...]] | None:
    for pattern, answer, access in _CALLS:
        if match := pattern.fullmatch(operation):
            return answer, access, match.groups()
    return None


@lru_cache(maxsize=100)
def _find_common_headers(scheme: str, host: str | None, forwarded: str | None) -> Headers | None:
    """Return what the middleware of Django adds to each answer; None where it answers itself."""
    named = {"host": host, "x-forwarded-proto": forwarded}
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/",
        "query_string": b"",
        "scheme": scheme,
        "headers": [
            (name.encode(), value.encode("latin-1")) for name, value in named.items() if value
        ],
    }
    request, answer = ASGIRequest(scope, BytesIO()), _say_nothing
    try:
        request.get_host()
    except DisallowedHost:
        return None
    for middleware in _MIDDLEWARE:
        answer = middleware(answer)
    return {name: value for name, value in answer(request).items() if name not in _OWN_HEADERS}


def _say_nothing(_: HttpRequest) -> HttpResponse:
    return HttpResponse()


@cache
def _list_of(model: type[BaseModel]) -> TypeAdapter[list[Any]]:
    return TypeAdapter(list[model])  # type: ignore[valid-type]
