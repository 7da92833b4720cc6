"""Letting in a few requests at once, so that a thousand which come together do no harm.

Django's ASGI handler keeps a thread, and with it a database connection, for every request in
flight. When everybody who waits is woken at the same time, that would be thousands.
"""

import asyncio

from flowruns.holding import Application, Message, Receive, Scope, Send

# Fewer than the connections that a process keeps to PostgreSQL, more than a processor has work for.
AT_ONCE = 16


def admit_requests(app: Application, *, at_once: int = AT_ONCE) -> Application:
    """Let `at_once` requests at most be answered at a time; the others wait for their turn.

    A request has its turn from when its body has arrived to when its answer begins, so slow
    clients keep nobody waiting.
    """
    turns = asyncio.Semaphore(at_once)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        has_turn = False

        async def receive_request() -> Message:
            nonlocal has_turn
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                await turns.acquire()
                has_turn = True
            return message

        def end_turn() -> None:
            nonlocal has_turn
            if has_turn:
                turns.release()
            has_turn = False

        async def send_answer(message: Message) -> None:
            end_turn()
            await send(message)

        try:
            await app(scope, receive_request, send_answer)
        finally:
            end_turn()

    return application
