"""Which run the calling code belongs to."""

import contextvars
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flowruns.sdk.errors import FlowRunSuspended, MissingContextError
from flowruns.sdk.results import ResultSettings, using_results
from flowruns.sdk.states import FlowRun, State
from flowruns.sdk.steps.drive import AsyncConnection, Connection
from flowruns.sdk.steps.limits import TimeLimit
from flowruns.sdk.steps.turns import Gate, Turnstile

# Threads are made as they are needed; the bound keeps a large map() from making one per item.
MOST_THREADS = 256

# The messages that this attempt of the run has met: who reads each, until it is acknowledged.
type TakenMessages = dict[str, object | None]

_log = logging.getLogger("flowruns")


@dataclass(slots=True, kw_only=True)
class FlowRunContext:
    """A flow run in progress in this process."""

    flow_run: FlowRun
    is_async: bool
    log_prints: bool
    logger: "logging.LoggerAdapter[logging.Logger]"
    connection: Connection | AsyncConnection
    pauses_seen: int = 0
    # The state that the run has as far as is known, where a server compares before it writes.
    running: State[Any] | None = None
    pause_turns: Turnstile = field(default_factory=Turnstile)
    task_gate: Gate = field(default_factory=Gate)
    results: ResultSettings = field(default_factory=ResultSettings)
    suspended: threading.Event = field(default_factory=threading.Event)
    messages: TakenMessages = field(default_factory=dict)
    # The questions of the run as `bindings` remembers them, read when it first asks.
    memory: object | None = None
    # The run that called this one as its subflow.
    caller: "FlowRunContext | None" = None
    # The subflows that were called in this process, and whether an earlier one called them too.
    subflows: dict[UUID, bool] = field(default_factory=dict)
    # Each says why the next process would not find an answer, or ""; shared with the caller.
    doubts: list[Callable[[], str]] = field(default_factory=list)
    # Those of the runs that called this one too: they wait for its person as well.
    limits: tuple[TimeLimit, ...] = ()
    most_threads: int = MOST_THREADS
    _pool: ThreadPoolExecutor | None = None
    _calls: "Counter[str]" = field(default_factory=Counter)
    _counting: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.caller is not None:
            self.doubts = self.caller.doubts

    @property
    def pool(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.most_threads, f"{self.flow_run.name}-")
        return self._pool

    @property
    def has_submitted(self) -> bool:
        """Whether any task was submitted to a thread."""
        return self._pool is not None

    def note_running(self, state: State[Any]) -> None:
        """Remember the state in which the run goes on after a pause."""
        if self.running is not None:
            self.running = state

    def doubt(self, why: Callable[[], str]) -> None:
        """Say once in the log that an answer might not be found again, and ask when it matters."""
        if text := why():
            if not self.doubts:
                self.logger.warning("%s", text)
            self.doubts.append(why)

    def count_call(self, name: str) -> int:
        """Return how often this was said with `name` before, in this attempt of the run."""
        with self._counting:
            self._calls[name] += 1
            return self._calls[name] - 1

    @contextmanager
    def waiting_for_a_person(self) -> Iterator[None]:
        """Let no task start and no limit come nearer for a while."""
        task = _task_run.get()
        own = (task.limit,) if task and task.limit else ()
        with ExitStack() as stack:
            for limit in (*self.limits, *own):
                stack.enter_context(limit.frozen())
            stack.enter_context(self.task_gate.closed())
            yield

    def leave_if_suspended(self) -> None:
        """Raise FlowRunSuspended where the run goes on in another process."""
        if self.suspended.is_set():
            raise FlowRunSuspended

    def finish_started_tasks(self) -> None:
        """Wait for the tasks that have started, and drop the others."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def finish_tasks(self) -> None:
        """Wait for the tasks that were submitted."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)

    def drop_tasks(self) -> None:
        """Drop the tasks that have not started, and wait for none."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)


@dataclass(slots=True, kw_only=True)
class TaskRunContext:
    """A task run in progress in this thread or asyncio task."""

    task_run_id: UUID
    is_async: bool
    log_prints: bool | None
    logger: "logging.LoggerAdapter[logging.Logger]"
    limit: TimeLimit | None = None
    # Names this call of the task alike in every process; raises what pickle does.
    digest: Callable[[], str] | None = None
    # Names this call of the task, and those that it is a part of, for the questions that it asks.
    asker: str = ""


_flow_run: ContextVar[FlowRunContext | None] = ContextVar("flow_run", default=None)
_task_run: ContextVar[TaskRunContext | None] = ContextVar("task_run", default=None)
_tags: ContextVar[frozenset[str]] = ContextVar("tags", default=frozenset())


def current_flow_run() -> FlowRunContext | None:
    return _flow_run.get()


def current_task_run() -> TaskRunContext | None:
    return _task_run.get()


def get_run_context() -> FlowRunContext | TaskRunContext:
    """Return the task run, or else the flow run, that the calling code belongs to.

    As in Prefect 3.9; raises MissingContextError outside of runs.

    Example: `get_run_context().flow_run.id`
    """
    context = _task_run.get() or _flow_run.get()
    if context is None:
        raise MissingContextError
    return context


def require_flow_run(message: str) -> FlowRunContext:
    """Return the run that the calling code belongs to; raise MissingContextError without one."""
    context = _flow_run.get()
    if context is None:
        raise MissingContextError(message)
    return context


@contextmanager
def in_flow_run(context: FlowRunContext) -> Iterator[FlowRunContext]:
    """Make `context` the current one; a task that called the flow is not, for its while."""
    flow_token, task_token = _flow_run.set(context), _task_run.set(None)
    try:
        with using_results(context.results):
            yield context
    finally:
        _task_run.reset(task_token)
        _flow_run.reset(flow_token)


@contextmanager
def in_task_run(context: TaskRunContext) -> Iterator[TaskRunContext]:
    token = _task_run.set(context)
    try:
        yield context
    finally:
        _task_run.reset(token)


@contextmanager
def tags(*names: str) -> Iterator[frozenset[str]]:
    """Tag the flow runs that are started inside; semantics of Prefect 3.9.

    Example: `with tags("finance"): refund(order=7)`
    """
    token = _tags.set(_tags.get() | set(names))
    try:
        yield _tags.get()
    finally:
        _tags.reset(token)


def current_tags() -> list[str]:
    return sorted(_tags.get())


def current_logger() -> "logging.Logger | logging.LoggerAdapter[logging.Logger]":
    """Return the logger of the innermost run, or the library's own outside of runs."""
    run = _task_run.get() or _flow_run.get()
    return run.logger if run else _log


def prints_are_logged() -> bool:
    task, flow = _task_run.get(), _flow_run.get()
    if task is not None and task.log_prints is not None:
        return task.log_prints
    return flow is not None and flow.log_prints


def in_async_code() -> bool:
    """Whether the caller can await: a loop runs in its thread and its run, if any, is async."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    run = _task_run.get() or _flow_run.get()
    return run is None or run.is_async


def copy_context() -> contextvars.Context:
    return contextvars.copy_context()
