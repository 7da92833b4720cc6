"""Run a task: its attempts, its states, its log lines; messages of Prefect 3.9."""

import logging
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from flowruns.domain.states import StateType
from flowruns.sdk.context import (
    FlowRunContext,
    TaskRunContext,
    current_flow_run,
    current_tags,
    current_task_run,
    in_task_run,
)
from flowruns.sdk.errors import (
    ConfigurationError,
    FlowPauseTimeout,
    PauseEnded,
    ResultNotPersisted,
    TaskRunTimeoutError,
    UpstreamTaskError,
)
from flowruns.sdk.inputs.questions import name_asker
from flowruns.sdk.reporting import logs as run_logs
from flowruns.sdk.reporting.task_runs import TaskReport, running
from flowruns.sdk.results import StoredResult, digest_call, name_values, place_result
from flowruns.sdk.runs.definitions import TaskDefinition
from flowruns.sdk.runs.futures import (
    completed_result,
    conclude,
    has_futures,
    replace_states,
    states_of,
)
from flowruns.sdk.runs.hooks import call_author, hook_steps
from flowruns.sdk.runs.options import custom_name
from flowruns.sdk.runs.parameters import Arguments, bind
from flowruns.sdk.runs.yielding import invoke_steps, replay_steps
from flowruns.sdk.states import State, TaskRun, crashed, failed_with, timed_out
from flowruns.sdk.steps.limits import TimeLimit
from flowruns.sdk.steps.steps import Block, Sleep, Steps
from flowruns.sdk.steps.turns import Gate
from flowruns.sdk.storage import open_storage

# Trying again asks nobody anew: the run has ended, or its person has not come.
_NOT_RETRIED = (PauseEnded, FlowPauseTimeout)


@dataclass(slots=True)
class TaskEngine:
    """One call of a task."""

    task: TaskDefinition[..., Any]
    task_run_id: UUID
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    wait_for: tuple[Any, ...] = ()
    is_submitted: bool = False
    # Whether the caller takes what the task yields item by item.
    is_streamed: bool = False
    report: TaskReport = field(init=False)
    # Who calls the task: the calls of tasks that this one is a part of.
    asker: str = field(init=False)

    def __post_init__(self) -> None:
        caller = current_task_run()
        self.asker = caller.asker if caller else ""
        self.report = TaskReport(
            self.task_run_id,
            f"{self.task.name}-{str(self.task_run_id)[:3]}",
            self.task.fn.__qualname__,
            self.task.retries,
            tags=tuple(sorted(self.task.tags | set(current_tags()))),
        )

    def announce(self) -> None:
        """Have the server told that the task run is there, and waits for its turn."""
        if self.report.last is None:
            self.report.tell(State(type=StateType.PENDING))

    def play(self) -> Steps[State[Any]]:
        """Call the task's function as often as it may retry and return its final state."""
        gate = self._gate()
        self.announce()
        context = TaskRunContext(
            task_run_id=self.task_run_id,
            is_async=self.task.is_async,
            log_prints=self.task.log_prints,
            logger=self._make_logger(),
        )
        prints = run_logs.forwarded_prints() if self.task.log_prints else nullcontext()
        with in_task_run(context), prints:
            state = yield from self._play_attempts(context, gate)
            self.report.tell(state)
            yield from self._call_hooks(state, context)
            level = logging.INFO if state.is_completed() else logging.ERROR
            context.logger.log(level, "Finished in state %s", state)
        return state

    def _make_logger(self) -> run_logs.RunLogger:
        return run_logs.task_run_logger(self.task_run_id, self.report.name, self.task.name)

    def _leave_if_suspended(self) -> None:
        if run := current_flow_run():
            run.leave_if_suspended()

    def _gate(self) -> Gate | None:
        """Return what holds the task while its run is paused; a part of a started one goes on."""
        run = current_flow_run()
        is_part = current_task_run() is not None and not self.is_submitted
        return None if run is None or is_part else run.task_gate

    def _take_name(self, arguments: dict[str, Any], context: TaskRunContext) -> None:
        """Go by the name that the task gives to its runs, now that the arguments are known."""
        if name := custom_name(self.task.task_run_name, arguments, "task_run_name"):
            self.report.name = name
            context.logger = self._make_logger()

    def _play_attempts(self, context: TaskRunContext, gate: Gate | None) -> Steps[State[Any]]:
        try:
            args, kwargs = yield from self._resolve()
        except UpstreamTaskError as error:
            return self._own_state(
                State(type=StateType.PENDING, name="NotReady", message=str(error))
            )
        if gate is not None:
            yield from gate.pass_through()
            # A gate is that of the run: a part of a started task, which has none, goes on.
            self._leave_if_suspended()
        arguments = bind(self.task.fn, args, kwargs)
        try:
            self._take_name(arguments, context)
        except Exception as error:
            context.logger.exception("The task run cannot be named")
            return self._own_state(failed_with(error, "Task run encountered an exception"))
        yield from self._call_hooks(State(type=StateType.RUNNING), context)
        context.digest = lambda: digest_call(self.task.fn, arguments)
        context.asker = name_asker(self.asker, self.task.name, name_values(self._named(arguments)))
        try:
            run, stored = current_flow_run(), None
            if run is not None and self._is_to_persist(run):
                stored = yield Block(lambda: self._place_result(run, arguments, context))
            if stored is None:
                return (yield from self._attempt(args, kwargs, context))
            if found := (yield Block(stored.read)):
                if self.task.yields:
                    yield from replay_steps(found.value)
                return self._own_state(State(type=StateType.COMPLETED, name="Cached", data=found))
            state = yield from self._attempt(args, kwargs, context)
            if state.is_completed():
                yield Block(lambda: self._store(state, stored, context))
        except (ResultNotPersisted, ConfigurationError) as error:
            context.logger.error("Task run failed: %s", error)  # noqa: TRY400 -- it says it all
            return self._own_state(failed_with(error, "Task run encountered an exception"))
        return state

    def _named(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments with the instance whose method the task is, if it is one."""
        return arguments | {"": getattr(self.task.fn, "__self__", None)}

    def _persists(self) -> bool:
        run, own = current_flow_run(), self.task.persist_result
        return bool(run and (run.results.persist if own is None else own))

    def _store(self, state: State[Any], stored: StoredResult, context: TaskRunContext) -> None:
        try:
            stored.write(state.result())
        except ResultNotPersisted as error:
            self._go_on_without(error, context)

    def _go_on_without(self, error: ResultNotPersisted, context: TaskRunContext) -> None:
        """Say once in a run that results of the task cannot be stored: no reason to fail."""
        run = current_flow_run()
        if run is None or run.results.forget(self.task.name, str(error)):
            context.logger.warning("%s. The task runs and is not stored.", error)

    def _is_to_persist(self, run: FlowRunContext) -> bool:
        """Whether the result is to be kept; the run notes one that nobody has decided on."""
        if self.task.persist_result is None and run.results.persist is None:
            run.results.forget(self.task.name)
        return self._persists()

    def _place_result(
        self, run: FlowRunContext, arguments: dict[str, Any], context: TaskRunContext
    ) -> StoredResult | None:
        """Return where this call's result is kept, or None where it cannot be."""
        task, settings = self.task, run.results
        storage = open_storage(task.result_storage or settings.storage)
        if storage.ends_with_process:
            settings.forget(task.name)
        try:
            return place_result(
                task.fn,
                arguments,
                flow_run_id=settings.outermost_id or run.flow_run.id,
                task_name=task.name,
                storage=storage,
            )
        except ResultNotPersisted as error:
            self._go_on_without(error, context)
            return None

    def _attempt(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], context: TaskRunContext
    ) -> Steps[State[Any]]:
        call = partial(self.task.fn, *args, **kwargs)
        attempt = 0
        while True:
            self.report.tell(running(again=attempt > 0))
            seconds = self.task.timeout_seconds
            context.limit = TimeLimit(seconds, TaskRunTimeoutError) if seconds else None
            try:
                keeps = not self.is_streamed or self._persists()
                value = yield from invoke_steps(self.task.fn, call, context.limit, keeps=keeps)
                if has_futures(value):
                    value = yield Block(partial(states_of, value))
            except Exception as error:  # noqa: BLE001 -- whatever a task raises fails it
                if not (yield from self._retry(error, attempt, context)):
                    return self._own_state(self._failed(error, context.limit))
                attempt += 1
            except GeneratorExit:
                raise
            except BaseException as error:
                context.logger.critical("Crash detected! %s", crashed(error).message)
                self.report.tell(crashed(error))
                raise
            else:
                return self._own_state(conclude(value))

    def _failed(self, error: Exception, limit: TimeLimit | None) -> State[Any]:
        if not isinstance(error, TimeoutError):
            return failed_with(error, "Task run encountered an exception")
        own = f"Task run exceeded timeout of {self.task.timeout_seconds} second(s)"
        return timed_out(error, limit, own=own, other="Task run failed due to timeout")

    def _call_hooks(self, state: State[Any], context: TaskRunContext) -> Steps[None]:
        if self.task.hooks.of(state):  # else nobody looks at the run
            run = self._run(state)
            yield from hook_steps(self.task.hooks, self.task, run, state, context.logger)

    def _run(self, state: State[Any]) -> TaskRun:
        """Describe the task run as authors' functions get it."""
        flow_run = current_flow_run()
        flow_run_id = flow_run.flow_run.id if flow_run else None
        return TaskRun(
            id=self.task_run_id, name=self.report.name, flow_run_id=flow_run_id, state=state
        )

    def _resolve(self) -> Steps[Arguments]:
        """Wait for the futures among the arguments; raise UpstreamTaskError where one failed."""
        args, kwargs = self.args, self.kwargs
        if self.wait_for or has_futures((args, kwargs)):
            states = yield Block(lambda: states_of((args, kwargs, self.wait_for)))
            args, kwargs, _ = replace_states(states, completed_result)
        return args, kwargs

    def _retry(self, error: Exception, attempt: int, context: TaskRunContext) -> Steps[bool]:
        """Sleep before the next attempt, if there is one."""
        retries, logger = self.task.retries, context.logger
        is_wanted = attempt < retries and not isinstance(error, _NOT_RETRIED)
        if not is_wanted or not (yield from self._may_retry(error, context)):
            exhausted = " - Retries are exhausted" if retries and attempt >= retries else ""
            text = "Task run failed with exception: %r%s"
            logger.error(text, error, exhausted, exc_info=error)
            return False
        delay = self.task.delay_before(attempt)
        when = f"{delay} second(s) from now" if delay else "immediately"
        text = "Task run failed with exception: %r - Retry %s/%s will start %s"
        logger.info(text, error, attempt + 1, retries, when)
        if delay:
            yield Sleep(delay)
        return True

    def _may_retry(self, error: Exception, context: TaskRunContext) -> Steps[bool]:
        """Ask the author's condition, if there is one; one that fails says no, as in Prefect."""
        condition = self.task.retry_condition_fn
        if condition is None:
            return True
        state = self._own_state(self._failed(error, context.limit))
        try:
            asking = partial(condition, self.task, self._run(state), state)
            return bool((yield from call_author(asking)))
        except Exception:
            context.logger.exception("`retry_condition_fn` failed; the task is not tried again")
            return False

    def _own_state(self, state: State[Any]) -> State[Any]:
        details = state.state_details.model_copy(update={"task_run_id": self.task_run_id})
        return state.model_copy(update={"state_details": details})
