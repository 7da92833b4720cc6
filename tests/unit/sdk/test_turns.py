"""One at a time, in the order they came: threads and asyncio tasks alike."""

import asyncio
import threading
from contextlib import suppress
from typing import Any

import pytest

from flowruns.sdk.steps.drive import AsyncConnection, Connection, arun, run
from flowruns.sdk.steps.steps import Await, Block, Steps
from flowruns.sdk.steps.turns import Gate, Turnstile


def _note(log: list[str], name: str, go_on: threading.Event) -> Steps[str]:
    log.append(f"{name} in")
    yield Block(go_on.wait)
    log.append(f"{name} out")
    return name


def _waiting(turnstile: Turnstile) -> int:
    return len(turnstile._queue)


def test_threads_pass_one_by_one_in_their_order() -> None:
    turnstile, go_on = Turnstile(), threading.Event()
    log: list[str] = []
    threads: list[threading.Thread] = []
    for number in range(3):
        steps = turnstile.pass_through(_note(log, str(number), go_on))
        thread = threading.Thread(target=run, args=(steps, Connection()))
        thread.start()
        threads.append(thread)
        while (len(log), _waiting(turnstile)) != (1, number):
            pass
    go_on.set()
    for thread in threads:
        thread.join()
    assert log == ["0 in", "0 out", "1 in", "1 out", "2 in", "2 out"]


async def _two_and_one_who_leaves(log: list[str]) -> tuple[str, str]:
    turnstile, go_on = Turnstile(), threading.Event()

    async def play(name: str) -> str:
        steps = turnstile.pass_through(_note(log, name, go_on))
        return await arun(steps, AsyncConnection())

    first = asyncio.create_task(play("first"))
    second = asyncio.create_task(play("second"))
    third = asyncio.create_task(play("third"))
    while _waiting(turnstile) != 2:  # noqa: ASYNC110 -- the turnstile tells nobody
        await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    go_on.set()
    return await first, await third


def test_an_asyncio_task_that_stops_waiting_loses_its_place() -> None:
    log: list[str] = []
    assert asyncio.run(_two_and_one_who_leaves(log)) == ("first", "third")
    assert log == ["first in", "first out", "third in", "third out"]


def _fail() -> Steps[None]:
    yield Block(lambda: None)
    raise ValueError("inside")


def test_one_who_fails_inside_lets_the_next_in() -> None:
    turnstile = Turnstile()
    with pytest.raises(ValueError, match="inside"):
        run(turnstile.pass_through(_fail()), Connection())
    go_on = threading.Event()
    go_on.set()
    assert run(turnstile.pass_through(_note([], "next", go_on)), Connection()) == "next"


def test_one_who_is_interrupted_after_the_ticket_was_called_leaves() -> None:
    turnstile = Turnstile()
    log: list[Any] = []
    go_on = threading.Event()
    go_on.set()
    steps = turnstile.pass_through(_note(log, "interrupted", go_on))
    assert isinstance(next(steps), Await)
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt())
    assert run(turnstile.pass_through(_note(log, "next", go_on)), Connection()) == "next"


def test_a_gate_that_is_closed_twice_opens_with_the_last_of_them() -> None:
    gate = Gate()
    with gate.closed():
        with gate.closed():
            step = next(gate.pass_through())
            assert isinstance(step, Await)
        assert not step.ticket.done()
    assert step.ticket.result(timeout=0) is None


def test_who_was_let_on_waits_again_where_the_gate_has_closed_meanwhile() -> None:
    gate = Gate()
    with gate.closed():
        steps = gate.pass_through()
        first = next(steps)
    with gate.closed():
        assert steps.send(None) is not first
    with pytest.raises(StopIteration):
        steps.send(None)


def test_who_stopped_waiting_at_a_gate_is_not_missed() -> None:
    gate = Gate()
    with gate.closed():
        step = next(gate.pass_through())
        assert isinstance(step, Await)
        step.ticket.cancel()
    assert list(gate.pass_through()) == []


def test_a_cancelled_wait_for_a_person_lets_the_tasks_on_and_an_ending_process_does_not() -> None:
    for end, is_let_on in ((asyncio.CancelledError, True), (KeyboardInterrupt, False)):
        gate = Gate()
        with suppress(end), gate.closed():
            step = next(gate.pass_through())
            raise end
        assert isinstance(step, Await)
        assert step.ticket.cancelled() is not is_let_on
