"""Long polls bound what one key holds, and say when the database is away."""

from typing import Any

import pytest
from django.db import OperationalError

from flowruns.pubsub.waiters import count_waiters
from flowruns.services.api_keys import create_api_key
from flowruns.web import long_poll
from flowruns.web.long_poll import WAS_HELD
from tests.integration.conftest import Run
from tests.integration.test_hold_requests import Exchange, get, play, until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_key_holds_so_many_requests_and_another_key_still_may(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_poll, "MAX_HELD_OF_ONE_KEY", 2)
    key, other = (create_api_key(name, scopes=["resume"]) for name in ("one", "other"))
    scope, others = get(run, key), get(run, other)

    async def scenario() -> None:
        held = [Exchange(dict(scope)), Exchange(dict(scope)), Exchange(dict(others))]
        tasks = [exchange.start() for exchange in held]
        await until(lambda: count_waiters() == 3)
        refused = Exchange(dict(scope))
        await refused.start()
        assert refused.sent[0]["status"] == 429
        assert refused.headers[b"retry-after"] == b"5"
        assert not refused.reached
        for exchange in held:
            exchange.gone.set()
        for task in tasks:
            await task

    play(scenario())


def test_a_held_request_is_answered_503_when_the_database_is_away(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = get(run, create_api_key("holder", scopes=["resume"]))

    async def fail(_: Any) -> Any:
        raise OperationalError("away")

    async def scenario() -> None:
        held = Exchange(scope)
        monkeypatch.setattr(long_poll, "ask_database", fail)
        await held.start()
        assert held.sent[0]["status"] == 503
        assert held.headers[b"prefect-maintenance"] == b"true"
        assert not held.reached

    play(scenario())


def test_what_was_held_has_a_lane_of_its_own_when_it_is_woken(run: Run) -> None:
    scope = get(run, create_api_key("holder", scopes=["resume"]))
    run.pause()

    async def scenario() -> None:
        held = Exchange(scope)
        await held.start()
        assert held.reached
        assert held.scope[WAS_HELD]

    play(scenario())
