"""Traces of requests, websockets and loops, by OpenTelemetry's own instrumentation.

There are none unless its variables are set.

The SDK reads all of them itself: `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_SERVICE_NAME`,
`OTEL_TRACES_SAMPLER` and the others of its specification.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.http import HttpRequest

from flowruns.web.request_context import CONTEXT
from flowruns.web.types import Application, Receive, Scope, Send

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_WITH_QUERY = ("http.url", "url.full", "url.query")


def is_traced() -> bool:
    """Whether the variables of OpenTelemetry ask for traces."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    return any(os.environ.get(name) for name in _ENDPOINTS)


def begin_tracing() -> bool:
    """Trace what this process does from now on, if an endpoint is set; return whether."""
    if not is_traced():
        return False
    os.environ.setdefault("OTEL_SERVICE_NAME", "approvals")
    try:
        _instrument()
    except ModuleNotFoundError as error:
        raise ImproperlyConfigured(
            f"{_ENDPOINTS[0]} needs the extra `telemetry`:"
            " pip install '/path/to/the/clone[server,telemetry]'"
        ) from error
    return True


def _instrument() -> None:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.django import DjangoInstrumentor
    from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(request_hook=_name_ids)
    PsycopgInstrumentor().instrument()
    if connection.vendor == "postgresql":
        # Of connections that were opened before, which the instrumentation does not see
        cast("Any", connection).close_pool()


def trace_sockets(app: Application) -> Application:
    """Make a span of each websocket, from its opening to its end, if an endpoint is set."""
    if not is_traced():
        return app
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

    # Not one of each message: a span may last for days, and they would have no end
    traced = cast(
        "Application",
        OpenTelemetryMiddleware(
            app, exclude_spans=["receive", "send"], server_request_hook=_name_socket
        ),
    )

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = traced if scope["type"] == "websocket" else app
        await chosen(scope, receive, send)

    return application


def trace_round(loop: str) -> AbstractContextManager[object]:
    """Make a span of a round that a background loop does, above those of its queries.

    The looks whether there is something to do are none: an idle process looks twice a second.
    """
    if not is_traced():
        return nullcontext()
    from opentelemetry import trace
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    if loop not in settings.BACKGROUND_LOOPS:
        return suppress_instrumentation()
    return trace.get_tracer("approvals").start_as_current_span(loop)


def _name_socket(span: "Span", scope: Mapping[str, Any]) -> None:
    """Name a span as the log names requests, and take the query away."""
    span.update_name(f"WEBSOCKET {scope['path']}")
    for name in _WITH_QUERY:
        value = str((getattr(span, "attributes", None) or {}).get(name, ""))
        if value:
            span.set_attribute(name, "" if name == "url.query" else value.partition("?")[0])


def _name_ids(span: "Span", request: HttpRequest) -> None:
    """Give a span the ids by which the log names the request, and take the query away.

    The query may hold what somebody searched for, which the access log leaves out, too.
    """
    context = request.scope[CONTEXT]  # type: ignore[attr-defined]  # of requests by ASGI
    span.set_attribute("request_id", context.request_id)
    if context.flow_run_id:
        span.set_attribute("flow_run_id", context.flow_run_id)
    bare = {"http.url": request.build_absolute_uri(request.path), "url.query": ""}
    bare["url.full"] = bare["http.url"]
    for name in _WITH_QUERY:
        if name in (getattr(span, "attributes", None) or {}):
            span.set_attribute(name, bare[name])
