"""What the options of tasks do; on a fake server."""

import asyncio
import random
from typing import Any

import pytest

from flowruns import State, flow, tags, task
from flowruns.sdk.reporting import task_runs as task_reports
from flowruns.testing import FakeServer


def reported(server: FakeServer) -> list[dict[str, Any]]:
    """Return what the server was told of task runs, state by state."""
    task_reports.shipper.flush()
    told: list[Any] = [event.payload["task_run"] for event in server.events]
    return [run | {"event": event.event} for run, event in zip(told, server.events, strict=True)]


def test_a_task_run_is_named_by_a_template_of_its_arguments(server: FakeServer) -> None:
    @task(task_run_name="charge-{order}-{note}")
    def charge(order: int, note: str = "soon") -> int:
        return order

    @flow
    def charging() -> int:
        first: Any = charge.submit(1)
        return charge.submit(first).result() + charge(7)

    assert charging() == 8
    ended = [one["name"] for one in reported(server) if one["event"].endswith("Completed")]
    assert sorted(ended) == ["charge-1-soon", "charge-1-soon", "charge-7-soon"]


def test_or_by_a_function_that_may_ask_for_the_arguments(server: FakeServer) -> None:
    @task(task_run_name=lambda: "always")
    def plain(order: int) -> None: ...

    @task(task_run_name=lambda parameters: f"order {parameters['order']}")
    def asking(order: int) -> None: ...

    @flow
    def naming() -> None:
        plain(1)
        asking(2)

    naming()
    ended = [one["name"] for one in reported(server) if one["event"].endswith("Completed")]
    assert ended == ["always", "order 2"]


@pytest.mark.parametrize("name", ["{amount}", lambda: 3])
def test_a_task_run_that_cannot_be_named_fails(name: Any, server: FakeServer) -> None:
    @task(task_run_name=name)
    def charge(order: int) -> None: ...

    @flow
    def charging() -> State[None]:
        return charge(1, return_state=True)

    assert charging(return_state=True).is_failed()


def test_tags_of_the_task_and_around_it_are_told(server: FakeServer) -> None:
    @task(tags={"money", "slow"})
    def charge() -> None: ...

    @flow
    def charging() -> None:
        with tags("urgent"):
            charge()

    charging()
    assert reported(server)[-1]["tags"] == ["money", "slow", "urgent"]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_condition_says_whether_to_try_again(is_async: bool, server: FakeServer) -> None:
    asked: list[tuple[str, str, str | None]] = []
    attempts: list[int] = []

    def may_retry(task: Any, run: Any, state: State[Any]) -> bool:
        asked.append((task.name, run.name[:6], state.message))
        return len(asked) < 2

    async def may_retry_async(task: Any, run: Any, state: State[Any]) -> bool:
        await asyncio.sleep(0)
        return may_retry(task, run, state)

    @task(retries=5, retry_condition_fn=may_retry_async if is_async else may_retry)
    def shaky() -> None:
        attempts.append(1)
        raise ValueError("no")

    @flow
    def trying() -> None:
        shaky()

    with pytest.raises(ValueError, match="no"):
        trying()
    assert len(attempts) == 2
    message = "Task run encountered an exception ValueError: no"
    assert asked == [("shaky", "shaky-", message)] * 2


def test_a_condition_that_fails_says_no(server: FakeServer) -> None:
    attempts: list[int] = []

    @task(retries=5, retry_condition_fn=lambda: True)  # type: ignore[arg-type, misc]
    def shaky() -> None:
        attempts.append(1)
        raise ValueError("no")

    @flow
    def trying() -> None:
        shaky()

    with pytest.raises(ValueError, match="no"):
        trying()
    assert attempts == [1]
    assert any("`retry_condition_fn` failed" in line.message for line in server.logs)


def test_delays_may_be_computed_from_the_number_of_retries() -> None:
    @task(retries=3, retry_delay_seconds=lambda retries: [2.0**n for n in range(retries)])
    def shaky() -> None: ...

    assert [shaky.delay_before(attempt) for attempt in range(4)] == [1, 2, 4, 4]


def test_jitter_makes_a_delay_longer_or_shorter_by_its_factor() -> None:
    @task(retries=3, retry_delay_seconds=10, retry_jitter_factor=0.5)
    def shaky() -> None: ...

    delays = {shaky.delay_before(0) for _ in range(200)}
    assert 5 <= min(delays) < 8
    assert 12 < max(delays) <= 15


def test_a_flow_that_seeds_random_draws_the_same_however_often_it_is_retried(
    server: FakeServer,
) -> None:
    drawn = []

    @task(retries=2, retry_delay_seconds=0.001, retry_jitter_factor=1)
    def draw() -> None:
        drawn.append(random.random())
        if len(drawn) < 3:
            raise OSError

    @flow
    def simulate() -> None:
        random.seed(7)
        draw()

    simulate()
    expected = random.Random(7)
    assert drawn == [expected.random() for _ in drawn]


def test_a_queued_task_run_is_shown_as_pending_until_it_starts(server: FakeServer) -> None:
    @task
    def count(number: int) -> int:
        return number

    @flow
    def counting() -> list[int]:
        return count.map([1, 2]).result()

    assert counting() == [1, 2]
    kinds = [one["event"].rpartition(".")[2] for one in reported(server)]
    assert kinds.count("Pending") == 2
    assert kinds.index("Pending") < kinds.index("Running")
