"""Requests for a host that is not ours: one line of the log for each name."""

import logging
from threading import Lock

# Names that are told; whoever makes up more fills no log
_MOST_NAMES = 100


class EachOnce(logging.Filter):
    """Lets each message through once, without the traceback that it comes with."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()
        self._lock = Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        message = record.getMessage()
        with self._lock:
            is_new = message not in self._told and len(self._told) < _MOST_NAMES
            if is_new:
                self._told.add(message)
        return is_new
