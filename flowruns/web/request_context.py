"""Which request a thread or a task is busy with, and which run it is about."""

import logging
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from flowruns.web.types import Scope, read_headers

# Where a scope has the request's `RequestContext`.
CONTEXT = "approvals.request_context"
_RUN = re.compile(r"/(?:flow_runs|flow-run)/([0-9a-fA-F]{8}-[0-9a-fA-F-]{27})(?:/|$)")
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


@dataclass(frozen=True, slots=True)
class RequestContext:
    """A request's id, from its `X-Request-ID` or made here, and the run in its address, or ""."""

    request_id: str = ""
    flow_run_id: str = ""


_current: ContextVar[RequestContext] = ContextVar("request", default=RequestContext())  # noqa: B039 -- frozen


def read_context(scope: Scope) -> RequestContext:
    given = read_headers(scope).get("x-request-id", "")
    request_id = given if _ID.fullmatch(given) else _make_id()
    run = _RUN.search(scope["path"])
    return RequestContext(request_id, run[1].lower() if run else "")


def _make_id() -> str:
    # A name keeps no secret, and to ask the system for bits lets every other thread go first
    return f"{random.getrandbits(64):016x}"


@contextmanager
def in_request(context: RequestContext) -> Iterator[None]:
    """Say in the log of the block which request it is about."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)


class AddContext(logging.Filter):
    """Gives each record the ids of the request and of the run that it is about."""

    def filter(self, record: logging.LogRecord) -> bool:
        context = _current.get()
        record.request_id = getattr(record, "request_id", context.request_id)
        record.flow_run_id = getattr(record, "flow_run_id", context.flow_run_id)
        return True
