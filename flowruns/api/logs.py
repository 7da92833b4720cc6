"""/logs"""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns import wire
from flowruns.api import auth
from flowruns.api.http import respond_json, respond_list
from flowruns.services import queries
from flowruns.services.presenting import present_log
from flowruns.services.runs import logs as services
from flowruns.wire.headers import IDEMPOTENCY_KEY, read_etag
from flowruns.wire.queries import LogQuery

router = Router(tags=["Logs"])


@router.post("/", auth=auth.flows, response={201: None})
def create_logs(request: HttpRequest, logs: list[wire.LogCreate]) -> HttpResponse:
    """Store log lines. Those of one `Idempotency-Key`, a UUID, are stored once."""
    services.create_logs(logs, key=read_etag(request.headers.get(IDEMPOTENCY_KEY, "")))
    return respond_json(None, status=201)


@router.post("/filter", auth=auth.readers, response=list[wire.Log])
def read_logs(request: HttpRequest, query: LogQuery | None = None) -> HttpResponse:
    lines = queries.read_logs(query or LogQuery())
    return respond_list(wire.Log, [present_log(line) for line in lines])
