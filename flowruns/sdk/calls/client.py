"""A client of the JSON API with the methods of Prefect's, sync and async from one list."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Literal, Self, overload

from flowruns.sdk.calls import deployments as deployment_calls
from flowruns.sdk.calls import flow_runs
from flowruns.sdk.steps.drive import AsyncConnection, Connection, arun, run
from flowruns.sdk.steps.steps import Steps


class _Endpoint[**P, R]:
    """One call of the API, as a method of both clients."""

    def __init__(self, make_steps: Callable[P, Steps[R]]) -> None:
        self._make_steps = make_steps

    @overload
    def __get__(self, client: "SyncFlowRunsClient", owner: object) -> Callable[P, R]: ...
    @overload
    def __get__(self, client: "FlowRunsClient", owner: object) -> Callable[P, Awaitable[R]]: ...
    def __get__(self, client: Any, owner: object) -> Any:
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.play(self._make_steps(*args, **kwargs))

        call.__name__ = self._make_steps.__name__
        call.__doc__ = self._make_steps.__doc__
        return call


class _Endpoints:
    """The calls there are; what they take and raise is written at each in `calls`."""

    api_healthcheck = _Endpoint(flow_runs.api_healthcheck)
    create_flow = _Endpoint(flow_runs.create_flow)
    read_flow = _Endpoint(flow_runs.read_flow)
    read_flow_by_name = _Endpoint(flow_runs.read_flow_by_name)
    read_flows = _Endpoint(flow_runs.read_flows)
    create_flow_run = _Endpoint(flow_runs.create_flow_run)
    read_flow_run = _Endpoint(flow_runs.read_flow_run)
    read_flow_runs = _Endpoint(flow_runs.read_flow_runs)
    count_flow_runs = _Endpoint(flow_runs.count_flow_runs)
    update_flow_run = _Endpoint(flow_runs.update_flow_run)
    set_flow_run_name = _Endpoint(flow_runs.set_flow_run_name)
    delete_flow_run = _Endpoint(flow_runs.delete_flow_run)
    set_flow_run_state = _Endpoint(flow_runs.set_flow_run_state)
    read_flow_run_states = _Endpoint(flow_runs.read_flow_run_states)
    resume_flow_run = _Endpoint(flow_runs.resume_flow_run)
    create_flow_run_input = _Endpoint(flow_runs.create_flow_run_input)
    read_flow_run_input = _Endpoint(flow_runs.read_flow_run_input)
    filter_flow_run_input = _Endpoint(flow_runs.filter_flow_run_input)
    delete_flow_run_input = _Endpoint(flow_runs.delete_flow_run_input)
    create_logs = _Endpoint(flow_runs.create_logs)
    read_logs = _Endpoint(flow_runs.read_logs)
    read_deployment = _Endpoint(deployment_calls.read_deployment)
    read_deployment_by_name = _Endpoint(deployment_calls.read_deployment_by_name)
    delete_deployment = _Endpoint(deployment_calls.delete_deployment)
    create_flow_run_from_deployment = _Endpoint(deployment_calls.create_flow_run_from_deployment)


class SyncFlowRunsClient(_Endpoints):
    """Talks to the server from sync code; made by `get_client(sync_client=True)`."""

    def __init__(self) -> None:
        self._connection = Connection()

    def play[T](self, steps: Steps[T]) -> T:
        return run(steps, self._connection)

    def __enter__(self) -> Self:
        self._connection.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.__exit__(kind, error, traceback)


class FlowRunsClient(_Endpoints):
    """Talks to the server from one event loop; made by `get_client()`."""

    def __init__(self) -> None:
        self._connection = AsyncConnection()

    async def play[T](self, steps: Steps[T]) -> T:
        return await arun(steps, self._connection)

    async def __aenter__(self) -> Self:
        await self._connection.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._connection.__aexit__(kind, error, traceback)


@overload
def get_client(*, sync_client: Literal[False] = False) -> FlowRunsClient: ...
@overload
def get_client(*, sync_client: Literal[True]) -> SyncFlowRunsClient: ...
def get_client(*, sync_client: bool = False) -> FlowRunsClient | SyncFlowRunsClient:
    """Make a client of the server that FLOWRUNS_API_URL names; semantics of Prefect 3.9.

    It is used as a context manager; its methods raise a ServerError that says what is wrong.

    Example:
        async with get_client() as client:
            runs = await client.read_flow_runs(limit=10)
    """
    return SyncFlowRunsClient() if sync_client else FlowRunsClient()
