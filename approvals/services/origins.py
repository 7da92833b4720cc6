"""Where an answer comes from, noted with the votes and the decision that it becomes."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from approvals.models import Via

_via: ContextVar[Via] = ContextVar("via", default=Via.DESK)


@contextmanager
def coming_by(via: Via) -> Iterator[None]:
    """Record what is decided inside as having come that way; elsewhere it comes by the desk."""
    token = _via.set(via)
    try:
        yield
    finally:
        _via.reset(token)


def current_via() -> Via:
    return _via.get()
