"""How often a server may be asked: what it said itself, and a budget where there is a limit."""

import threading
import time
from collections import deque

from flowruns.connectors.prefect.errors import Busy

# Prefect Cloud allows from 250 requests a minute, to all keys of an account together.
CLOUD_REQUESTS_A_MINUTE = 60
# Of those only answers may use the last.
_KEPT_FOR_ANSWERS = 10
_WINDOW_SECONDS = 60.0


class Budget:
    """Refuses requests that would come too soon, by raising `Busy`; threads may share it."""

    def __init__(self, requests_a_minute: int | None) -> None:
        self._most = requests_a_minute
        self._made: deque[float] = deque()
        self._quiet_until = 0.0
        self._lock = threading.Lock()

    def spend(self, *, on_answer: bool) -> None:
        """Count a request, unless it has to wait."""
        with self._lock:
            now = time.monotonic()
            if now < self._quiet_until:
                raise Busy("The server asked to wait.", retry_after=self._quiet_until - now)
            if self._most is not None:
                self._count(now, self._most if on_answer else self._most - _KEPT_FOR_ANSWERS)

    def wait(self, seconds: float) -> None:
        """Let nothing through for so many seconds, as the server asked."""
        with self._lock:
            self._quiet_until = max(self._quiet_until, time.monotonic() + seconds)

    def _count(self, now: float, most: int) -> None:
        while self._made and self._made[0] <= now - _WINDOW_SECONDS:
            self._made.popleft()
        if len(self._made) >= most:
            wait = self._made[len(self._made) - most] + _WINDOW_SECONDS - now
            raise Busy("This desk spares the server's limit of requests.", retry_after=wait)
        self._made.append(now)
