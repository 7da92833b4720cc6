"""Let a flow run learn that its process is told to end."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from flowruns.sdk.errors import TerminationSignal


def _raise(number: int, frame: FrameType | None) -> None:
    del frame
    # Told again, the run still reports its end; who cannot wait for that has SIGKILL.
    signal.signal(number, signal.SIG_IGN)
    raise TerminationSignal


@contextmanager
def termination_raises() -> Iterator[None]:
    """Raise TerminationSignal on SIGTERM inside; end by the signal after it has been reported.

    Only in the main thread, where Python delivers signals, and only where the program has no
    handler of its own.
    """
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    except TerminationSignal:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
        raise
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
