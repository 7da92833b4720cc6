"""Browsers: an encrypted message by a push service, which is dropped when the browser is gone."""

import json
from collections.abc import Iterator
from typing import Any

import http_ece
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from approvals.messages.delivering import deliver_due
from approvals.messages.encrypting import decode, encode, public_key
from approvals.messages.push import list_browsers, send_push, subscribe
from approvals.models import Channel, Notification
from tests.integration.conftest import Run
from tests.integration.pages import ask, log_in, text_of
from tests.integration.telling import HOST, Clock, reach
from tests.programs import RESET, Program, serve_program
from tests.teams import person, say_yes

pytestmark = pytest.mark.django_db
BROWSER = ec.generate_private_key(ec.SECP256R1())
AUTH = b"sixteen bytes ok"


def point(key: ec.EllipticCurvePublicKey) -> str:
    return encode(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


@pytest.fixture
def service(settings: Any) -> Iterator[Program]:
    """A push service to which alice's browser has subscribed."""
    settings.WEBHOOKS_MAY_REACH = ["127.0.0.1"]
    settings.PUBLIC_URL = HOST
    with serve_program() as found:
        reach("alice")
        found.answers = []
        p256dh = point(BROWSER.public_key())
        subscribe(person("alice"), endpoint=found.url, p256dh=p256dh, auth=encode(AUTH))
        yield found


clock = Clock()


def deliver(**later: float) -> int:
    clock.now = max(clock.now, Clock().now)
    clock.move(**(later or {"seconds": 11}))
    return deliver_due(Channel.Kind.PUSH, send=send_push, clock=clock)


def read(body: bytes) -> Any:
    opened = http_ece.decrypt(body, private_key=BROWSER, auth_secret=AUTH, version="aes128gcm")
    return json.loads(opened)


def test_the_browser_reads_what_nobody_between_can(service: Program, run: Run) -> None:
    approval = ask(run)
    assert deliver() == 1
    ((headers, body),) = service.posts
    assert approval.flow_run_name.encode() not in body
    told = read(body)
    assert told["web_push"] == 8030
    assert told["notification"]["title"] == f"refund / {approval.flow_run_name} waits for you"
    assert told["notification"]["navigate"] == f"{HOST}/approvals/{approval.pk}/"
    assert headers["topic"] == approval.pk.hex
    assert 0 < int(headers["ttl"]) <= 28 * 24 * 3600


def test_the_push_service_is_shown_a_token_of_this_server(service: Program, run: Run) -> None:
    ask(run)
    deliver()
    token, key = service.posts[0][0]["authorization"].removeprefix("vapid t=").split(", k=")
    assert key == public_key()
    server = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(key))
    claims = jwt.decode(
        token, server, algorithms=["ES256"], audience=service.url.removesuffix("/hook")
    )
    assert claims["sub"] == HOST


def test_an_end_takes_the_place_of_the_question(service: Program, run: Run) -> None:
    approval = ask(run)
    deliver()
    say_yes(approval, "bob", {"approve": True})
    deliver(minutes=6)
    asked, ended = (read(body)["notification"] for _, body in service.posts)
    assert asked["tag"] == ended["tag"]
    assert "Answered by bob" in ended["body"]
    assert ended["silent"]


@pytest.mark.parametrize("letter", ["審", "🚀", '"'])
def test_a_message_fits_whatever_alphabet_its_names_are_of(
    service: Program, run: Run, letter: str
) -> None:
    """Push services refuse what is longer than 4096 bytes, and then nobody is told."""
    ask(run)
    longest = letter * 200
    Notification.objects.update(content={"flow": longest, "run": longest, "question": longest})
    deliver()
    ((_, body),) = service.posts
    assert len(body) <= 4096
    assert read(body)["notification"]["title"].startswith(longest)


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_dropped(service: Program, run: Run, status: int) -> None:
    service.answers = [(status, {})]
    ask(run)
    deliver()
    assert not list_browsers(person("alice")).exists()
    assert not Notification.objects.filter(kind="undelivered").exists()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((429, {"retry-after": "3600"}), "HTTP 429"),
        ((503, {}), "HTTP 503"),
        ((RESET, {}), "Server disconnected without sending a response."),
    ],
)
def test_what_a_push_service_does_not_take_is_tried_again(
    service: Program, run: Run, answer: Any, why: str
) -> None:
    service.answers = [answer]
    ask(run)
    assert deliver() == 0
    assert Notification.objects.get().why == why
    assert deliver(minutes=10) == (0 if answer[0] == 429 else 1)


def test_a_subscription_leads_into_no_network_of_ours(
    service: Program, run: Run, settings: Any
) -> None:
    settings.WEBHOOKS_MAY_REACH = []
    ask(run)
    deliver()
    assert service.posts == []
    assert "may not reach" in Notification.objects.get().why


def test_a_browser_is_added_and_removed_on_ones_own_page(settings: Any) -> None:
    settings.PUBLIC_URL = HOST
    alice = log_in()
    keys = {"p256dh": point(BROWSER.public_key()), "auth": encode(AUTH)}
    for wrong in ({"endpoint": "http://10.0.0.1/"}, {"endpoint": ""}, {"p256dh": "AAAA"}):
        posted = {"endpoint": "https://push.example/1", **keys, **wrong}
        assert alice.post("/me/browsers/", posted).status_code == 422
    posted = {"endpoint": "https://push.example/1", **keys}
    assert alice.post("/me/browsers/", posted).status_code == 204
    assert alice.post("/me/browsers/", posted).status_code == 204
    browser = list_browsers(person("alice")).get()
    assert "push.example" not in browser.address
    assert public_key() in alice.get("/me/").content.decode()
    bob = log_in("bob")
    bob.post(f"/me/browsers/{browser.pk}/remove/")
    assert list_browsers(person("alice")).exists()
    assert "any more" in text_of(alice.post(f"/me/browsers/{browser.pk}/remove/", follow=True))
    assert not list_browsers(person("alice")).exists()


def test_who_logs_in_with_the_browser_of_another_takes_it_over(db: None) -> None:
    keys = {"p256dh": point(BROWSER.public_key()), "auth": encode(AUTH)}
    subscribe(person("alice"), endpoint="https://push.example/1", **keys)
    subscribe(person("bob"), endpoint="https://push.example/1", **keys)
    assert Channel.objects.get().user == person("bob")


def test_the_script_that_shows_messages_is_served_at_the_root() -> None:
    answer = log_in().get("/sw.js")
    assert answer["content-type"].startswith("text/javascript")
    assert b"showNotification" in answer.content
