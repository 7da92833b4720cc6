"""How long a flow or a task may take, not counting the time it waits for a person."""

import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

# Sets the alarm to go off in so many seconds, or puts it out (None).
type SetAlarm = Callable[[float | None], None]


class OutOfTime(BaseException):
    """Ends sync code at its limit; no `except Exception` on the way holds it up."""

    def __init__(self, limit: "TimeLimit") -> None:
        super().__init__()
        self.limit = limit


@dataclass(slots=True, eq=False)
class TimeLimit:
    """`seconds` for one call; `error` is what the call raises when they have passed.

    Async code is cancelled then. Sync code in the main thread is interrupted. Sync code in
    another thread cannot be, and may end late: what it returns or raises then is dropped.
    """

    seconds: float
    error: type[TimeoutError]
    raised: TimeoutError | None = field(default=None, init=False)
    _left: float = field(init=False)
    _ends_at: float | None = field(default=None, init=False)
    _freezes: int = field(default=0, init=False)
    _set_alarm: SetAlarm | None = field(default=None, init=False)
    _guard: threading.RLock = field(default_factory=threading.RLock, init=False)

    def __post_init__(self) -> None:
        self._left = self.seconds

    def call(self, function: Callable[[], Any]) -> Any:
        """Call sync code; raises `error` if it takes too long."""
        try:
            with _alarm(self) as set_alarm, self._counted(set_alarm):
                result = function()
        except OutOfTime as end:
            if end.limit is not self:
                raise
            raise self._make_error() from None
        except Exception:
            if self._left <= 0:
                raise self._make_error() from None
            raise
        if self._left <= 0:
            raise self._make_error()
        return result

    async def await_[T](self, awaitable: Awaitable[T]) -> T:
        """Await async code; raises `error` if it takes too long."""
        import asyncio

        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(None) as scope:

                def move(seconds: float | None) -> None:
                    if not is_over:
                        scope.reschedule(None if seconds is None else loop.time() + seconds)

                is_over = False
                try:
                    with self._counted(lambda left: _soon(loop, move, left)):
                        return await awaitable
                finally:
                    is_over = True
        except TimeoutError:
            if scope.expired():
                raise self._make_error() from None
            raise

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop the clock for a while, from any thread."""
        with self._guard:
            self._freezes += 1
            self._stop()
        try:
            yield
        finally:
            with self._guard:
                self._freezes -= 1
                self._go_on()

    @contextmanager
    def _counted(self, set_alarm: SetAlarm) -> Iterator[None]:
        with self._guard:
            self._set_alarm = set_alarm
            self._go_on()
        try:
            yield
        finally:
            with self._guard:
                self._stop()
                self._set_alarm = None

    def _go_on(self) -> None:
        if self._freezes or self._set_alarm is None or self._ends_at is not None:
            return
        self._ends_at = time.monotonic() + self._left
        self._set_alarm(max(0.0, self._left))

    def _stop(self) -> None:
        if self._ends_at is None or self._set_alarm is None:
            return
        self._left = self._ends_at - time.monotonic()
        self._ends_at = None
        self._set_alarm(None)

    def _make_error(self) -> TimeoutError:
        self.raised = self.error(f"Scope timed out after {self.seconds} second(s).")
        return self.raised


def _soon(
    loop: "asyncio.AbstractEventLoop", move: Callable[[float | None], None], left: float | None
) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(move, left)


_alarms: dict[TimeLimit, float] = {}
_alarms_guard = threading.RLock()


def _set_timer() -> None:
    """Let the process's one timer go off at the first of the alarms."""
    first = min(_alarms.values(), default=None)
    seconds = 0.0 if first is None else max(1e-6, first - time.monotonic())
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _go_off(number: int, frame: FrameType | None) -> None:
    del number, frame
    with _alarms_guard:
        now = time.monotonic()
        # An outer call began before the inner ones, and ends them all.
        due = next((limit for limit, ends_at in _alarms.items() if ends_at <= now), None)
        if due is not None:
            del _alarms[due]
        _set_timer()
    if due is not None:
        raise OutOfTime(due)


@contextmanager
def _alarm(limit: TimeLimit) -> Iterator[SetAlarm]:
    """Lend an alarm that interrupts this thread, if it is the one that can be interrupted."""

    def set_alarm(seconds: float | None) -> None:
        with _alarms_guard:
            _alarms.pop(limit, None)
            if seconds is not None:
                _alarms[limit] = time.monotonic() + seconds
            _set_timer()

    previous = _handler_here()
    if previous not in {signal.SIG_DFL, _go_off}:
        yield lambda _: None
        return
    signal.signal(signal.SIGALRM, _go_off)
    try:
        yield set_alarm
    finally:
        set_alarm(None)
        signal.signal(signal.SIGALRM, previous)


def _handler_here() -> Any:
    """Return who handles alarms in this thread; a program's own handler is left in peace."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and hasattr(signal, "SIGALRM"):
        return signal.getsignal(signal.SIGALRM)
    return None
