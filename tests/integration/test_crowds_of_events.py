"""Many events, or many who listen, leave everybody else their turn."""

import asyncio
from typing import Any

import pytest

from flowruns.models import Event
from flowruns.pubsub import event_feed
from flowruns.pubsub.event_feed import Feed
from flowruns.pubsub.waiters import ask_database
from flowruns.services.api_keys import create_api_key
from flowruns.web.types import Message
from tests.integration.test_events_out import make_event, store, until_listening, window
from tests.websockets import FakeSocket, play, until

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    """Counts the turns that others of the event loop have had."""

    def __init__(self) -> None:
        self.turns = 0

    async def tick(self) -> None:
        while True:
            self.turns += 1
            await asyncio.sleep(0)


class WatchedSocket(FakeSocket):
    """Takes all at once, as a fast client does, and notes when."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("/api/events/out")
        self.clock = clock
        self.taken_at: list[int] = []

    async def _send(self, message: Message) -> None:
        if '"type":"event"' in message.get("text", ""):
            self.taken_at.append(self.clock.turns)
        await super()._send(message)


@pytest.mark.parametrize("is_past", [True, False])
def test_others_have_their_turn_between_two_events(is_past: bool) -> None:
    key = create_api_key("listener", scopes=["resume"])
    events = [make_event(number) for number in range(30)]
    if is_past:
        store(*events)

    async def scenario() -> None:
        socket = WatchedSocket(Clock())
        ticking = asyncio.create_task(socket.clock.tick())
        task = socket.start()
        await socket.listen(key, occurred=window())
        await until_listening()
        if not is_past:
            await ask_database(lambda: store(*events))
        for _ in events:
            await socket.hear()
        assert len(set(socket.taken_at)) == len(events)
        socket.leave()
        await task
        ticking.cancel()

    play(scenario())


def test_others_have_their_turn_between_two_that_are_offered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    offered_at: list[int] = []
    offer = Feed._offer

    def note(self: Feed[Any], row: Any) -> None:
        offered_at.append(clock.turns)
        offer(self, row)

    monkeypatch.setattr(Feed, "_offer", note)
    events = [make_event(number) for number in range(30)]

    def wants_none(_: Event) -> bool:
        return False

    async def scenario() -> None:
        ticking = asyncio.create_task(clock.tick())
        async with event_feed.events.listening(wants_none):
            await ask_database(lambda: store(*events))
            await until(lambda: len(offered_at) == len(events))
        assert len(set(offered_at)) == len(events)
        ticking.cancel()

    play(scenario())
