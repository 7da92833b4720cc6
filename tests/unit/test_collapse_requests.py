"""Requests that were held and are the same are answered together, by one answer."""

import asyncio
from collections.abc import Awaitable, Mapping

import pytest

from flowruns.web.collapsing import collapse_requests
from flowruns.web.long_poll import WAS_HELD
from flowruns.web.types import Application, Message, Receive, Scope, Send

NOTHING: Mapping[str, object] = {}


class Server:
    """Answers each request with how many came before it, once it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = asyncio.Event()
        self._application = collapse_requests(self._answer)

    async def _answer(self, _: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.request"
        number, self.asked = self.asked, self.asked + 1
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % number})

    def ask(self, changes: Mapping[str, object] = NOTHING) -> asyncio.Task[bytes]:
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/api/flow_runs/x",
            "query_string": b"",
            "headers": [(b"authorization", b"one")],
            WAS_HELD: True,
            **changes,
        }
        return asyncio.create_task(_collect(self._application, scope))


async def _collect(application: Application, scope: Scope) -> bytes:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await application(scope, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    return bytes(sent[1]["body"])


def play(scenario: Awaitable[None]) -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            await scenario

    asyncio.run(main())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_those_that_come_together_get_one_answer() -> None:
    async def scenario() -> None:
        server = Server()
        server.may_answer.set()
        assert await asyncio.gather(*(server.ask() for _ in range(100))) == [b"0"] * 100
        assert await server.ask() == b"1"

    play(scenario())


def test_what_proxies_say_of_each_request_makes_no_difference() -> None:
    async def scenario() -> None:
        server = Server()
        server.may_answer.set()
        key = (b"authorization", b"one")
        named = [{"headers": [key, (b"x-request-id", b"%d" % number)]} for number in range(3)]
        assert await asyncio.gather(*map(server.ask, named)) == [b"0"] * 3

    play(scenario())


def test_who_asks_while_an_answer_is_made_gets_the_next() -> None:
    async def scenario() -> None:
        server = Server()
        first = server.ask()
        await settle()
        later = [server.ask() for _ in range(3)]
        await settle()
        assert server.asked == 1
        server.may_answer.set()
        assert await first == b"0"
        assert await asyncio.gather(*later) == [b"1"] * 3

    play(scenario())


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": [(b"authorization", b"another")]},
        {"headers": [(b"authorization", b"one"), (b"prefer", b"attend")]},
        {"path": "/api/flow_runs/y"},
        {"query_string": b"y"},
        {"method": "POST"},
        {WAS_HELD: False},
    ],
)
def test_what_is_asked_otherwise_is_answered_by_itself(changes: dict[str, object]) -> None:
    async def scenario() -> None:
        server = Server()
        server.may_answer.set()
        answers = await asyncio.gather(server.ask(), server.ask(changes))
        assert sorted(answers) == [b"0", b"1"]

    play(scenario())


def test_a_client_that_leaves_takes_nothing_from_the_others() -> None:
    async def scenario() -> None:
        server = Server()
        leaving, staying = server.ask(), server.ask()
        await settle()
        leaving.cancel()
        await settle()
        server.may_answer.set()
        assert await staying == b"0"
        assert server.asked == 1

    play(scenario())


def test_a_failure_is_told_to_all_and_the_next_is_answered() -> None:
    async def scenario() -> None:
        fails = True

        async def application(_: Scope, __: Receive, send: Send) -> None:
            if fails:
                raise OSError("away")
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"well"})

        server = Server()
        server._application = collapse_requests(application)
        told = await asyncio.gather(server.ask(), server.ask(), return_exceptions=True)
        assert [type(each) for each in told] == [OSError] * 2
        fails = False
        assert await server.ask() == b"well"

    play(scenario())
