"""The database away, locked or full: told once in the log, and once when it is over."""

import logging
import threading
import time

from django.db import InterfaceError, OperationalError

# What a database raises that cannot do now what it may well do in a moment.
AWAY = (OperationalError, InterfaceError)
DETAIL = "The database is not available."
# What an answer carries meanwhile. Prefect's clients (3.4 to 3.9) count no tries then.
HEADERS = {"Retry-After": "2", "Prefect-Maintenance": "true"}
# Who reads succeeds also while writers fail, so a success means little soon after a failure.
_SETTLED_SECONDS = 3.0

_log = logging.getLogger(__name__)


class _Outage:
    """The outage that goes on, if one does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began: float | None = None
        self._last = 0.0

    @property
    def goes_on(self) -> bool:
        return self._began is not None

    def fail(self, error: BaseException) -> None:
        now = time.monotonic()
        with self._lock:
            is_new, self._last = self._began is None, now
            if is_new:
                self._began = now
        if is_new:
            _log.error("The database cannot be used: %s", " ".join(str(error).split()))

    def succeed(self) -> None:
        if self._began is None:
            return
        now = time.monotonic()
        with self._lock:
            began = self._began
            if began is None or now - self._last < _SETTLED_SECONDS:
                return
            self._began = None
        _log.warning("The database can be used again, after %.0f seconds.", now - began)


_outage = _Outage()


def note_failure(error: BaseException) -> None:
    """Note that the database failed with an error, from any thread."""
    _outage.fail(error)


def note_success() -> None:
    """Note that it was used, from any thread."""
    _outage.succeed()


def goes_on() -> bool:
    """Whether the database cannot be used at the moment."""
    return _outage.goes_on


class LeaveToOutages(logging.Filter):
    """Takes out of Django's log what it says once per request that needed the database."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, AWAY):
            note_failure(error)
        return getattr(record, "status_code", None) != 503
