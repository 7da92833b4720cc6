"""Traces of requests, by OpenTelemetry's own instrumentation, where its variables are set.

The SDK reads all of them itself: `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_SERVICE_NAME`,
`OTEL_TRACES_SAMPLER` and the others of its specification.
"""

import os
from typing import TYPE_CHECKING, Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.http import HttpRequest

from flowruns.web.request_context import CONTEXT

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_WITH_QUERY = ("http.url", "url.full", "url.query")


def begin_tracing() -> bool:
    """Trace all requests of this process from now on, if an endpoint is set; return whether."""
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return False
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
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
