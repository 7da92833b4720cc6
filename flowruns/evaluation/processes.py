"""One deadline for all that is evaluated of what a client sent.

What is cheap, as nearly everything is, is evaluated in place within a limit of steps. The rest
begins anew in a process that is killed at its deadline, since much of it cannot be interrupted:
what is written in C, and what follows references without looking up.
"""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from multiprocessing.connection import Pipe
from pathlib import Path
from typing import Any

from flowruns.domain.errors import EvaluationBusy, SchemaTooSlow, VariableNotFound
from flowruns.evaluation.budget import EvaluationTooSlow, StepLimit, bounded_by, measure, spend
from flowruns.evaluation.hydration import FindVariable

DEADLINE_SECONDS = 2.0
# Steps of an evaluation in place, which takes a twentieth of a second then.
MAX_STEPS = 5_000
# JSON values, and hundreds of characters, of what is evaluated at all.
MAX_SIZE = 200_000
_MAX_PROCESSES = 3
_MAX_OF_ONE_CALLER = 2
# A process that has not ended itself by then is stopped, or its machine is very busy.
_GRACE_SECONDS = 10.0
_ROOT = Path(__file__).resolve().parents[2]

_caller: ContextVar[str] = ContextVar("caller", default="")

type Job[T] = Callable[[Any, Any, FindVariable | None], T]


def evaluate[T](
    job: Job[T], first: Any, second: Any, *, find_variable: FindVariable | None = None
) -> T:
    """Return `job(first, second, find_variable)`, a function of `answers`, or raise what it raises.

    Raises `SchemaTooSlow` for what takes longer than the deadline, and `EvaluationBusy` where
    others take all processes.
    """
    size = measure([first, second], most=MAX_SIZE)
    if size > MAX_SIZE:
        raise SchemaTooSlow
    try:
        with bounded_by(StepLimit(MAX_STEPS)):
            spend(size)
            return job(first, second, find_variable)
    except EvaluationTooSlow:
        result: T = _processes.run(job, (first, second), find_variable)
        return result


def evaluate_for(caller: str) -> None:
    """Say for whom the rest of this request evaluates: nobody has all processes at a time.

    Unsaid it is for the reviewers, all of them.
    """
    _caller.set(caller)


def begin_processes() -> None:
    """Let processes start with their first jobs."""
    _processes.has_ended = False


def end_processes() -> None:
    """Kill the processes and start no others, so that nobody waits for them when this one ends."""
    _processes.end()


class _Process:
    """A process that evaluates one job after the other."""

    def __init__(self) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            descriptor = theirs.fileno()
            self._child = subprocess.Popen(  # noqa: S603 -- our own module
                [sys.executable, "-m", "flowruns.evaluation.worker", str(descriptor)],
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                env={"PYTHONPATH": str(_ROOT)},  # and none of the server's secrets
                start_new_session=True,  # a Ctrl-C in the terminal is for the server
            )

    def run(
        self, job: Job[Any], arguments: tuple[Any, Any], find_variable: FindVariable | None
    ) -> tuple[bool, Any]:
        """Return whether the job returned, and what it did or raised; `EOFError` if killed."""
        reads_variables = find_variable is not None
        self.connection.send((job, arguments, reads_variables, DEADLINE_SECONDS))
        while True:
            if not self.connection.poll(DEADLINE_SECONDS + _GRACE_SECONDS):
                raise EOFError
            kind, found = self.connection.recv()
            if kind == "variable":
                self.connection.send(_find(found, find_variable))
            else:
                return kind == "returned", found

    def kill(self) -> None:
        """End it at once; whoever waits for it hears of it."""
        self._child.kill()

    def end(self) -> None:
        self.kill()
        self._child.wait()
        self.connection.close()


def _find(name: str, find_variable: FindVariable | None) -> tuple[bool, Any]:
    """Return whether there is such a variable, and its value or the error."""
    assert find_variable is not None  # noqa: S101 -- else nobody asks
    try:
        return True, find_variable(name)
    except VariableNotFound as error:
        return False, error


class _Processes:
    """A few processes, which start with their first job and are replaced when they are killed."""

    def __init__(self) -> None:
        self.has_ended = False
        self._busy: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._all: set[_Process] = set()
        self._idle: list[_Process] = []

    def run(
        self, job: Job[Any], arguments: tuple[Any, Any], find_variable: FindVariable | None
    ) -> Any:
        """Run a job in the next process that is free."""
        with self._turn(_caller.get()):
            return self._run(job, arguments, find_variable)

    @contextmanager
    def _turn(self, caller: str) -> Iterator[None]:
        with self._changed:
            is_free = self._changed.wait_for(lambda: self._may_begin(caller), DEADLINE_SECONDS)
            if self.has_ended or not is_free:
                raise EvaluationBusy
            self._busy[caller] += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= Counter([caller])  # and forgets who has none
                self._changed.notify_all()

    def _may_begin(self, caller: str) -> bool:
        is_free = self._busy.total() < _MAX_PROCESSES and self._busy[caller] < _MAX_OF_ONE_CALLER
        return is_free or self.has_ended

    def _run(
        self, job: Job[Any], arguments: tuple[Any, Any], find_variable: FindVariable | None
    ) -> Any:
        process = self._idle.pop() if self._idle else _Process()
        self._all.add(process)
        try:
            has_returned, found = process.run(job, arguments, find_variable)
        except BaseException as error:
            self._all.discard(process)
            process.end()
            if isinstance(error, EOFError | OSError):
                raise SchemaTooSlow from None
            raise
        self._idle.append(process)
        if has_returned:
            return found
        raise SchemaTooSlow if isinstance(found, MemoryError) else found

    def end(self) -> None:
        with self._changed:
            self.has_ended = True
            self._changed.notify_all()
        for process in tuple(self._all):
            process.kill()


_processes = _Processes()
