"""A collector of OpenTelemetry, which keeps what servers send to it by HTTP."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    service: str
    name: str
    span_id: bytes
    parent_id: bytes
    attributes: dict[str, str]

    @property
    def request_id(self) -> str:
        return self.attributes.get("request_id", "")


@dataclass
class Collector:
    url: str = ""
    spans: list[Span] = field(default_factory=list)

    def take(self, body: bytes) -> None:
        sent: Any = ExportTraceServiceRequest()
        sent.ParseFromString(body)
        for resource in sent.resource_spans:
            service = _read(resource.resource.attributes)["service.name"]
            for span in (each for scope in resource.scope_spans for each in scope.spans):
                self.spans.append(
                    Span(
                        service=service,
                        name=span.name,
                        span_id=span.span_id,
                        parent_id=span.parent_span_id,
                        attributes=_read(span.attributes),
                    )
                )


def _read(attributes: Any) -> dict[str, str]:
    return {each.key: each.value.string_value for each in attributes}


@contextmanager
def serve_collector() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            if self.path == "/v1/traces":
                collector.take(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield collector
        finally:
            server.shutdown()
