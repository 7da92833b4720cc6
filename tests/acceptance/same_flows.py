"""The same small flows for Prefect's client and for ours: `same_flows.py prefect|flowruns`.

Prints as JSON what each flow's code saw; what the server saw is for the server to say.
"""

import asyncio
import json
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import flowruns as sdk
else:
    sdk = import_module(sys.argv[1])
flow, task = sdk.flow, sdk.task

seen: dict[str, list[Any]] = {}


def see(what: str, *values: Any) -> None:
    seen.setdefault(what, []).append([str(value) for value in values])


def see_state(what: str, state: Any) -> None:
    see(what, state.type.value, state.name, state.message)


def hook(owner: Any, run: Any, state: Any) -> None:
    see(f"hooks of {owner.name}", state.type.value, state.name, state.message)


hooks: Any = {"on_running": [hook], "on_completion": [hook], "on_failure": [hook]}
ends: Any = {"on_crashed": [hook], "on_cancellation": [hook]}


@task
def add(a: int, b: int = 1) -> int:
    return a + b


@task(**hooks)
def fail() -> None:
    raise ValueError("as it must")


tries: list[int] = []


@task(retries=2, retry_delay_seconds=[0, 0.1])
def third_time() -> int:
    tries.append(1)
    if len(tries) < 3:
        raise ValueError(f"try {len(tries)}")
    return len(tries)


@task(timeout_seconds=0.3)
def slow_task() -> None:
    time.sleep(5)


@flow(**hooks, **ends)
def returns_a_value(a: int = 1) -> int:
    return a


@flow(**hooks, **ends)
def returns_nothing() -> None:
    return None


@flow(**hooks, **ends)
def raises() -> None:
    raise ValueError("boom")


@flow(retries=1, retry_delay_seconds=0, **hooks, **ends)
def second_time() -> int:
    tries.append(2)
    if tries.count(2) == 1:
        raise ValueError("once")
    return 2


@flow(retries=1, retry_delay_seconds=0)
def never() -> None:
    raise ValueError("always")


@flow(timeout_seconds=1, **hooks)
def too_slow() -> None:
    time.sleep(9)


@flow(timeout_seconds=1)
async def too_slow_async() -> None:
    await asyncio.sleep(9)


@flow
def another_timeout() -> None:
    raise TimeoutError("of something else")


@flow(**hooks, **ends)
def interrupted() -> None:
    raise KeyboardInterrupt


@flow(**ends)
def exits() -> None:
    raise SystemExit(3)


@flow
def wrong_parameters(number: int) -> int:
    return number


@flow(name="Named", flow_run_name="order-{order}", log_prints=True)
def named(order: int) -> None:
    print("printed", order)
    sdk.get_run_logger().warning("logged %s", order)


@flow
def returns_a_failed_state() -> Any:
    return fail(return_state=True)


@flow
def returns_several_states() -> Any:
    return [add(1, return_state=True), fail(return_state=True)]


@flow
def returns_good_states() -> Any:
    return [add(1, return_state=True), add(2, return_state=True)]


@flow
def returns_a_future() -> Any:
    return add.submit(1)


@flow
def returns_a_mix() -> Any:
    return 5, fail(return_state=True)


@flow
def tasks_of_all_kinds() -> None:
    see_state("completed", add(1, return_state=True))
    see_state("failed", fail(return_state=True))
    see_state("third time", third_time(return_state=True))
    see_state("timed out", slow_task(return_state=True))
    failed = fail.submit()
    see_state("not ready", add.submit(failed, return_state=True))
    see_state("waited", add.submit(1, wait_for=[failed], return_state=True))
    see("mapped", add.map([1, 2], b=sdk.unmapped(10)).result())
    see("awaited", add(1, wait_for=[add.submit(1)]))


@task(persist_result=True)
def kept(number: int) -> int:
    return number


@flow
def caches() -> None:
    for number in (7, 8, 7):
        see_state("kept", kept(number, return_state=True))


@flow
def child(number: int) -> int:
    if number < 0:
        raise ValueError("negative")
    return number


@flow
def parent() -> None:
    see("child", child(1))
    see_state("good child", child(2, return_state=True))
    see_state("bad child", child(-2, return_state=True))
    child(-1)


@flow
async def async_parent() -> list[int]:
    return list(await asyncio.gather(*(async_child(number) for number in (1, 2))))


@flow
async def async_child(number: int) -> int:
    return number + add(number)


@flow(**hooks, **ends)
def unanswered() -> None:
    sdk.pause_flow_run(timeout=1, poll_interval=0.3)


def main() -> None:
    for each in (
        *(returns_a_value, returns_nothing, raises, second_time, never, too_slow, too_slow_async),
        *(another_timeout, interrupted, exits, returns_a_failed_state, returns_several_states),
        *(returns_good_states, returns_a_future, returns_a_mix, tasks_of_all_kinds, caches),
        *(parent, async_parent, unanswered),
    ):
        run(each)
    run(wrong_parameters, "seven")
    run(named, 7)


def run(called: Any, *arguments: Any) -> None:
    try:
        result = called(*arguments)
        if asyncio.iscoroutine(result):
            result = asyncio.run(result)
    except BaseException as error:  # noqa: BLE001 -- crashes are wanted here
        see(called.name, type(error).__name__, str(error))
    else:
        see(called.name, type(result).__name__)


main()
sys.stdout.write(f"\n{json.dumps(seen)}\n")
