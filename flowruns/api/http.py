"""Requests into Python and results into responses, the same way for every operation."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja.parser import Parser
from ninja.types import DictStrAny
from pydantic import BaseModel, TypeAdapter

from flowruns.domain.errors import EvaluationBusy
from flowruns.pubsub import outages


class StrictJson(Parser):
    """JSON as RFC 8259 has it: no NaN, no lone surrogates, and nothing nested without end."""

    def parse_body(self, request: HttpRequest) -> DictStrAny:
        body: DictStrAny = read_json(request.body)
        return body


def read_json(body: bytes) -> Any:
    """Return what a body says; raises `ValueError`."""
    try:
        said = json.loads(body.decode(), parse_constant=_refuse, parse_float=_finite)
        json.dumps(said, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("the body is nested too deeply") from None
    return said


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise ValueError(f"{text} is out of range")
    return value


def respond(
    body: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Answer with one wire model."""
    return _json(body.model_dump_json(), status, headers)


def respond_list[T: BaseModel](
    model: type[T], items: Sequence[T], *, status: int = 200
) -> HttpResponse:
    """Answer with a list of wire models."""
    return _json(TypeAdapter(list[model]).dump_json(list(items)), status, None)  # type: ignore[valid-type]


def respond_text(body: str, *, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Answer with what is JSON already."""
    return _json(body, 200, headers)


def respond_json(value: object, *, status: int = 200) -> HttpResponse:
    """Answer with a plain JSON value."""
    return _json(json.dumps(value), status, None)


def respond_run(
    run: str, inputs: Mapping[str, str] | None, *, headers: Mapping[str, str]
) -> HttpResponse:
    """Answer with a run that is JSON already, and with the inputs that were asked for with it."""
    if inputs is not None:
        run = f'{run[:-1]},"inputs":{json.dumps(inputs)}}}'
    return respond_text(run, headers=headers)


def respond_input(value: str) -> HttpResponse:
    """Answer with the text of a run's input."""
    return HttpResponse(value, content_type="text/plain; charset=utf-8")


def respond_away(error: Exception) -> HttpResponse:
    """Answer while the database is away, locked or full; clients try again by themselves."""
    outages.note_failure(error)
    response = respond_json({"detail": outages.DETAIL}, status=503)
    for name, value in outages.HEADERS.items():
        response.headers[name] = value
    return response


def respond_busy() -> HttpResponse:
    """Answer while others evaluate; clients try again by themselves."""
    response = respond_json({"detail": str(EvaluationBusy())}, status=503)
    response.headers["Retry-After"] = "1"
    return response


def respond_empty() -> HttpResponse:
    response = HttpResponse(status=204)
    del response["Content-Type"]
    return response


def read_date(date: str) -> datetime | None:
    """Return the client's clock from a `Date` header, if it sent one that can be read."""
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _json(body: str | bytes, status: int, headers: Mapping[str, str] | None) -> HttpResponse:
    return HttpResponse(body, status=status, content_type="application/json", headers=headers)
