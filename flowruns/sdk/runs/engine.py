"""Run a flow: its run on the server, its states, its retries; messages of Prefect 3.9."""

import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flowruns import wire
from flowruns.domain.states import StateType
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.calls.asking import STARTING, WORKING
from flowruns.sdk.config import load_config
from flowruns.sdk.context import FlowRunContext, current_flow_run, current_task_run, in_flow_run
from flowruns.sdk.errors import (
    ConfigurationError,
    FlowRunNotOurs,
    FlowRunsError,
    FlowRunSuspended,
    FlowRunTimeoutError,
    ObjectNotFound,
    ParameterTypeError,
    PauseEnded,
    ServerError,
    StateHasChanged,
)
from flowruns.sdk.reporting import logs as run_logs
from flowruns.sdk.reporting import rest
from flowruns.sdk.results import ResultSettings
from flowruns.sdk.runs import parameters
from flowruns.sdk.runs.definitions import FlowDefinition
from flowruns.sdk.runs.flow_results import FlowResult, check_storage, result_settings
from flowruns.sdk.runs.futures import (
    conclude,
    has_futures,
    results_of,
    states_of,
    wait_for_completion,
)
from flowruns.sdk.runs.hooks import hook_steps
from flowruns.sdk.runs.lifecycle import cancelled, create_run, prepare_run, propose_end
from flowruns.sdk.runs.yielding import invoke_steps, replay_steps
from flowruns.sdk.states import FlowRun, State, crashed, failed_with, timed_out
from flowruns.sdk.steps.drive import AsyncConnection, Connection
from flowruns.sdk.steps.limits import TimeLimit
from flowruns.sdk.steps.steps import Block, Steps


@dataclass(slots=True)
class Finished:
    """How a run ended, as this process saw it: its state, and what it returned or raised."""

    state: State[Any]
    value: Any = None
    error: BaseException | None = None

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


@dataclass(slots=True)
class FlowEngine:
    """One call of a flow, with its arguments by name."""

    flow: FlowDefinition[..., Any]
    parameters: dict[str, Any]
    connection: Connection | AsyncConnection
    # The run that a serving process has taken for this call, instead of a new one.
    taken: FlowRun | None = None
    wait_for: tuple[Any, ...] = ()
    # Whether the caller takes what the flow yields item by item.
    is_streamed: bool = False
    suspended: threading.Event = field(default_factory=threading.Event)
    # The state in which this process found the run that it has taken, until it begins.
    _found: UUID | None = field(init=False, default=None)
    # The state in which the last attempt began, where the server compares.
    _running: State[Any] | None = field(init=False, default=None)
    _context: FlowRunContext | None = field(init=False, default=None)
    results: ResultSettings = field(init=False)
    run: FlowRun = field(init=False)
    logger: run_logs.RunLogger = field(init=False)

    def play(self) -> Steps[Finished]:
        """Create the run, call the flow's function as often as it may retry, report the end."""
        is_outermost = current_flow_run() is None
        self.results = result_settings(self.flow)
        try:
            if self.wait_for:
                yield Block(lambda: wait_for_completion(self.wait_for))
            if has_futures(self.parameters):
                self.parameters = yield Block(lambda: results_of(self.parameters))
            self._stop_where_the_caller_stops()
            yield from self._enter_run()
            finished = yield from self._play_run()
        except GeneratorExit:
            raise
        except BaseException:
            # What ends the process may leave no time for it later.
            if is_outermost:
                yield Block(rest.send_the_rest)
            raise
        if is_outermost:
            yield from rest.send_the_rest_soon()
        return finished

    def _stop_where_the_caller_stops(self) -> None:
        """Be suspended with the run that calls this one; a part of a started task goes on."""
        parent = current_flow_run()
        if parent is not None and current_task_run() is None:
            self.suspended = parent.suspended
            parent.leave_if_suspended()

    def _enter_run(self) -> Steps[None]:
        if self.taken is None:
            self.run = yield from create_run(self.flow, self.parameters)
        else:
            self._found = self.taken.state.id if self.taken.state else None
            self.run = yield from prepare_run(self.flow, self.parameters, self.taken)
        self.logger = run_logs.flow_run_logger(self.run.id, self.run.name, self.flow.name)

    def _play_run(self) -> Steps[Finished]:
        from flowruns.sdk.reporting.heartbeat import sending_heartbeats

        kind = "subflow" if current_flow_run() else "flow"
        self.logger.info("Beginning %s run %r for flow %r", kind, self.run.name, self.flow.name)
        url = f"{load_config().ui_url}/runs/flow-run/{self.run.id}"
        self.logger.info("View at %s", url, extra={"send_to_api": False})
        with sending_heartbeats(self.run, self.suspended):
            finished = yield from self._play_attempts()
        self.logger.info("Finished in state %s", finished.state)
        return finished

    def _play_attempts(self) -> Steps[Finished]:
        arguments = parameters.unbind(self.flow.fn, self.parameters)
        if self.flow.validate_parameters:
            try:
                arguments = parameters.validate(self.flow.fn, arguments)
            except ParameterTypeError as error:
                prefix = "Validation of flow parameters failed with error:"
                return (yield from self._fail(error, prefix))
        try:
            yield from check_storage(self.results)
        except ConfigurationError as error:
            return (yield from self._fail(error, "Flow run encountered an exception:"))
        args, kwargs = arguments
        while True:
            if earlier := (yield from self._begin()):
                if earlier.error is None and self.flow.yields:
                    yield from replay_steps(earlier.value)
                return earlier
            finished = yield from self._play_attempt(lambda: self.flow.fn(*args, **kwargs))
            if not finished.state.is_scheduled():
                return finished
            # As on the server: what was answered is asked again.
            self.run.empirical_policy.pause_keys = None
            self.logger.info(
                "Received non-final state %r when proposing final state %r"
                " and will attempt to run again...",
                finished.state.name,
                "Failed",
            )

    def _begin(self) -> Steps[Finished | None]:
        """Let the run begin, or return how it ended where it has or must.

        A subflow that has completed with a stored result has it instead; a run that is being
        cancelled ends. Raises FlowRunNotOurs where somebody else was faster to start what this
        process has taken.
        """
        taken, self._found = self._found, None
        try:
            result = yield from flow_runs.propose_state(
                self.run.id, State(type=StateType.RUNNING), instead_of=taken, is_heartbeat=True
            )
        except StateHasChanged:
            raise FlowRunNotOurs from None
        state = result.state
        if result.status is wire.SetStateStatus.ACCEPT:
            if state is not None:
                self._running = state if result.compares else None
                yield from self._call_hooks(state)
            return None
        if state is not None and state.is_cancelling():
            state = yield from self._report(cancelled())
            return Finished(state, error=state.exception())
        if self.taken is None and state is not None and state.is_completed():
            state = yield from self._own_result().recall(state)
            return Finished(state, state.data.value)
        if result.status is wire.SetStateStatus.ABORT and self.taken is not None:
            raise FlowRunNotOurs(result.details.reason)
        raise FlowRunsError(f"The flow run cannot begin: {result.details.reason}")

    def _call_hooks(self, state: State[Any]) -> Steps[None]:
        if not self.flow.hooks.of(state):
            return
        known = {"state": state, "state_type": state.type, "state_name": state.name}
        run = self.run.model_copy(update=known)
        yield from hook_steps(self.flow.hooks, self.flow, run, state, self.logger)

    def _play_attempt(self, call: Callable[[], Any]) -> Steps[Finished]:
        context = FlowRunContext(
            flow_run=self.run,
            is_async=self.flow.is_async,
            log_prints=self._logs_prints(),
            logger=self.logger,
            connection=self.connection,
            suspended=self.suspended,
            caller=current_flow_run(),
            results=self.results,
            limits=self._limits(),
            running=self._running,
            most_threads=self.flow.task_runner.max_workers,
        )
        self._context = context
        prints = run_logs.forwarded_prints() if context.log_prints else nullcontext()
        with in_flow_run(context), prints:
            try:
                finished = yield from self._call(call, context)
            except GeneratorExit:
                raise
            except FlowRunSuspended:
                yield from self._leave(context)
                raise
            except BaseException as error:
                yield from self._crash(error)
                context.drop_tasks()
                raise
            # After the report, so that a task that waits for a person sees the end of its run.
            yield from _finish_tasks(context)
        return finished

    def _limits(self) -> tuple[TimeLimit, ...]:
        parent, seconds = current_flow_run(), self.flow.timeout_seconds
        own = (TimeLimit(seconds, FlowRunTimeoutError),) if seconds else ()
        return (*(parent.limits if parent else ()), *own)

    def _leave(self, context: FlowRunContext) -> Steps[None]:
        """Let what has started finish; a subflow goes on when the run that calls it does so."""
        self.logger.info("The flow run is suspended; it goes on in another process when resumed.")
        yield Block(context.finish_started_tasks)
        if self.run.deployment_id is None:
            # No end, after which its pauses would ask again.
            yield from flow_runs.propose_state(self.run.id, _waiting_for_the_caller())

    def _last_known(self) -> State[Any] | None:
        """Return the state in which the attempt has left its run, unless somebody changed it."""
        return self._context.running if self._context else None

    def _own_result(self) -> FlowResult:
        return FlowResult(self.run.id, self.flow.name, self.results)

    def _logs_prints(self) -> bool:
        if self.flow.log_prints is not None:
            return self.flow.log_prints
        parent = current_flow_run()
        return parent is not None and parent.log_prints

    def _call(self, call: Callable[[], Any], context: FlowRunContext) -> Steps[Finished]:
        try:
            limit = context.limits[-1] if self.flow.timeout_seconds else None
            value = yield from invoke_steps(self.flow.fn, call, limit, keeps=self._keeps())
            if has_futures(value):
                value = yield Block(lambda: states_of(value))
            yield from _finish_tasks(context)
            state = yield from self._own_result().keep(conclude(value), self.logger)
        except PauseEnded as error:
            # A decision, not a fault: no traceback.
            return (yield from self._fail(error, "Flow run encountered an exception:"))
        except TimeoutError as error:
            own = f"Flow run exceeded timeout of {self.flow.timeout_seconds} second(s)"
            state = timed_out(error, limit, own=own, other="Flow run failed due to timeout")
            self.logger.error(state.message)  # noqa: TRY400 -- the message says it all
            return Finished((yield from self._report(state)), error=error)
        except Exception as error:
            self.logger.exception("Encountered exception during execution: %r", error)  # noqa: TRY401 -- as Prefect
            return (yield from self._fail(error, "Flow run encountered an exception:"))
        # As in Prefect, of several states the caller gets all, whatever they are.
        has_failed = isinstance(value, State) and not state.is_completed()
        failure = state.exception() if has_failed else None
        return Finished((yield from self._report(state)), value, failure)

    def _keeps(self) -> bool:
        return not self.is_streamed or self.results.persist is True

    def _fail(self, error: Exception, prefix: str) -> Steps[Finished]:
        state = yield from self._report(failed_with(error, prefix))
        return Finished(state, error=error)

    def _crash(self, error: BaseException) -> Steps[None]:
        state = crashed(error)
        self.logger.error("Crash detected! %s", state.message)
        state = yield from self._report(state, patience=STARTING)
        self.logger.info("Finished in state %s", state)

    def _report(self, proposed: State[Any], *, patience: float = WORKING) -> Steps[State[Any]]:
        """Propose the end and return the state that the run has then, with the outcome here."""
        state, outcome = proposed, proposed.data
        proposed = yield from self._own_result().keep_error(proposed)
        try:
            state = yield from propose_end(
                self.run.id, proposed, self.logger, patience=patience, running=self._last_known()
            )
        except ObjectNotFound:
            self.logger.warning("The flow run was deleted; its end is not recorded.")
        except ServerError as error:
            self.logger.warning("The end of the flow run is not recorded. %s", error)
        state = state.model_copy(update={"data": outcome})
        yield from self._call_hooks(state)
        return state


def _finish_tasks(context: FlowRunContext) -> Steps[None]:
    """Wait for the tasks that were submitted; without any, async code need not change threads."""
    if context.has_submitted:
        yield Block(context.finish_tasks)


def _waiting_for_the_caller() -> State[Any]:
    message = "The flow run that called this one is suspended, and will call it again."
    return State(type=StateType.SCHEDULED, name="AwaitingRetry", message=message)
