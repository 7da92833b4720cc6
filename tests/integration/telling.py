"""People with addresses, a clock that is moved by hand, and rounds of the loop that sends."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from approvals.messages.delivering import Send, deliver_due
from approvals.messages.email import send_mail
from approvals.models import Channel, Notification
from tests.mail import MailServer, serve_mail
from tests.teams import person

HOST = "https://desk.example.com"


@dataclass
class Clock:
    """The time as the loops see it; it stands still until it is moved on."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Mail:
    """A desk that sends mail to a server of the test."""

    server: MailServer
    clock: Clock

    @property
    def subjects(self) -> list[str]:
        return self.server.subjects

    def deliver(self, send: Send = send_mail, **later: float) -> int:
        """Do a round, after some time; without one, after the moment that is left for a burst."""
        self.clock.now = max(self.clock.now, datetime.now(UTC))
        self.clock.move(**(later or {"seconds": 11}))
        return deliver_due(Channel.Kind.EMAIL, send=send, clock=self.clock)

    def rows(self, **chosen: Any) -> list[Notification]:
        return list(Notification.objects.filter(**chosen).order_by("id"))

    def outcomes(self, **chosen: Any) -> list[tuple[str, str]]:
        return [(row.kind, row.outcome) for row in self.rows(**chosen)]


def reach(name: str, **fields: Any) -> None:
    """Give somebody an address."""
    user = person(name)
    user.email = f"{name.lower()}@example.com"
    for key, value in fields.items():
        setattr(user, key, value)
    user.save()


@pytest.fixture
def mail(db: None, settings: Any) -> Iterator[Mail]:
    with serve_mail() as server:
        options = {"host": "127.0.0.1", "port": server.port, "timeout": 10}
        backend = "django.core.mail.backends.smtp.EmailBackend"
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
        settings.SENDS_MAIL = True
        settings.EMAIL_FROM = "Approvals <approvals@example.com>"
        settings.PUBLIC_URL = HOST
        yield Mail(server, Clock())
