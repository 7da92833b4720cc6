"""A server whose requests are traced by OpenTelemetry, to a collector."""

import json
from collections.abc import Container
from typing import Any

import httpx
import pytest
from django.conf import settings
from websockets.sync.client import connect as connect_socket

from tests.acceptance.clients import connect, make_run
from tests.acceptance.processes import working
from tests.acceptance.waiting import PATIENCE_SECONDS, eventually
from tests.collectors import Span, serve_collector
from tests.postgres import create_migrated_database
from tests.servers import approvals_server

pytestmark = pytest.mark.slow


def test_requests_and_their_queries_are_traced_with_the_ids_of_the_log(postgresql: Any) -> None:
    with (
        serve_collector() as collector,
        approvals_server(
            is_command=True,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            LOG_FORMAT="json",
            ACCESS_LOG="true",
            DATABASE_URL=create_migrated_database(postgresql),
            OTEL_BSP_SCHEDULE_DELAY="200",
        ) as server,
        connect(server) as client,
    ):
        run = make_run(client)
        answer = client.get(f"/flow_runs/{run}", params={"private": "words"})
        assert answer.status_code == 200
        request_id = answer.headers["X-Request-ID"]

        def find() -> Span | None:
            found = (each for each in collector.spans if each.request_id == request_id)
            return next(found, None)

        request = eventually(find, "the request's span arrives")
        assert httpx.get(f"{server.url}/accounts/login/").status_code == 200
        lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    assert request.service == "approvals"
    assert request.name == "GET api/flow_runs/<uuidstr:flow_run_id>"
    assert request.attributes["flow_run_id"] == run
    assert "private" not in str(collector.spans)
    queries = [each for each in collector.spans if each.parent_id == request.span_id]
    assert "SELECT" in {each.name for each in queries}, collector.spans
    [logged] = [line for line in lines if line.get("request_id") == request_id]
    assert logged["flow_run_id"] == run


def test_websockets_and_the_rounds_of_work_are_traced(postgresql: Any) -> None:
    with (
        serve_collector() as collector,
        approvals_server(
            "--no-background",
            is_command=True,
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            DATABASE_URL=create_migrated_database(postgresql),
            OTEL_BSP_SCHEDULE_DELAY="200",
        ) as server,
    ):
        url = f"ws://127.0.0.1:{server.port}/api/events/in?private=words"
        with connect_socket(url, subprotocols=["prefect"]) as socket:  # type: ignore[list-item]
            socket.send(f'{{"type": "auth", "token": "{server.api_key}"}}')
            assert socket.recv(timeout=PATIENCE_SECONDS) == '{"type":"auth_success"}'

        def find(names: Container[str]) -> Span | None:
            return next((each for each in collector.spans if each.name in names), None)

        connection = eventually(
            lambda: find({"WEBSOCKET /api/events/in"}), "the websocket's span arrives"
        )
        assert find(settings.BACKGROUND_LOOPS) is None
        with working(server):
            round_ = eventually(lambda: find(settings.BACKGROUND_LOOPS), "a round's span arrives")
            eventually(
                lambda: any(each.parent_id == round_.span_id for each in collector.spans),
                "a query of the round arrives",
            )
    assert connection.service == round_.service == "approvals"
    assert "private" not in str(collector.spans)
    assert "pg_current_snapshot" not in str(collector.spans), "each look is a span"


def test_nothing_of_it_is_loaded_where_no_endpoint_is_set(our_server: Any) -> None:
    code = "import sys, approvals.project.asgi; print(*sys.modules)"
    assert "opentelemetry" not in our_server.manage("shell", "--command", code)
