"""The @flow decorator."""

import functools
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Concatenate, Literal, Unpack, overload

from flowruns.sdk.dispatch import aconnected, connected
from flowruns.sdk.runs import parameters as params
from flowruns.sdk.runs.definitions import FlowDefinition
from flowruns.sdk.runs.futures import Upstream, call_options
from flowruns.sdk.runs.options import FlowOptions, bind_method, check_options
from flowruns.sdk.runs.signals import termination_raises
from flowruns.sdk.runs.yielding import stream
from flowruns.sdk.states import FlowRun, State
from flowruns.sdk.steps.drive import AsyncConnection, Connection, arun, run
from flowruns.sdk.steps.steps import Steps

if TYPE_CHECKING:
    from flowruns.sdk.runs.engine import Finished, FlowEngine
    from flowruns.sdk.serving.deployments import ConcurrencyLimitConfig, RunnerDeployment
    from flowruns.sdk.serving.schedules import Schedule


class Flow[**P, R](FlowDefinition[P, R]):
    """A function whose every call is a flow run on the server; made by `@flow`."""

    @overload
    def __get__(self, instance: None, owner: type) -> "Flow[P, R]": ...
    @overload
    def __get__[T, **Q](
        self: "Flow[Concatenate[T, Q], R]", instance: T, owner: type
    ) -> "Flow[Q, R]": ...
    def __get__(self, instance: Any, owner: type) -> Any:
        """Be a method where the flow stands in the body of a class."""
        return bind_method(self, instance, owner)

    def with_options(self, **options: Unpack[FlowOptions]) -> "Flow[P, R]":
        """Return a flow of the same function with other options; hooks stay, unless given.

        Example: `refund.with_options(name="Refund, twice", retries=2)`
        """
        return self._changed(options)

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R: ...
    @overload
    def __call__[T](
        self: "Flow[..., Coroutine[Any, Any, T]]",
        *args: Any,
        return_state: Literal[True],
        **kwargs: Any,
    ) -> Coroutine[Any, Any, State[T]]: ...
    @overload
    def __call__(self, *args: Any, return_state: Literal[True], **kwargs: Any) -> State[R]: ...
    @overload
    def __call__(self, *args: Any, wait_for: Upstream, **kwargs: Any) -> R: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the flow and return what its function returns, or raise what it raises.

        With `return_state=True` the final state is returned instead, whatever happened.
        `wait_for` names futures that must complete before, else UpstreamTaskError is raised.
        """
        return_state, wait_for = call_options(kwargs)
        parameters = params.bind(self.fn, args, kwargs)
        if self.yields and not return_state:
            pour = self._astream if self.is_async else self._stream
            return pour(parameters, wait_for)
        play = self._acall if self.is_async else self._call
        return play(parameters, wait_for, return_state=return_state)

    def _engine(
        self,
        parameters: dict[str, Any],
        connection: Connection | AsyncConnection,
        **options: Any,
    ) -> "FlowEngine":
        # With the first run, since many a process only names its flows.
        from flowruns.sdk.runs.engine import FlowEngine

        return FlowEngine(self, parameters, connection, **options)

    def _call(
        self, parameters: dict[str, Any], wait_for: tuple[Any, ...], *, return_state: bool
    ) -> Any:
        with termination_raises(), connected() as connection:
            engine = self._engine(parameters, connection, wait_for=wait_for)
            finished = run(engine.play(), connection)
        return finished.state if return_state else finished.result()

    async def _acall(
        self, parameters: dict[str, Any], wait_for: tuple[Any, ...], *, return_state: bool
    ) -> Any:
        with termination_raises():
            async with aconnected() as connection:
                engine = self._engine(parameters, connection, wait_for=wait_for)
                finished = await arun(engine.play(), connection)
        return finished.state if return_state else finished.result()

    def _stream(
        self, parameters: dict[str, Any], wait_for: tuple[Any, ...]
    ) -> Generator[Any, Any, None]:
        with termination_raises(), connected() as connection:
            engine = self._engine(parameters, connection, wait_for=wait_for, is_streamed=True)
            finished = yield from stream(engine.play(), connection)
        finished.result()

    def _astream(
        self, parameters: dict[str, Any], wait_for: tuple[Any, ...]
    ) -> AsyncGenerator[Any, Any]:
        from flowruns.sdk.runs.handover import astream

        def play(connection: AsyncConnection) -> "Steps[Finished]":
            return self._engine(parameters, connection, wait_for=wait_for, is_streamed=True).play()

        return astream(play, lambda finished: finished.result())

    def play_taken(self, flow_run: FlowRun) -> None:
        parameters = params.bind(self.fn, (), flow_run.parameters)
        if self.is_async:
            import asyncio

            asyncio.run(self._aplay_taken(flow_run, parameters))
            return
        with termination_raises(), connected() as connection:
            run(self._engine(parameters, connection, taken=flow_run).play(), connection)

    async def _aplay_taken(self, flow_run: FlowRun, parameters: dict[str, Any]) -> None:
        with termination_raises():
            async with aconnected() as connection:
                engine = self._engine(parameters, connection, taken=flow_run)
                await arun(engine.play(), connection)

    def to_deployment(  # noqa: PLR0913 -- the arguments of Prefect's
        self,
        name: str | None = None,
        *,
        interval: timedelta | float | Iterable[timedelta | float] | None = None,
        cron: str | Iterable[str] | None = None,
        rrule: str | Iterable[str] | None = None,
        schedule: "Schedule | None" = None,
        schedules: "Iterable[Schedule] | None" = None,
        paused: bool = False,
        concurrency_limit: "int | ConcurrencyLimitConfig | None" = None,
        parameters: Mapping[str, Any] | None = None,
        description: str | None = None,
        tags: Iterable[str] | None = None,
        version: str | None = None,
        enforce_parameter_schema: bool = True,
    ) -> "RunnerDeployment":
        """Name this flow for `serve`, where several are served by one process.

        The flow is at the top of a file, so that a process can import it. `parameters` and
        `tags` are those of every run, unless it brings its own. `concurrency_limit` is the most
        runs at a time in all processes that serve the deployment: a number, or a
        ConcurrencyLimitConfig that says what becomes of one too many.

        It starts by itself by one of `interval` (seconds or a timedelta), `cron`, `rrule`, each
        also a list, `schedule` and `schedules`; not while it is `paused`. Raises ValueError for
        two of them.

        Example: `serve(refund.to_deployment("desk"), promote.to_deployment("desk"), limit=4)`
        """
        from flowruns.sdk.serving.deployments import RunnerDeployment
        from flowruns.sdk.serving.schedules import collect_schedules

        return RunnerDeployment(
            flow=self,
            name=name or self.name,
            parameters=parameters or {},
            description=description,
            tags=tuple(tags or ()),
            version=version or self.version,
            enforce_parameter_schema=enforce_parameter_schema,
            paused=paused,
            schedules=collect_schedules(
                interval=interval, cron=cron, rrule=rrule, schedule=schedule, schedules=schedules
            ),
            concurrency_limit=concurrency_limit,
        )

    def serve(
        self,
        name: str | None = None,
        *,
        limit: int | None = None,
        global_limit: "int | ConcurrencyLimitConfig | None" = None,
        pause_on_shutdown: bool = True,
        **options: Any,
    ) -> None:
        """Register this flow as a deployment and run its scheduled runs until told to end.

        Semantics of Prefect 3.9. `limit` is the most runs at a time, 5 by default, and
        `global_limit` the most in all processes that serve the deployment;
        `pause_on_shutdown` lets schedules rest when the process is told to end; the other
        options are those of `to_deployment`. What else it does is written at `serve`.

        Example: `refund.serve("desk", limit=2, tags=["finance"])`
        """
        from flowruns.sdk.serving.serving import serve

        deployment = self.to_deployment(name, concurrency_limit=global_limit, **options)
        serve(deployment, limit=limit, pause_on_shutdown=pause_on_shutdown)


@overload
def flow[**P, R](fn: Callable[P, R], /) -> Flow[P, R]: ...
@overload
def flow[**P, R](
    **options: Unpack[FlowOptions],
) -> Callable[[Callable[P, R]], Flow[P, R]]: ...
def flow(fn: Any = None, /, **options: Any) -> Any:
    """Make a flow of a function, sync or async; semantics of Prefect 3.9.

    Each call is a flow run: its states, parameters and logs are on the server, and it may pause
    for a person. `name` defaults to the function's, with dashes, `description` to its docstring.
    `flow_run_name` is a template of the parameters, or a function. A failed run starts again
    `retries` times, after `retry_delay_seconds`. `log_prints` sends what the flow prints to its
    log. pydantic converts the arguments to their annotated types unless `validate_parameters` is
    false. `task_runner` says how many submitted tasks may run at a time.

    A function that yields, sync or async, runs as far as its items are taken, within the run; one
    that nobody takes from any more is closed and has completed. Served, or with
    `return_state=True`, it runs to its end, and its result is the list of what it yielded.

    A call that takes longer than `timeout_seconds` fails as TimedOut and raises
    FlowRunTimeoutError. The time it waits for a person does not count, unlike in Prefect. Async
    code is cancelled at its next `await`, sync code in the main thread is interrupted; sync code
    in another thread cannot be stopped, runs to its end and has its result dropped.

    Hooks are called with the flow, its run and the state when the run enters it: `on_running`,
    `on_completion`, `on_failure`, `on_crashed`, and `on_cancellation`, also after a rejection; not
    of a suspended run, which has no process that could. One that fails is logged and changes
    nothing. `@my_flow.on_failure` adds one.

    Calls raise what the function raises; ParameterBindError or ParameterTypeError for arguments
    that do not fit; ServerUnreachable or NotAuthorized, which name the setting to mend.

    Example:
        @flow(log_prints=True)
        def refund(order: int, amount: float) -> bool:
            return pause_flow_run(wait_for_input=bool)
    """
    check_options("flow", options, FlowOptions)
    return Flow(fn, **options) if fn is not None else functools.partial(Flow, **options)
