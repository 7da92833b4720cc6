"""How much an evaluation may cost where it cannot be killed: each part of it asks before it works.

Nothing is counted where no limit is set, as in the processes that are killed at their deadline.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol


class EvaluationTooSlow(Exception):
    """An evaluation would cost more than it may."""


class Limit(Protocol):
    """Looks at each step, and raises `EvaluationTooSlow` once there were too many."""

    def spend(self, steps: int) -> None: ...


class StepLimit:
    """Allows so many steps of some ten microseconds each."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise EvaluationTooSlow


class TimeLimit:
    """Allows so many seconds, of which only those count in which something is evaluated."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = time.monotonic()
        self._token = _limit.set(self)

    def __exit__(self, *_: object) -> None:
        _limit.reset(self._token)
        self._left -= time.monotonic() - self._started

    def spend(self, steps: int) -> None:  # noqa: ARG002 -- the clock knows
        if time.monotonic() - self._started > self._left:
            raise EvaluationTooSlow


_limit: ContextVar[Limit | None] = ContextVar("limit", default=None)


@contextmanager
def bounded_by(limit: Limit) -> Iterator[None]:
    """Hold what is evaluated inside to a limit."""
    token = _limit.set(limit)
    try:
        yield
    finally:
        _limit.reset(token)


def is_bounded() -> bool:
    """Whether somebody counts, so that what cannot be interrupted must be left to others."""
    return _limit.get() is not None


def spend(steps: int = 1) -> None:
    """Count the steps of the next part; raises `EvaluationTooSlow` where they are too many."""
    limit = _limit.get()
    if limit is not None:
        limit.spend(steps)


def leave_to_a_process() -> None:
    """Begin nothing that nobody can interrupt: raises `EvaluationTooSlow` if steps are counted."""
    if is_bounded():
        raise EvaluationTooSlow


def measure(value: object, *, most: int) -> int:
    """Return the number of JSON values in `value`, with its texts by their length, up to `most`."""
    size, stack = 0, [value]
    while stack and size <= most:
        current = stack.pop()
        size += 1
        if isinstance(current, str):
            size += len(current) // _CHARACTERS_PER_STEP
        elif isinstance(current, list):
            stack.extend(current)
        elif isinstance(current, dict):
            size += sum(map(len, filter(_is_text, current))) // _CHARACTERS_PER_STEP
            stack.extend(current.values())
    return size


def _is_text(key: object) -> bool:
    return isinstance(key, str)


_CHARACTERS_PER_STEP = 100
