"""What Prometheus reads at /metrics: counted in this process, and looked up in the database.

Each process counts what it did itself, so a query sums over them; what is looked up is the same
at all of them, so a query takes the largest.
"""

import hmac
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch, resolve
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from approvals.models import Approval, Attempt, Channel, Notification, WebhookDelivery
from approvals.signals import approval_closed
from flowruns.connectors import servers
from flowruns.models import LoopRound
from flowruns.models.connections import let_connections_go
from flowruns.pubsub import waiters
from flowruns.web.long_poll import count_held
from flowruns.web.threads import Shortcut
from flowruns.web.types import Application, Receive, Scope, Send, read_headers

type Answer = Callable[[HttpRequest], HttpResponseBase]

registry = CollectorRegistry()
for _collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
    registry.register(_collector)

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_WAITS = (10, 30, _MINUTE, 5 * _MINUTE, 15 * _MINUTE, _HOUR, 4 * _HOUR, _DAY, 3 * _DAY, 7 * _DAY)
_ANSWERS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_MOST_PATHS = 2_000

_ended = Counter(
    "approvals_ended", "Approvals that ended in this process.", ["outcome"], registry=registry
)
_waited = Histogram(
    "approvals_decision_seconds",
    "Seconds from a question to its end, of those that ended in this process.",
    ["outcome"],
    buckets=_WAITS,
    registry=registry,
)
_answered = Histogram(
    "approvals_request_seconds",
    "Seconds that a request took this process, without the time that it was held.",
    ["operation", "method", "status"],
    buckets=_ANSWERS,
    registry=registry,
)
_held = Gauge("approvals_held_requests", "Requests that this process holds.", registry=registry)
_held.set_function(count_held)


def connect() -> None:
    """Start to count what ends in this process."""
    approval_closed.connect(_count_end, dispatch_uid="approvals.metrics")


def _count_end(*, approval: Approval, **_: Any) -> None:
    """Count an approval once its end is committed."""
    if approval.closed_at is None:
        return
    outcome, seconds = approval.outcome, (approval.closed_at - approval.opened_at).total_seconds()

    def count() -> None:
        _ended.labels(outcome).inc()
        _waited.labels(outcome).observe(seconds)

    transaction.on_commit(count, robust=True)


def measure_requests(get_response: Answer) -> Answer:
    """Measure how long Django takes for each operation of the API and for each page."""

    def measure(request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = get_response(request)
        operation = _name_operation(request.resolver_match)
        _observe(operation, request.method or "", response, began)
        return response

    return measure


def measure_shortcuts(answer: Shortcut) -> Shortcut:
    """Measure the calls that are answered without Django's way to a view by the same names."""

    def measure(scope: Scope, body: bytes) -> HttpResponseBase | None:
        began = time.perf_counter()
        response = answer(scope, body)
        if response is not None:
            _observe(_find_operation(scope["path"]), scope["method"], response, began)
        return response

    return measure


@lru_cache(maxsize=_MOST_PATHS)
def _find_operation(path: str) -> str:
    """Clients ask the same paths all day, and Django tries one pattern after the other."""
    return _name_operation(resolve(path))


def _name_operation(match: ResolverMatch | None) -> str:
    return (match.view_name or match.route) if match else "none"


def _observe(operation: str, method: str, response: HttpResponseBase, began: float) -> None:
    known = method if method in _METHODS else "other"
    status = f"{response.status_code // 100}xx"
    _answered.labels(operation, known, status).observe(time.perf_counter() - began)


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class _Database(Collector):
    """Looks up what waits, in the database; says nothing while that is away."""

    def collect(self) -> Iterator[Metric]:
        try:
            found = [*_read_waiting(), *_read_queues(), *_read_servers(), *_read_loops()]
        except DatabaseError:
            yield GaugeMetricFamily("approvals_database_up", "Whether it answers.", value=0)
            return
        yield GaugeMetricFamily("approvals_database_up", "Whether it answers.", value=1)
        yield from found


registry.register(_Database())


def _read_waiting() -> Iterator[Metric]:
    waiting = Approval.objects.filter(outcome=Approval.Outcome.WAITING)
    found = waiting.aggregate(
        count=Count("pk"), oldest=Min("opened_at"), stuck=Count("pk", filter=~Q(obstacle=""))
    )
    yield GaugeMetricFamily("approvals_waiting", "Approvals that wait.", value=found["count"])
    yield GaugeMetricFamily(
        "approvals_obstructed", "Of them, those that nobody can answer now.", value=found["stuck"]
    )
    yield GaugeMetricFamily(
        "approvals_oldest_waiting_seconds", "Age of the oldest.", value=_age(found["oldest"])
    )


def _read_queues() -> Iterator[Metric]:
    count = GaugeMetricFamily("approvals_messages_waiting", "To be sent.", labels=["queue"])
    overdue = GaugeMetricFamily(
        "approvals_messages_overdue_seconds", "How long the first is due.", labels=["queue"]
    )
    for queue, rows in _list_queues():
        found = rows.aggregate(count=Count("pk"), due=Min("next_try_at"))
        count.add_metric([queue], found["count"])
        overdue.add_metric([queue], _age(found["due"]))
    yield from (count, overdue)


def _list_queues() -> Iterator[tuple[str, QuerySet[Any]]]:
    """Name what waits to be sent: to people by kind of channel, to programs, and to servers."""
    waits = Notification.Outcome.WAITING
    told = Notification.objects.filter(outcome=waits)
    for kind in Channel.Kind.values:
        yield "mail" if kind == Channel.Kind.EMAIL else kind, told.filter(channel__kind=kind)
    yield "webhooks", WebhookDelivery.objects.filter(outcome=waits)
    yield "answers", Attempt.objects.exclude(step=Attempt.Step.SETTLED)


def _read_servers() -> Iterator[Metric]:
    up = GaugeMetricFamily("approvals_server_up", "Whether it has no trouble.", labels=["server"])
    silence = GaugeMetricFamily(
        "approvals_server_silence_seconds", "Since it was last read.", labels=["server"]
    )
    freshness = GaugeMetricFamily(
        "approvals_server_freshness_seconds",
        "Seconds from a state there to its row here, of the latest.",
        labels=["server", "quantile"],
    )
    for server in filter(lambda each: each.is_enabled, servers.list_servers()):
        up.add_metric([server.name], not server.error)
        silence.add_metric([server.name], _age(server.read_at or server.created))
        for percent in (50, 99):
            seconds = servers.read_percentile(server, percent=percent)
            if seconds is not None:
                freshness.add_metric([server.name, str(percent / 100)], seconds)
    yield from (up, silence, freshness)


def _read_loops() -> Iterator[Metric]:
    lag = GaugeMetricFamily(
        "approvals_loop_lag_seconds", "Since a loop's last round that succeeded.", labels=["loop"]
    )
    failures = GaugeMetricFamily(
        "approvals_loop_failures", "Failures since then, where most.", labels=["loop"]
    )
    rows = LoopRound.objects.filter(loop__in=settings.BACKGROUND_LOOPS)
    for row in rows.values(name=F("loop")).annotate(at=Max("succeeded_at"), n=Max("failures")):
        loop = row["name"].rpartition(".")[2]
        failures.add_metric([loop], row["n"])
        if row["at"] is not None:
            lag.add_metric([loop], _age(row["at"]))
    yield from (lag, failures)


def _age(moment: datetime | None) -> float:
    return max(0.0, (datetime.now(UTC) - moment).total_seconds()) if moment else 0.0


def answer_scrapes(app: Application) -> Application:
    """Answer GET /metrics whatever its Host, to who shows `METRICS_TOKEN`; pass on the rest."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].rstrip("/") != "/metrics":
            await app(scope, receive, send)
            return
        status, body = refuse(read_headers(scope).get("authorization", "")), b""
        if status == 200:
            body = await waiters.ask_database(lambda: generate_latest(registry))
        headers = [(b"content-type", CONTENT_TYPE_LATEST.encode()), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


def refuse(authorization: str) -> int:
    """Return 200 for who may read, 401 for others, and 404 where no token is set."""
    if not settings.METRICS_TOKEN:
        return 404
    shown = re.sub(r"(?i)^bearer ", "", authorization).strip().encode()
    return 200 if hmac.compare_digest(shown, settings.METRICS_TOKEN.encode()) else 401


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Log nothing: a scrape comes every few seconds."""


def serve_metrics(host: str, port: int) -> None:
    """Answer scrapes in a thread of a process that serves nothing else."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        status = refuse(environ.get("HTTP_AUTHORIZATION", ""))
        start_response(f"{status} .", [("Content-Type", CONTENT_TYPE_LATEST)])
        try:
            return [generate_latest(registry)] if status == 200 else []
        finally:
            let_connections_go()

    server = make_server(host, port, application, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
