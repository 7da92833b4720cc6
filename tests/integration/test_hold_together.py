"""Thousands that begin to wait at the same time are one question to the database, not thousands."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError

from flowruns.models import FlowRun
from flowruns.pubsub import waiters
from flowruns.pubsub.waiters import count_waiters, read_state_id
from flowruns.services.api_keys import create_api_key
from tests.integration.conftest import Make
from tests.integration.test_hold_requests import Exchange, get, play, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[UUID, ...]]:
    """What runs the database is asked about."""
    questions: list[tuple[UUID, ...]] = []
    ask = waiters._read_state_ids

    def note(ids: tuple[UUID, ...]) -> Any:
        questions.append(ids)
        return ask(ids)

    monkeypatch.setattr(waiters, "_read_state_ids", note)
    return questions


def test_requests_that_come_together_ask_together(
    make_run: Make, asked: list[tuple[UUID, ...]]
) -> None:
    key = create_api_key("holder", scopes=["resume"])
    runs = [make_run() for _ in range(20)]
    scopes = [get(run, key) for run in runs for _ in range(5)]

    async def scenario() -> None:
        held = [Exchange(scope) for scope in scopes]
        tasks = [exchange.start() for exchange in held]
        await until(lambda: count_waiters() == 100)
        await asyncio.sleep(0.05)
        waiters.wake(runs[0].uuid)
        await until(lambda: sum(task.done() for task in tasks) == 5)
        assert [exchange.reached for exchange in held] == [True] * 5 + [False] * 95
        for task in tasks:
            task.cancel()

    play(scenario())
    assert len(asked) < len(runs)
    assert {each for ids in asked for each in ids} == {run.uuid for run in runs}


def test_who_asks_while_the_database_answers_is_told_what_is_true_after_it(
    make_run: Make, asked: list[tuple[UUID, ...]]
) -> None:
    run = make_run()
    first = FlowRun.objects.get(pk=run.uuid).state_id

    async def scenario() -> None:
        asking = asyncio.create_task(read_state_id(run.uuid))
        await until(lambda: len(asked) == 1)
        await waiters.ask_database(lambda: run.enter("COMPLETED"))
        assert await read_state_id(run.uuid) not in {first, None}
        assert await asking is not None

    play(scenario())
    assert len(asked) == 2


def test_a_database_that_is_away_is_told_to_all_who_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> Any:
        raise OperationalError("away")

    monkeypatch.setattr(waiters, "_read_state_ids", fail)

    async def scenario() -> None:
        told = await asyncio.gather(
            *(read_state_id(uuid4()) for _ in range(3)), return_exceptions=True
        )
        assert [type(each) for each in told] == [OperationalError] * 3
        monkeypatch.undo()
        assert await read_state_id(uuid4()) is None

    play(scenario())
