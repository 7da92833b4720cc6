"""How long flows and tasks may take."""

import asyncio
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from flowruns import apause_flow_run, flow, pause_flow_run, task
from flowruns.exceptions import FlowRunTimeoutError, TaskRunTimeoutError
from flowruns.sdk.steps.limits import TimeLimit
from flowruns.testing import Asked, FakeServer, reviewed_by

LONG = 30
# Enough for what a flow does besides waiting, also on a machine with much else to do.
LIMIT = 1.0


def _answer_late(_: Asked) -> dict[str, Any]:
    """Take longer than the whole limit, so that any part of it that counted would be noticed."""
    time.sleep(LIMIT + 0.2)
    return {"value": 1}


@pytest.fixture(autouse=True)
def server() -> Iterator[FakeServer]:
    with reviewed_by(_answer_late) as fake:
        yield fake


def test_a_sync_flow_is_interrupted_at_its_limit(server: FakeServer) -> None:
    @flow(timeout_seconds=0.1)
    def main() -> None:
        time.sleep(LONG)

    began = time.monotonic()
    with pytest.raises(FlowRunTimeoutError, match=r"Scope timed out after 0\.1 second"):
        main()
    assert time.monotonic() - began < LONG / 2
    state = server.run.state
    assert (state.type, state.name) == ("FAILED", "TimedOut")
    assert state.message == "Flow run exceeded timeout of 0.1 second(s)"


def test_an_async_flow_is_cancelled_at_its_limit(server: FakeServer) -> None:
    cancelled: list[bool] = []

    @flow(timeout_seconds=0.1)
    async def main() -> None:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(FlowRunTimeoutError):
        asyncio.run(main())
    assert cancelled
    assert server.run.state.name == "TimedOut"


def test_a_sync_flow_in_another_thread_is_found_late_at_its_end(server: FakeServer) -> None:
    @flow(timeout_seconds=0.05)
    def main(fails: bool) -> int:
        time.sleep(0.1)
        if fails:
            raise ValueError("too late to matter")
        return 1

    states: list[Any] = []

    def call() -> None:
        states.extend(main(fails, return_state=True) for fails in (False, True))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert [state.name for state in states] == ["TimedOut", "TimedOut"]


def test_what_is_done_in_time_is_not_touched() -> None:
    @task(timeout_seconds=LONG)
    def quick() -> int:
        return 1

    @flow(timeout_seconds=LONG)
    async def main() -> int:
        return quick() + quick.submit().result()

    assert asyncio.run(main()) == 2
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize("where", ["here", "in a task", "in a subflow"])
@pytest.mark.slow
def test_the_time_for_a_person_does_not_count(where: str) -> None:
    @task(timeout_seconds=LIMIT)
    def ask() -> int:
        return pause_flow_run(int)

    @flow
    def child() -> int:
        return pause_flow_run(int)

    @flow(timeout_seconds=LIMIT)
    def main() -> int:
        if where == "here":
            return pause_flow_run(int)
        return ask.submit().result() if where == "in a task" else child()

    assert main() == 1


@pytest.mark.slow
def test_the_time_for_a_person_does_not_count_in_async_flows() -> None:
    @flow(timeout_seconds=LIMIT)
    async def main() -> int:
        answer = await apause_flow_run(int)
        await asyncio.sleep(0.01)
        return answer

    assert asyncio.run(main()) == 1


@pytest.mark.slow
def test_the_time_after_the_person_counts() -> None:
    @flow(timeout_seconds=0.2)
    def main() -> None:
        pause_flow_run(int)
        time.sleep(LONG)

    with pytest.raises(FlowRunTimeoutError):
        main()


def test_a_task_that_takes_too_long_has_timed_out() -> None:
    @task(timeout_seconds=0.05)
    def slow() -> None:
        time.sleep(LONG)

    @task(timeout_seconds=0.05)
    async def aslow() -> None:
        await asyncio.sleep(LONG)

    @task(timeout_seconds=0.05)
    def late() -> None:
        time.sleep(0.1)

    @flow
    def main() -> None:
        future = late.submit()
        future.wait()
        states.extend([slow(return_state=True), aslow.submit(return_state=True), future.state])

    states: list[Any] = []
    main()
    assert {state.name for state in states} == {"TimedOut"}
    assert {state.message for state in states} == {"Task run exceeded timeout of 0.05 second(s)"}
    with pytest.raises(TaskRunTimeoutError):
        slow()


@pytest.mark.slow
def test_a_timeout_of_a_task_is_tried_again() -> None:
    tries: list[int] = []

    @task(timeout_seconds=LIMIT, retries=1)
    def slow() -> int:
        tries.append(1)
        if len(tries) == 1:
            time.sleep(LONG)
        return len(tries)

    assert slow() == 2


def test_another_timeout_is_named_so_too(server: FakeServer) -> None:
    @flow(timeout_seconds=LONG)
    def main() -> None:
        raise TimeoutError("the network")

    with pytest.raises(TimeoutError, match="the network"):
        main()
    assert server.run.state.name == "TimedOut"
    assert server.run.state.message == "Flow run failed due to timeout: TimeoutError('the network')"


def test_another_timeout_of_async_code_stays_what_it_is(server: FakeServer) -> None:
    @flow(timeout_seconds=LONG)
    async def main() -> None:
        async with asyncio.timeout(0):
            await asyncio.sleep(LONG)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert server.run.state.message == "Flow run failed due to timeout: TimeoutError()"


def test_the_flows_limit_ends_the_task_that_it_calls_and_is_not_swallowed() -> None:
    @task(timeout_seconds=LONG, retries=5)
    def slow() -> None:
        time.sleep(LONG)

    @flow(timeout_seconds=0.1)
    def main() -> None:
        try:
            slow()
        except Exception:  # noqa: BLE001 -- as flow authors do
            time.sleep(LONG)

    with pytest.raises(FlowRunTimeoutError):
        main()


def test_a_programs_own_alarm_is_left_in_peace() -> None:
    rung: list[int] = []

    @flow(timeout_seconds=0.05)
    def main() -> None:
        time.sleep(0.1)

    previous = signal.signal(signal.SIGALRM, lambda number, _: rung.append(number))
    try:
        with pytest.raises(FlowRunTimeoutError):
            main()
    finally:
        signal.signal(signal.SIGALRM, previous)
    assert rung == []


@pytest.mark.slow
def test_a_frozen_limit_goes_on_where_it_was() -> None:
    limit = TimeLimit(LIMIT, FlowRunTimeoutError)

    def work() -> None:
        for _ in range(3):
            with limit.frozen(), limit.frozen():
                time.sleep(LIMIT / 2)

    limit.call(work)
    assert limit.raised is None
