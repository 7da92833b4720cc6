"""The API put together: routers, and the one table from errors to responses."""

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, ValidationError

from flowruns import wire
from flowruns.api import flow_run_states, flow_runs, flows, logs, system
from flowruns.api.http import StrictJson, respond_json
from flowruns.domain.errors import Conflict, NotFound, Unprocessable

api = NinjaAPI(
    title="Approvals",
    version=wire.API_VERSION,
    description="Flow runs in the dialect of Prefect's REST API.",
    urls_namespace="api",
    parser=StrictJson(),
)
api.add_router("", system.router)
api.add_router("/flows", flows.router)
api.add_router("/flow_runs", flow_runs.router)
api.add_router("/flow_run_states", flow_run_states.router)
api.add_router("/logs", logs.router)

_STATUS: dict[type[Exception], int] = {
    NotFound: 404,
    Conflict: 409,
    Unprocessable: 422,
    RequestDataTooBig: 413,
}


def _answer(request: HttpRequest, error: Any) -> HttpResponse:
    status = next(code for kind, code in _STATUS.items() if isinstance(error, kind))
    return respond_json({"detail": str(error)}, status=status)


for _kind in _STATUS:
    api.add_exception_handler(_kind, _answer)


@api.exception_handler(AuthenticationError)
def _answer_stranger(request: HttpRequest, error: Any) -> HttpResponse:
    response = respond_json(
        {"detail": "Send a valid API key: Authorization: Bearer <key>."}, status=401
    )
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(ValidationError)
def _answer_invalid(request: HttpRequest, error: Any) -> HttpResponse:
    """Name what is wrong and where, without sending back what was sent."""
    named = ("loc", "msg", "type")
    detail = [{name: problem.get(name) for name in named} for problem in error.errors]
    return respond_json({"detail": detail}, status=422)
