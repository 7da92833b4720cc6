"""What runs as long as the web process: listening for state changes of other processes."""

import asyncio
from contextlib import suppress

from flowruns import waiters
from flowruns.holding import Application, Receive, Scope, Send


def with_lifespan(app: Application) -> Application:
    """Answer the server's lifespan messages, which Django's application does not know."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await app(scope, receive, send)

    return application


async def _live(receive: Receive, send: Send) -> None:
    await receive()
    listening = asyncio.create_task(waiters.listen())
    await send({"type": "lifespan.startup.complete"})
    await receive()
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening
    await send({"type": "lifespan.shutdown.complete"})
