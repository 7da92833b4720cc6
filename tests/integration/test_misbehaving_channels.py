"""Each kind of channel beside a server that misbehaves in each way: nothing is lost or held up."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from approvals.messages import posting, slack_api
from approvals.messages.delivering import Send, deliver_due
from approvals.messages.email import send_mail
from approvals.messages.encrypting import encode
from approvals.messages.push import send_push, subscribe
from approvals.messages.slack import send_slack
from approvals.messages.webhooks import deliver_webhooks, give_secret
from approvals.models import Channel, Notification, Webhook, WebhookDelivery
from tests import mail as mails
from tests import programs
from tests import slack as slacks
from tests.integration.conftest import Run
from tests.integration.pages import ask
from tests.integration.telling import HOST, Clock, reach
from tests.mail import serve_mail
from tests.programs import serve_program
from tests.slack import serve_slack
from tests.teams import person

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
PATIENCE = 0.3  # seconds
WAYS = ("hangs", "429", "500", "resets", "answers late")
# Whoever has taken a message before the line broke gets it once more.
TWICE = {"resets", "answers late"}
_OF_MAIL = {
    "hangs": mails.HANG,
    "429": "450 4.2.1 Try again later",
    "500": "451 4.3.0 Local error",
    "resets": mails.RESET,
    "answers late": mails.LATE,
}
_OF_HTTP = {
    "hangs": programs.HANG,
    "429": 429,
    "500": 500,
    "resets": programs.RESET,
    "answers late": programs.LATE,
}
_OF_SLACK = {**_OF_HTTP, "hangs": slacks.HANG, "resets": slacks.RESET, "answers late": slacks.LATE}


@dataclass(frozen=True, kw_only=True)
class Line:
    """A channel with its server: what spoils the next answer, a round, and what has arrived."""

    spoil: Callable[[str], None]
    deliver: Callable[[], int]
    arrived: Callable[[], list[str]]
    notes_refused: bool = True


clock = Clock()


def deliver(kind: Channel.Kind, send: Send) -> int:
    """Do a round after the longest first pause, and after what a 429 asks for."""
    clock.now = max(clock.now, Clock().now) + timedelta(seconds=130)
    return deliver_due(kind, send=send, clock=clock)


def by_mail(settings: Any, stack: ExitStack) -> Line:
    server = stack.enter_context(serve_mail())
    options = {"host": "127.0.0.1", "port": server.port, "timeout": PATIENCE}
    backend = "django.core.mail.backends.smtp.EmailBackend"
    settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
    settings.SENDS_MAIL = True
    settings.EMAIL_FROM = "approvals@example.com"
    return Line(
        spoil=lambda way: server.answers.append(_OF_MAIL[way]),
        deliver=lambda: deliver(Channel.Kind.EMAIL, send_mail),
        arrived=lambda: [str(each["Message-ID"]) for each in server.arrived],
        notes_refused=False,
    )


def by_slack(settings: Any, stack: ExitStack) -> Line:
    server = stack.enter_context(serve_slack())
    server.members = {"alice@example.com": "Ualice"}
    settings.SLACK_API_URL, settings.SLACK_BOT_TOKEN = server.url, "xoxb-1"

    def spoil(way: str) -> None:
        """Spoil what is posted, not the question who alice is."""
        look_up: tuple[int, dict[str, str], Any] = (200, {}, {"ok": True, "user": {"id": "Ualice"}})
        more = {"retry-after": "100"} if way == "429" else {}
        server.answers += [look_up, (_OF_SLACK[way], more, "")]

    return Line(
        spoil=spoil,
        deliver=lambda: deliver(Channel.Kind.SLACK, send_slack),
        arrived=lambda: [post["blocks"] for post in server.posts],
    )


def by_push(settings: Any, stack: ExitStack) -> Line:
    server = stack.enter_context(serve_program())
    browser = ec.generate_private_key(ec.SECP256R1()).public_key()
    p256dh = encode(browser.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
    subscribe(person("alice"), endpoint=server.url, p256dh=p256dh, auth=encode(b"s" * 16))
    return Line(
        spoil=lambda way: server.answers.append((_OF_HTTP[way], {"retry-after": "100"})),
        deliver=lambda: deliver(Channel.Kind.PUSH, send_push),
        arrived=lambda: [headers["topic"] for headers, _ in server.posts],
    )


def by_webhook(settings: Any, stack: ExitStack) -> Line:
    server = stack.enter_context(serve_program(status=204))
    give_secret(Webhook(name="audit", url=server.url))

    def post() -> int:
        clock.now = max(clock.now, Clock().now) + timedelta(seconds=130)
        return deliver_webhooks(clock.now)

    return Line(
        spoil=lambda way: server.answers.append((_OF_HTTP[way], {"retry-after": "100"})),
        deliver=post,
        arrived=lambda: [headers["webhook-id"] for headers, _ in server.posts],
    )


@pytest.fixture(params=[by_mail, by_slack, by_push, by_webhook])
def line(
    request: pytest.FixtureRequest, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Line]:
    settings.WEBHOOKS_MAY_REACH, settings.PUBLIC_URL = ["127.0.0.1"], HOST
    monkeypatch.setattr(posting, "TIMEOUT_SECONDS", PATIENCE)
    monkeypatch.setattr(slack_api, "_TIMEOUT_SECONDS", PATIENCE)
    clock.now = Clock().now
    reach("alice")
    with ExitStack() as stack:
        yield request.param(settings, stack)


@pytest.mark.parametrize("way", WAYS)
def test_what_a_server_spoils_arrives_later_and_at_most_the_one_in_flight_twice(
    line: Line, way: str, run: Run
) -> None:
    ask(run)
    line.spoil(way)
    assert line.deliver() == 0
    rows: list[Notification | WebhookDelivery]
    rows = [*Notification.objects.all(), *WebhookDelivery.objects.all()]
    assert [(row.outcome, row.tries, bool(row.why)) for row in rows] == [("waiting", 1, True)]
    assert line.deliver() == 1
    assert line.deliver() == 0
    refused = line.notes_refused and way in {"429", "500"}
    assert len(line.arrived()) == 1 + (way in TWICE) + refused
    assert len(set(line.arrived())) == 1, "it is named alike, so that the other side can tell"
