"""Tasks: called, submitted and mapped; their retries, states and futures."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from flowruns import (
    State,
    StateType,
    TaskFuture,
    apause_flow_run,
    flow,
    get_run_logger,
    pause_flow_run,
    task,
    unmapped,
)
from flowruns.exceptions import MissingContextError, ParameterBindError, UnfinishedRun
from flowruns.sdk.context import in_flow_run
from flowruns.sdk.runs.task_engine import TaskEngine
from flowruns.sdk.steps.steps import Await
from flowruns.testing import Asked, FakeServer, reviewed_by, served_by
from tests.paused_flows import PausedFlow


@pytest.fixture(autouse=True)
def server() -> Iterator[FakeServer]:
    with reviewed_by(lambda _: {"value": 1}) as fake:
        yield fake


@task
def double(n: int) -> int:
    return 2 * n


@task
async def adouble(n: int) -> int:
    await asyncio.sleep(0)
    return 2 * n


@task
def fail() -> int:
    raise ValueError("no")


def test_a_task_can_be_called_in_a_flow_and_out_of_one() -> None:
    @flow
    async def main() -> list[int]:
        return [double(1), await adouble(2)]

    assert double(4) == 8
    assert asyncio.run(adouble(4)) == 8
    assert asyncio.run(main()) == [2, 4]


def test_a_task_may_hand_out_its_state() -> None:
    assert double(1, return_state=True).result() == 2
    state: State[int] = asyncio.run(adouble(1, return_state=True))
    assert state.is_completed()
    failed = fail(return_state=True)
    assert failed.message == "Task run encountered an exception ValueError: no"


def test_submitted_tasks_run_side_by_side() -> None:
    meeting = threading.Barrier(3)

    @task
    def meet() -> int:
        return meeting.wait(5)

    @flow
    def main() -> set[int]:
        return {future.result() for future in [meet.submit() for _ in range(3)]}

    assert main() == {0, 1, 2}


def test_async_tasks_are_submitted_to_threads_too() -> None:
    @flow
    async def main() -> int:
        return adouble.submit(4).result()

    assert asyncio.run(main()) == 8


def test_a_submitted_task_may_pause_the_flow_run() -> None:
    @task
    def ask() -> int:
        return pause_flow_run(int)

    @task
    async def aask() -> int:
        return await apause_flow_run(int)

    @flow
    async def main() -> list[int]:
        futures: list[TaskFuture[int]] = [ask.submit(), aask.submit()]
        return [future.result() for future in futures]

    assert asyncio.run(main()) == [1, 1]


def test_futures_are_arguments_like_their_results() -> None:
    @task
    def total(numbers: list[Any], *, more: dict[str, Any]) -> Any:
        return sum(numbers) + more["x"]

    @flow
    def main() -> Any:
        return total.submit(
            [double.submit(1), double.submit(2)], more={"x": double.submit(3)}
        ).result()

    assert main() == 12


def test_futures_are_arguments_of_flows_too() -> None:
    @flow
    def child(n: int) -> int:
        return n

    @flow
    def parent() -> int:
        return child(double.submit(4))  # type: ignore[call-overload, no-any-return]

    assert parent() == 8


def test_a_task_does_not_start_without_what_it_needs() -> None:
    @flow
    def main() -> list[Any]:
        by_argument = double.submit(fail.submit())  # type: ignore[call-overload]
        by_order = double.submit(1, wait_for=[fail.submit()])
        by_argument.wait()
        by_order.wait()
        with pytest.raises(UnfinishedRun):
            by_order.result()
        return [
            (s.name, s.type.value, str(s.message)[:17]) for s in (by_argument.state, by_order.state)
        ]

    assert main() == [("NotReady", "PENDING", "Upstream task run")] * 2


def test_a_failed_task_raises_where_its_result_is_asked() -> None:
    @flow
    def main() -> Any:
        future = fail.submit()
        future.wait()
        assert future.state.is_failed()
        assert isinstance(future.result(raise_on_failure=False), ValueError)
        return future.result()

    with pytest.raises(ValueError, match="no"):
        main()


def test_submit_may_wait_and_hand_out_the_state() -> None:
    @flow
    def main() -> bool:
        return double.submit(1, return_state=True).is_completed()

    assert main()


def test_a_future_can_be_waited_for_in_vain() -> None:
    go_on = threading.Event()
    called: list[TaskFuture[bool]] = []

    @task
    def wait() -> bool:
        return go_on.wait(5)

    @flow
    def main() -> bool:
        future = wait.submit()
        future.add_done_callback(called.append)
        future.wait(0.01)
        assert future.state.is_pending()
        with pytest.raises(TimeoutError, match=r"did not complete within 0\.01 seconds"):
            future.result(timeout=0.01)
        go_on.set()
        assert future.result()
        return called in ([], [future])

    assert main()
    assert len(called) == 1


def test_map_runs_a_task_per_item() -> None:
    @task
    def scale(n: int, factor: int, label: str) -> str:
        return f"{label}{n * factor}"

    @flow
    def main() -> list[str]:
        futures = scale.map([1, 2], unmapped(10), label="n")
        futures.wait()
        return futures.result()

    assert main() == ["n10", "n20"]


def test_the_futures_of_a_map_are_arguments_too() -> None:
    @task
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    @flow
    def main() -> int:
        return total.submit(double.map(range(4))).result()  # type: ignore[arg-type]

    assert main() == 12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("ab", 1), "at least one"), (([1, 2], [1]), "iterables of one length")],
)
def test_map_says_what_it_cannot_map(arguments: Any, message: str) -> None:
    @task
    def add(first: int, second: int) -> int:
        return first + second

    @flow
    def main() -> None:
        add.map(*arguments)

    with pytest.raises(ParameterBindError, match=message):
        main()


def test_arguments_that_do_not_fit_are_refused_before_the_task_starts() -> None:
    with pytest.raises(ParameterBindError, match=r"double\(\) cannot be called so"):
        double(1, 2)  # type: ignore[call-overload]


def test_only_flows_submit() -> None:
    with pytest.raises(MissingContextError, match="within a flow run"):
        double.submit(1)


@pytest.mark.parametrize(("delay", "expected"), [(0, 0), (0.02, 0.04), ([0.01, 0.03], 0.04)])
def test_a_task_is_tried_again_after_its_delays(delay: Any, expected: float) -> None:
    attempts: list[int] = []

    @task(retries=2, retry_delay_seconds=delay)
    def shaky() -> int:
        attempts.append(1)
        if len(attempts) < 3:
            raise ValueError("not yet")
        return len(attempts)

    began = time.monotonic()
    assert shaky() == 3
    assert time.monotonic() - began >= expected


def test_the_log_tells_of_retries_and_their_end(server: FakeServer) -> None:
    @task(retries=1, name="shaky")
    def shaky() -> None:
        raise ValueError("never")

    @flow
    def main() -> State[None]:
        return shaky(return_state=True)

    with pytest.raises(ValueError, match="never"):
        main()
    lines = [line for line in server.logs if line.task_run_id]
    assert lines[0].message.endswith("ValueError('never') - Retry 1/1 will start immediately")
    assert "Retries are exhausted" in lines[1].message
    assert "Traceback" in lines[1].message
    assert lines[2].message.startswith("Finished in state Failed(")
    assert {line.flow_run_id for line in lines} == {server.run.run.id}


def test_a_task_that_ends_the_process_is_a_crash(server: FakeServer) -> None:
    @task
    def quits() -> None:
        raise SystemExit(2)

    @flow
    def main() -> None:
        quits()

    with pytest.raises(SystemExit):
        main()
    assert server.run.names[-1] == "Crashed"
    assert any("Crash detected!" in line.message for line in server.logs)


def test_prints_of_a_task_are_logged_as_its_own_or_its_flows(server: FakeServer) -> None:
    @task
    def says() -> None:
        print("from", "task", sep="-")

    @task(log_prints=False)
    def mumbles() -> None:
        print("unheard")

    @task(log_prints=True)
    def insists() -> None:
        get_run_logger().info("logged")
        print("insisted")

    @flow(log_prints=True)
    def loud() -> None:
        says()
        mumbles()

    @flow
    def quiet() -> None:
        says()
        insists()

    loud()
    quiet()
    messages = [line.message for line in server.logs]
    assert messages.count("from-task") == 1
    assert "unheard" not in messages
    assert {"logged", "insisted"} <= set(messages)


def test_tasks_that_nobody_waits_for_are_finished_before_the_flow_is(server: FakeServer) -> None:
    done: list[int] = []

    @task
    def slow() -> None:
        time.sleep(0.05)
        done.append(1)

    @flow
    def main() -> None:
        slow.submit()

    main()
    assert done == [1]


def test_a_crash_drops_the_tasks_that_have_not_started() -> None:
    server = FakeServer()

    @task
    def ask() -> None:
        pause_flow_run(poll_interval=0.01)

    @flow
    def main() -> None:
        ask.submit()
        while "Paused" not in server.run.names:
            pass
        raise KeyboardInterrupt

    with served_by(server.handle), pytest.raises(KeyboardInterrupt):
        main()
    assert server.run.state.type is StateType.CRASHED


def test_a_task_looks_like_its_function() -> None:
    assert repr(double) == "<Task 'double'>"


# --- while the run is paused


def test_queued_tasks_wait_while_the_run_is_paused() -> None:
    started: list[str] = []
    before_the_answer: list[str] = []
    reviewed = threading.Event()

    @task
    def long_running() -> str:
        started.append("long")
        assert reviewed.wait(5)
        return part()

    @task
    def part() -> str:
        started.append("part")
        return "done"

    @task
    def queued(n: int) -> int:
        started.append("queued")
        return n

    @task
    def after(value: str) -> str:
        started.append("after")
        return value

    def review(_: Asked) -> dict[str, Any]:
        futures.extend([queued.submit(n) for n in range(3)])
        reviewed.set()
        futures[0].wait(5)  # a started task runs on, and its parts with it
        before_the_answer.extend(started)
        return {"value": 1}

    futures: list[TaskFuture[Any]] = []

    @flow
    def main() -> list[Any]:
        futures.append(long_running.submit())
        futures.append(after.submit(futures[0]))  # type: ignore[call-overload]
        while "long" not in started:
            time.sleep(0.001)
        pause_flow_run(int)
        return [future.result() for future in futures]

    with reviewed_by(review):
        assert main() == ["done", "done", 0, 1, 2]
    assert before_the_answer == ["long", "part"]
    assert sorted(started) == ["after", "long", "part", "queued", "queued", "queued"]


def test_a_task_that_is_called_beside_a_pause_waits_too() -> None:
    flow = PausedFlow()
    with in_flow_run(flow.context), flow.context.task_gate.closed():
        steps = TaskEngine(double, uuid4(), (1,), {}).play()
        step = next(steps)
        assert isinstance(step, Await)
        assert not step.ticket.done()
    assert step.ticket.done()
    steps.close()


def test_no_queued_task_starts_in_a_process_that_ends() -> None:
    started: list[int] = []

    @task
    def queued(n: int) -> None:
        started.append(n)

    def review(_: Asked) -> dict[str, Any]:
        futures.append(queued.submit(1))
        raise KeyboardInterrupt

    futures: list[TaskFuture[Any]] = []

    @flow
    def main() -> None:
        pause_flow_run(int)

    with reviewed_by(review), pytest.raises(KeyboardInterrupt):
        main()
    futures[0].wait(5)
    assert started == []
