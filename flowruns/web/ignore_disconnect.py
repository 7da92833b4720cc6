"""Letting Django finish a request whose client has left.

Django's ASGI handler cancels it instead, in the middle of a sync view, whose thread then goes on
beside the clean-up: its database connection never returns to the pool.
"""

import asyncio

from flowruns.web.types import Application, Message, Receive, Scope, Send


def finish_requests(app: Application) -> Application:
    """Keep from an application that its client left, once it has the whole request."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        is_complete = False

        async def receive_request() -> Message:
            nonlocal is_complete
            if is_complete:
                # Never answered: the application stops to listen when it has sent its response
                await asyncio.get_running_loop().create_future()
            message = await receive()
            is_complete = not message.get("more_body", False)
            return message

        await app(scope, receive_request, send)

    return application
