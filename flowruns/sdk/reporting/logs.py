"""Loggers of runs, and the prints that they take over."""

import builtins
import functools
import logging
import sys
import threading
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flowruns import wire
from flowruns.sdk import context as contexts
from flowruns.sdk.errors import MissingContextError
from flowruns.sdk.reporting.shipping import LogShipper
from flowruns.sdk.states import printable

FLOW_RUNS = "flowruns.flow_runs"
TASK_RUNS = "flowruns.task_runs"

shipper = LogShipper()


class RunLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose lines belong to a run, with what a call adds in its own `extra`."""

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        # Python 3.12's adapter would drop the extra of the call.
        kwargs["extra"] = {**(self.extra or {}), **kwargs.get("extra", {})}
        return msg, kwargs


class ShippingHandler(logging.Handler):
    """Hands the records of runs to the shipper, which sends them to the server."""

    def emit(self, record: logging.LogRecord) -> None:
        flow_run_id = getattr(record, "flow_run_id", None)
        if flow_run_id is None or not getattr(record, "send_to_api", True):
            return
        try:
            shipper.add(_to_log(record, UUID(flow_run_id)))
        except Exception:  # noqa: BLE001 -- logging never breaks the flow
            self.handleError(record)


def _to_log(record: logging.LogRecord, flow_run_id: UUID) -> wire.LogCreate:
    message = record.getMessage()
    if record.exc_info:
        message += "\n" + logging.Formatter().formatException(record.exc_info)
    task_run_id = getattr(record, "task_run_id", None)
    return wire.LogCreate(
        name=record.name,
        level=record.levelno,
        message=printable(message),
        timestamp=datetime.fromtimestamp(record.created, UTC),
        flow_run_id=flow_run_id,
        task_run_id=UUID(task_run_id) if task_run_id else None,
    )


class _ConsoleFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Begin the line with the run that says it."""
        for kind in ("task", "flow"):
            if name := getattr(record, f"{kind}_run_name", None):
                record.run = f"{kind.capitalize()} run {name!r}"
                break
        else:
            record.run = record.name
        return super().format(record)


@functools.cache
def set_up() -> None:
    """Connect our loggers to the server, and to the console unless the program logs itself."""
    logger = logging.getLogger("flowruns")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    logger.addHandler(ShippingHandler())
    if not logging.getLogger().handlers:
        console = logging.StreamHandler()
        line = "%(asctime)s.%(msecs)03d | %(levelname)-7s | %(run)s - %(message)s"
        console.setFormatter(_ConsoleFormatter(line, datefmt="%H:%M:%S"))
        logger.addHandler(console)


def flow_run_logger(flow_run_id: UUID, flow_run_name: str, flow_name: str) -> RunLogger:
    set_up()
    extra = {
        "flow_run_id": str(flow_run_id),
        "flow_run_name": flow_run_name,
        "flow_name": flow_name,
    }
    return RunLogger(logging.getLogger(FLOW_RUNS), extra)


def task_run_logger(task_run_id: UUID, task_run_name: str, task_name: str) -> RunLogger:
    """Make a task run's logger; its lines belong to the enclosing flow run, if there is one."""
    set_up()
    extra = {
        "task_run_id": str(task_run_id),
        "task_run_name": task_run_name,
        "task_name": task_name,
    }
    flow_run = contexts.current_flow_run()
    if flow_run is not None:
        extra["flow_run_id"] = str(flow_run.flow_run.id)
    return RunLogger(logging.getLogger(TASK_RUNS), extra)


def get_run_logger() -> logging.LoggerAdapter[logging.Logger]:
    """Return the logger of the current task or flow run; its lines reach the server.

    Semantics of Prefect 3.9. Raises MissingContextError outside of a run.

    Example: `get_run_logger().info("Charged %s", amount)`
    """
    run = contexts.current_task_run() or contexts.current_flow_run()
    if run is None:
        raise MissingContextError("There is no active flow or task run context.")
    return run.logger


_original_print = builtins.print
_forwarding = 0
_forwarding_guard = threading.Lock()


def _print(*args: Any, **kwargs: Any) -> None:
    """Log what a run prints, where it wants that; print everything else."""
    if not contexts.prints_are_logged() or kwargs.get("file") not in {None, sys.stdout, sys.stderr}:
        _original_print(*args, **kwargs)
        return
    separator = kwargs.get("sep")
    message = (" " if separator is None else separator).join(str(value) for value in args)
    contexts.current_logger().info("%s", message)


@contextmanager
def forwarded_prints() -> Iterator[None]:
    """Let runs that want it log what they print, while at least one such run is in progress."""
    global _forwarding  # noqa: PLW0603 -- print is one for the whole process
    with _forwarding_guard:
        _forwarding += 1
        builtins.print = _print
    try:
        yield
    finally:
        with _forwarding_guard:
            _forwarding -= 1
            if not _forwarding:
                builtins.print = _original_print
