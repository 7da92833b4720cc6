"""What a flow or a task is before it runs: its function, its options and its hooks."""

import functools
import inspect
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self, Unpack

from flowruns.domain.run_names import new_run_name
from flowruns.sdk.runs.futures import ThreadPoolTaskRunner
from flowruns.sdk.runs.hooks import HookDecorator, Hooks
from flowruns.sdk.runs.options import (
    FlowOptions,
    TaskOptions,
    check_delays,
    check_name,
    check_options,
    custom_name,
    plain_function,
)
from flowruns.sdk.runs.yielding import is_awaited, yields
from flowruns.sdk.states import FlowRun

# Not the shared one, which an author may have seeded for the flow's own draws
_random = random.SystemRandom()


class Definition[**P, R]:
    """What flows and tasks have in common."""

    kind: ClassVar[str]
    known_options: ClassVar[type[Any]]

    def __init__(self, fn: Callable[P, R], options: Mapping[str, Any]) -> None:
        check_options(self.kind, options, self.known_options)
        function, made_of = plain_function(fn)
        wrapper: Any = self  # callable as soon as it is a flow or a task
        functools.update_wrapper(wrapper, function)
        self.fn: Callable[P, R] = function
        self.made_of = made_of
        self.options = options
        self.name: str = options.get("name") or self.fn.__name__
        self.description: str | None = options.get("description") or inspect.getdoc(self.fn)
        self.retries: int = options.get("retries") or 0
        self.timeout_seconds = float(options.get("timeout_seconds") or 0) or None
        self.log_prints: bool | None = options.get("log_prints")
        self.persist_result: bool | None = options.get("persist_result")
        self.result_storage = options.get("result_storage")
        if self.persist_result is None and self.result_storage:
            # A place for results is named in order to be used.
            self.persist_result = True
        self.is_async = is_awaited(self.fn)
        self.yields = yields(self.fn)
        self.hooks = Hooks.of_options(options)

    on_running = HookDecorator()
    on_completion = HookDecorator()
    on_failure = HookDecorator()

    def _changed(self, options: Mapping[str, Any]) -> Self:
        changed = type(self)(self.fn, **{**self.options, **options})
        changed.made_of = self.made_of
        changed.hooks.adopt(self.hooks, unless=options)
        return changed

    def __repr__(self) -> str:
        return f"<{self.kind.capitalize()} {self.name!r}>"


class FlowDefinition[**P, R](Definition[P, R]):
    """A flow as those know it who run it, register it or name its file."""

    kind = "flow"
    known_options = FlowOptions

    def __init__(self, fn: Callable[P, R], **options: Unpack[FlowOptions]) -> None:
        super().__init__(fn, options)
        self.name = options.get("name") or self.fn.__name__.replace("_", "-")
        self.version = options.get("version")
        self.flow_run_name = check_name("flow_run_name", options.get("flow_run_name"))
        self.retry_delay_seconds = options.get("retry_delay_seconds") or 0
        self.task_runner = options.get("task_runner") or ThreadPoolTaskRunner()
        self.validate_parameters = options.get("validate_parameters", True)

    on_crashed = HookDecorator()
    on_cancellation = HookDecorator()

    def name_run(self, parameters: dict[str, Any]) -> str:
        """Name a run: by template, by function, or by drawing a name."""
        return custom_name(self.flow_run_name, parameters, "flow_run_name") or new_run_name()

    def play_taken(self, flow_run: FlowRun) -> None:
        """Run the flow as `flow_run`, which this process has taken, and report its end there.

        Raises ParameterBindError, before anything else, where its parameters do not fit.
        """
        raise NotImplementedError


class TaskDefinition[**P, R](Definition[P, R]):
    """A task as its runs know it."""

    kind = "task"
    known_options = TaskOptions

    def __init__(self, fn: Callable[P, R], **options: Unpack[TaskOptions]) -> None:
        super().__init__(fn, options)
        self.tags = frozenset(options.get("tags") or ())
        self.task_run_name = check_name("task_run_name", options.get("task_run_name"))
        self.retry_delay_seconds = check_delays(
            options.get("retry_delay_seconds") or 0, self.retries
        )
        self.retry_jitter_factor = options.get("retry_jitter_factor") or 0.0
        if self.retry_jitter_factor < 0:
            raise ValueError("retry_jitter_factor must not be negative")
        self.retry_condition_fn = options.get("retry_condition_fn")

    def delay_before(self, attempt: int) -> float:
        """Return the seconds to wait after the failure of attempt number `attempt`, from 0."""
        delays = self.retry_delay_seconds
        if isinstance(delays, Sequence):
            delays = delays[min(attempt, len(delays) - 1)] if delays else 0
        jitter = self.retry_jitter_factor
        # Spreads those that failed together
        return delays * _random.uniform(max(0.0, 1 - jitter), 1 + jitter)
