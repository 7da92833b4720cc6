"""What is called when a run enters a state."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from flowruns import State, ThreadPoolTaskRunner, flow, pause_flow_run, task
from flowruns.exceptions import ApprovalRejected
from flowruns.testing import FakeServer, Rejected, reviewed_by

type Call = tuple[str, str, str]


@pytest.fixture(autouse=True)
def server() -> Iterator[FakeServer]:
    with reviewed_by(lambda _: Rejected("No")) as fake:
        yield fake


@pytest.fixture
def calls() -> list[Call]:
    return []


def _hooks(calls: list[Call], *names: str) -> dict[str, Any]:
    def make(name: str) -> Any:
        def hook(owner: Any, run: Any, state: State[Any]) -> None:
            assert run.state is state
            calls.append((name, owner.name, state.name or ""))

        return [hook]

    return {name: make(name) for name in names}


FLOW_HOOKS = ("on_running", "on_completion", "on_failure", "on_crashed", "on_cancellation")


def test_a_flow_that_completes_calls_its_hooks(calls: list[Call], server: FakeServer) -> None:
    @flow(**_hooks(calls, *FLOW_HOOKS))
    def main() -> int:
        return 1

    assert main() == 1
    assert calls == [("on_running", "main", "Running"), ("on_completion", "main", "Completed")]
    assert server.run.names[-1] == "Completed"


def test_only_the_last_failure_of_a_flow_is_one(calls: list[Call]) -> None:
    @flow(retries=1, **_hooks(calls, *FLOW_HOOKS))
    def main() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        main()
    assert [name for name, _, _ in calls] == ["on_running", "on_running", "on_failure"]


def test_a_rejection_is_a_cancellation(calls: list[Call]) -> None:
    @flow(**_hooks(calls, "on_failure", "on_cancellation"))
    def main() -> None:
        pause_flow_run()

    with pytest.raises(ApprovalRejected):
        main()
    assert calls == [("on_cancellation", "main", "Rejected")]


def test_a_crash_calls_its_hooks(calls: list[Call]) -> None:
    @flow(**_hooks(calls, "on_failure", "on_crashed"))
    def main() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        main()
    assert calls == [("on_crashed", "main", "Crashed")]


def test_tasks_call_theirs(calls: list[Call]) -> None:
    @task(retries=1, **_hooks(calls, "on_running", "on_completion", "on_failure"))
    def work(n: int) -> int:
        return 1 // n

    assert work(1) == 1
    assert work(0, return_state=True).is_failed()
    assert [name for name, _, _ in calls] == [
        *("on_running", "on_completion"),
        *("on_running", "on_failure"),
    ]


def test_hooks_may_be_async_and_added_later() -> None:
    called: list[str] = []

    async def hook(owner: Any, run: Any, state: State[Any]) -> None:
        await asyncio.sleep(0)
        called.append(owner.name)

    @flow
    def sync() -> None: ...

    @flow
    async def not_sync() -> None: ...

    @task
    def work() -> None: ...

    for owner in (sync, not_sync, work):
        assert owner.on_completion(hook) is hook
    sync()
    asyncio.run(not_sync())
    work()

    async def call_sync_code() -> None:
        sync()

    asyncio.run(call_sync_code())
    assert called == ["sync", "not-sync", "work", "sync"]


def test_a_hook_that_fails_is_logged_and_changes_nothing(
    caplog: pytest.LogCaptureFixture, calls: list[Call], server: FakeServer
) -> None:
    def bad(*_: Any) -> None:
        raise ValueError("hook")

    @flow(on_completion=[bad, *_hooks(calls, "x")["x"]])
    def main() -> int:
        return 1

    assert main() == 1
    assert server.run.names[-1] == "Completed"
    assert calls == [("x", "main", "Completed")]
    assert [r.message for r in caplog.records if r.levelno == logging.ERROR] == [
        "An error was encountered while running hook 'bad'"
    ]


def test_submitted_tasks_share_as_many_threads_as_their_flow_has() -> None:
    running: set[int] = set()
    most: list[int] = []

    @task
    def work(n: int) -> int:
        running.add(n)
        most.append(len(running))
        threading.Event().wait(0.01)
        running.discard(n)
        return n

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
    def main() -> list[int]:
        return work.map(range(8)).result()

    assert main() == list(range(8))
    assert max(most) == 2
    with pytest.raises(ValueError, match="max_workers"):
        ThreadPoolTaskRunner(max_workers=0)
