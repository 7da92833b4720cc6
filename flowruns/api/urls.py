"""The API put together: routers, and the one table from errors to responses."""

import math
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from ninja.errors import AuthenticationError, ValidationError

from flowruns import wire
from flowruns.api import (
    artifacts,
    automations,
    block_capabilities,
    block_documents,
    block_schemas,
    block_types,
    concurrency_limits,
    deployments,
    events,
    flow_run_states,
    flow_runs,
    flows,
    logs,
    result_storage,
    schedules,
    schema_trials,
    system,
    tag_limits,
    task_run_states,
    task_runs,
    variables,
)
from flowruns.api.document import DocumentedOnce, Reference, document_view
from flowruns.api.http import StrictJson, respond_away, respond_busy, respond_json
from flowruns.api.left_out import name_refusals
from flowruns.domain.errors import (
    Conflict,
    EvaluationBusy,
    Forbidden,
    InvalidReference,
    JobVariablesFixed,
    LeaseExpired,
    NotFound,
    PlaceholderRefused,
    SlotsTaken,
    StateMovedOn,
    Unprocessable,
)
from flowruns.domain.version import VERSION
from flowruns.wire.queries import INVALID_LIMIT

api = DocumentedOnce(
    title="Approvals",
    version=VERSION,
    description=f"Flow runs in the dialect of Prefect's REST API, {wire.API_VERSION}.",
    urls_namespace="api",
    parser=StrictJson(),
    docs=Reference(),
)
api.add_router("", system.router)
api.add_router("/flows", flows.router)
api.add_router("/flow_runs", flow_runs.router)
api.add_router("/flow_run_states", flow_run_states.router)
api.add_router("/deployments", deployments.router)
api.add_router("/deployments", schedules.router)
api.add_router("/v2/concurrency_limits", concurrency_limits.router)
api.add_router("/concurrency_limits", tag_limits.router)
api.add_router("/logs", logs.router)
api.add_router("/task_runs", task_runs.router)
api.add_router("/task_run_states", task_run_states.router)
api.add_router("/events", events.router)
api.add_router("/automations", automations.router)
api.add_router("/artifacts", artifacts.router)
api.add_router("/variables", variables.router)
api.add_router("/block_types", block_types.router)
api.add_router("/block_schemas", block_schemas.router)
api.add_router("/block_capabilities", block_capabilities.router)
api.add_router("/block_documents", block_documents.router)
api.add_router("/admin/storage", result_storage.router)
api.add_router("/ui/schemas", schema_trials.router)


_STATUS: dict[type[Exception], int] = {
    InvalidReference: 400,
    JobVariablesFixed: 400,
    PlaceholderRefused: 400,
    Forbidden: 403,
    NotFound: 404,
    StateMovedOn: 412,
    Conflict: 409,
    LeaseExpired: 410,
    Unprocessable: 422,
    RequestDataTooBig: 413,
}


def _answer(request: HttpRequest, error: Any) -> HttpResponse:
    status = next(code for kind, code in _STATUS.items() if isinstance(error, kind))
    return respond_json({"detail": str(error)}, status=status)


for _kind in _STATUS:
    api.add_exception_handler(_kind, _answer)


@api.exception_handler(SlotsTaken)
def _answer_later(request: HttpRequest, error: Any) -> HttpResponse:
    response = respond_json({"detail": str(error)}, status=423)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(math.ceil(error.retry_after))
    return response


@api.exception_handler(EvaluationBusy)
def _answer_when_less_busy(request: HttpRequest, error: Any) -> HttpResponse:
    return respond_busy()


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _answer_without_database(request: HttpRequest, error: Any) -> HttpResponse:
    return respond_away(error)


@api.exception_handler(DataError)
def _answer_unstorable(request: HttpRequest, error: Any) -> HttpResponse:
    """Answer for what PostgreSQL cannot hold, such as a NUL in a name that is asked for."""
    detail = "The request holds a value that the database cannot take, such as a NUL character."
    return respond_json({"detail": detail}, status=422)


@api.exception_handler(IntegrityError)
def _answer_collision(request: HttpRequest, error: Any) -> HttpResponse:
    """Answer for what two requests did to the same things at the same moment."""
    detail = "Another request changed what this one is about at the same moment; send it again."
    return respond_json({"detail": detail}, status=409)


@api.exception_handler(AuthenticationError)
def _answer_stranger(request: HttpRequest, error: Any) -> HttpResponse:
    response = respond_json(
        {"detail": "Send a valid API key: Authorization: Bearer <key>."}, status=401
    )
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(ValidationError)
def _answer_invalid(request: HttpRequest, error: Any) -> HttpResponse:
    """Name what is wrong and where, without sending back what was sent.

    Prefect's names for it stand beside the one that all our errors have. Of a limit alone
    Prefect 3.9 says no more than one sentence.
    """
    if [problem["type"] for problem in error.errors] == [INVALID_LIMIT]:
        return respond_json({"detail": error.errors[0]["msg"]}, status=422)
    detail = [
        {"loc": _place(problem["loc"]), "msg": problem["msg"], "type": problem["type"]}
        for problem in error.errors
    ]
    message = "Invalid request received."
    body = {"detail": detail, "exception_message": message, "exception_detail": detail}
    return respond_json(body, status=422)


def _place(loc: tuple[str | int, ...]) -> list[str | int]:
    """Leave out the name that an operation gives its body, which no client knows."""
    return [loc[0], *loc[2:]] if loc[0] == "body" else list(loc)


def mount_api() -> Any:
    """Return what `path` takes, once every router is added."""
    views = {"openapi-json": document_view(api)}
    urls = api.urls
    for pattern in urls[0]:
        if pattern.callback:
            pattern.callback = name_refusals(views.get(pattern.name or "", pattern.callback))
    return urls
