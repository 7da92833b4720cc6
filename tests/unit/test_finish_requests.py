"""An application has the whole request, or hears that its client left: never both."""

import asyncio
from typing import Any

import pytest

from flowruns.web.ignore_disconnect import finish_requests
from flowruns.web.types import Message, Receive, Scope, Send


def receive_all(messages: list[Message]) -> list[Message]:
    """Return what an application receives that asks for a message more than it is told."""
    heard: list[Message] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            async with asyncio.timeout(0.05):
                heard.append(await receive())

    async def main() -> None:
        coming = iter(messages)

        async def receive() -> Message:
            return next(coming)

        async def send(message: Message) -> None:
            raise AssertionError(message)

        with pytest.raises(TimeoutError):
            await finish_requests(application)({"type": "http"}, receive, send)

    asyncio.run(main())
    return heard


def body(part: bytes, **more: Any) -> Message:
    return {"type": "http.request", "body": part, **more}


GONE: Message = {"type": "http.disconnect"}


def test_a_client_that_left_after_its_request_is_not_told_of() -> None:
    request = [body(b"a", more_body=True), body(b"b")]
    assert receive_all([*request, GONE]) == request


def test_a_client_that_left_in_the_middle_of_its_request_is() -> None:
    assert receive_all([body(b"a", more_body=True), GONE]) == [body(b"a", more_body=True), GONE]
