"""A mail server that behaves as it is told: takes mail, refuses it, hangs, or drops the line."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP

HANG = "hang"
RESET = "reset"  # after the body
LATE = "late"  # taken, and answered when whoever asked has left
OK = "250 OK"
_AS_IT_CAME = policy.default.clone(refold_source="none")
logging.getLogger("mail.log").setLevel("ERROR")


@dataclass
class MailServer:
    """Mail that arrived, and how the next ones are answered: by lines of SMTP, or so."""

    port: int = 0
    arrived: list[EmailMessage] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    recipients: dict[str, str] = field(default_factory=dict)  # an address → how it is answered

    @property
    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.arrived]

    async def handle_RCPT(  # noqa: N802 -- aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        answer = self.recipients.get(address, OK)
        if answer == OK:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 -- the name that aiosmtpd calls
        answer = self.answers.pop(0) if self.answers else OK
        if answer == HANG:
            await asyncio.sleep(60)
        if answer in {OK, RESET, LATE}:
            mail = message_from_bytes(envelope.content, policy=_AS_IT_CAME)
            assert isinstance(mail, EmailMessage)
            self.arrived.append(mail)
        if answer == RESET:
            server.transport.abort()
        if answer == LATE:
            await asyncio.sleep(60)
        return answer


@contextmanager
def serve_mail() -> Iterator[MailServer]:
    """Run a mail server on a port of its own."""
    mail, loop = MailServer(), asyncio.new_event_loop()

    async def start() -> asyncio.Server:
        return await loop.create_server(lambda: SMTP(mail, hostname="fake"), "127.0.0.1", 0)

    server = loop.run_until_complete(start())
    mail.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield mail
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def text_of_mail(mail: EmailMessage, kind: str = "plain") -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())
