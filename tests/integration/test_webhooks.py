"""Webhooks: signed as Standard Webhooks has it, tried for days, and led into no network of ours."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from standardwebhooks.webhooks import Webhook as Receiver

from approvals.messages import webhooks
from approvals.messages.posting import post
from approvals.messages.queueing import LEASE
from approvals.messages.reachable import AddressForbidden, choose_address
from approvals.messages.signing import OVERLAP, open_secrets, sign
from approvals.messages.webhooks import deliver_again, deliver_webhooks, give_secret
from approvals.models import Notification, Webhook, WebhookDelivery
from tests.integration.conftest import Run
from tests.integration.pages import ask, text_of
from tests.integration.telling import Mail, mail, reach
from tests.mail import text_of_mail
from tests.programs import Program, serve_program
from tests.teams import hold, make_teams, say_yes

__all__ = ["mail"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def program(settings: Any) -> Iterator[Program]:
    settings.WEBHOOKS_MAY_REACH = ["127.0.0.1"]
    with serve_program(status=204) as running:
        yield running


@pytest.fixture
def hook(program: Program) -> Webhook:
    webhook = Webhook(name="audit", url=program.url)
    give_secret(webhook)
    return webhook


def later(**span: float) -> datetime:
    return datetime.now(UTC) + timedelta(**(span or {"seconds": 2}))


def row() -> WebhookDelivery:
    return WebhookDelivery.objects.order_by("id")[0]


def test_events_arrive_signed_in_order(program: Program, hook: Webhook, run: Run) -> None:
    approval = ask(run, "Pay **Miss Secret**?")
    say_yes(approval, "alice", {"approve": True, "reason": "sesame"})
    assert program.posts == []
    assert deliver_webhooks(later()) == 2
    assert program.types == ["approval.opened", "approval.decided"]
    receiver = Receiver(open_secrets(hook)[0])
    for headers, body in program.posts:
        told = receiver.verify(body, headers)
        assert told["data"]["approval"] == str(approval.pk)
        assert told["data"]["flow"] == "refund"
        assert b"Secret" not in body
        assert b"sesame" not in body
    assert told["data"]["outcome"] == "answered"
    assert deliver_webhooks(later()) == 0


def test_each_event_is_written_once(program: Program, hook: Webhook, run: Run) -> None:
    make_teams()
    hold("2 of @finance")
    approval = ask(run)
    say_yes(approval, "F1")
    deliver_webhooks(later())
    assert program.types == ["approval.opened"]


def test_programs_are_not_told_of_what_is_hidden(program: Program, hook: Webhook, run: Run) -> None:
    make_teams()
    hold("1 of @hr, seen by them only")
    say_yes(ask(run), "H1")
    assert deliver_webhooks(later()) == 0
    assert not WebhookDelivery.objects.exists()


def test_a_policy_that_hides_it_after_its_pause_comes_in_time(
    program: Program, hook: Webhook, run: Run
) -> None:
    make_teams()
    keyset = {part: f"paused-1-{part}" for part in ("schema", "description", "response")}
    run.pause(run_input_keyset=keyset)
    schema = {"type": "object", "x-approvals": {"policy": "1 of @hr, seen by them only"}}
    run.put("paused-1-schema", json.dumps(schema))
    assert deliver_webhooks(later()) == 0
    assert row().outcome == "skipped"


def test_a_redelivery_has_the_same_id_and_body(program: Program, hook: Webhook, run: Run) -> None:
    ask(run)
    deliver_webhooks(later())
    assert deliver_again(WebhookDelivery.objects.all()) == 1
    deliver_webhooks(later())
    (first, body), (second, again) = program.posts
    assert first["webhook-id"] == second["webhook-id"]
    assert body == again


def test_ten_tries_over_three_days_end_in_a_webhook_that_is_off(
    mail: Mail, program: Program, hook: Webhook, run: Run
) -> None:
    reach("root", is_staff=True)
    ask(run)
    program.answers = [(500, {})] * 10
    moment = later()
    start = moment
    while row().outcome == "waiting":
        moment = max(moment, row().next_try_at)
        deliver_webhooks(moment)
    assert len(program.posts) == 10
    assert timedelta(hours=75) < moment - start < timedelta(hours=84)
    hook.refresh_from_db()
    assert (hook.is_on, hook.disabled_because) == (False, "HTTP 500")
    told = Notification.objects.filter(kind="undelivered")
    assert [str(each.channel) for each in told] == ["email of root"]
    mail.deliver()
    assert "The webhook audit was switched off" in text_of_mail(mail.server.arrived[0])


def test_a_webhook_of_any_name_is_told_to_be_off_in_one_line(
    mail: Mail, program: Program, hook: Webhook, run: Run
) -> None:
    """The administration lets its name have lines, and no mail has a subject of two."""
    Webhook.objects.update(name="audit\nBcc: eve@example.com")
    ask(run)
    reach("root", is_staff=True)
    program.answers = [(410, {})]
    deliver_webhooks(later())
    mail.deliver()
    assert mail.subjects == ["The webhook audit Bcc: eve@example.com was switched off"]


def test_410_switches_a_webhook_off_at_once(program: Program, hook: Webhook, run: Run) -> None:
    approval = ask(run)
    program.answers = [(410, {})]
    deliver_webhooks(later())
    say_yes(approval, "alice")
    deliver_webhooks(later())
    hook.refresh_from_db()
    assert not hook.is_on
    assert len(program.posts) == 1


def test_a_redirect_is_a_failure_and_is_not_followed(
    program: Program, hook: Webhook, run: Run
) -> None:
    ask(run)
    program.answers = [(302, {"Location": program.url})]
    assert deliver_webhooks(later()) == 0
    assert len(program.posts) == 1
    assert row().why == "HTTP 302"


def test_retry_after_is_kept(program: Program, hook: Webhook, run: Run) -> None:
    ask(run)
    program.answers = [(429, {"Retry-After": "600"})]
    moment = later()
    deliver_webhooks(moment)
    assert row().next_try_at == moment + timedelta(seconds=600)


def test_nothing_overtakes_what_is_tried_again(program: Program, hook: Webhook, run: Run) -> None:
    approval = ask(run)
    program.answers = [(500, {})]
    deliver_webhooks(later())
    say_yes(approval, "alice")
    assert deliver_webhooks(later()) == 0
    assert deliver_webhooks(later(seconds=10)) == 2
    assert program.types == ["approval.opened", "approval.opened", "approval.decided"]


def test_of_two_workers_one_posts(
    program: Program, hook: Webhook, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(run)
    moment, seen = later(), list[int]()

    def post_while_another_looks(*arguments: Any) -> tuple[int, str]:
        seen.append(deliver_webhooks(moment))
        return post(*arguments)

    monkeypatch.setattr(webhooks, "post", post_while_another_looks)
    assert deliver_webhooks(moment) == 1
    assert seen == [0]


def test_a_process_that_is_killed_while_posting_loses_nothing(
    program: Program, hook: Webhook, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: Any) -> tuple[int, str]:
        raise Killed

    ask(run)
    monkeypatch.setattr(webhooks, "post", die)
    with pytest.raises(Killed):
        deliver_webhooks(later())
    monkeypatch.setattr(webhooks, "post", post)
    assert deliver_webhooks(later()) == 0
    assert deliver_webhooks(later() + LEASE) == 1


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "0x7f.1",
        "2130706433",
        "localhost",
        "0.0.0.0",
        "10.1.2.3",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fd00::1",
        "fe80::1",
    ],
)
def test_private_addresses_are_out_of_reach(host: str) -> None:
    with pytest.raises(AddressForbidden):
        choose_address(host, 80)


def test_public_addresses_and_those_the_operator_names_are_within_reach(settings: Any) -> None:
    assert choose_address("8.8.8.8", 443) == "8.8.8.8"
    settings.WEBHOOKS_MAY_REACH = ["10.0.0.0/8", "fd00::/8"]
    assert choose_address("10.1.2.3", 80) == "10.1.2.3"
    assert choose_address("::ffff:10.1.2.3", 80) == "::ffff:10.1.2.3"
    with pytest.raises(AddressForbidden):
        choose_address("192.168.0.1", 80)


def test_an_address_is_judged_when_it_is_connected_to(
    program: Program, hook: Webhook, run: Run, settings: Any
) -> None:
    settings.WEBHOOKS_MAY_REACH = []
    ask(run)
    assert deliver_webhooks(later()) == 0
    assert program.posts == []
    assert "may not reach" in row().why


def test_for_a_day_the_old_secret_signs_beside_the_new_one(
    program: Program, hook: Webhook, run: Run
) -> None:
    old = open_secrets(hook)[0]
    new = give_secret(hook)
    assert open_secrets(hook) == [new, old]
    assert open_secrets(hook, now=datetime.now(UTC) + OVERLAP) == [new]
    assert old not in hook.secrets
    ask(run)
    deliver_webhooks(later())
    headers, body = program.posts[0]
    for secret in (old, new):
        Receiver(secret).verify(body, headers)


def test_a_signature_is_that_of_the_reference() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    moment = datetime.fromtimestamp(1_700_000_000, UTC)
    reference = Receiver(secret).sign("msg_1", moment, '{"a": 1}')
    assert sign(secret, name="msg_1", moment=moment, body='{"a": 1}') == reference


@pytest.fixture
def root(db: None) -> Client:
    user = User.objects.create_superuser("boss")
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def test_operators_make_webhooks_test_them_and_rotate_secrets(
    root: Client, program: Program
) -> None:
    made = root.post(
        "/admin/approvals/webhook/add/",
        {"name": "audit", "url": program.url, "is_on": "on"},
        follow=True,
    )
    hook = Webhook.objects.get()
    (secret,) = open_secrets(hook)
    assert secret in text_of(made)
    assert secret not in text_of(root.get(f"/admin/approvals/webhook/{hook.pk}/change/"))

    def act(action: str) -> str:
        chosen = {"action": action, "_selected_action": str(hook.pk)}
        return text_of(root.post("/admin/approvals/webhook/", chosen, follow=True))

    act("send_a_test")
    assert deliver_webhooks(later()) == 1
    assert program.types == ["test"]
    shown = act("make_a_new_secret")
    hook.refresh_from_db()
    new, old = open_secrets(hook)
    assert old == secret
    assert new in shown
    chosen = {"action": "deliver_again", "_selected_action": str(row().pk)}
    root.post("/admin/approvals/webhookdelivery/", chosen)
    assert deliver_webhooks(later()) == 1


def test_switching_a_webhook_on_again_forgets_why_it_was_off(root: Client, hook: Webhook) -> None:
    Webhook.objects.update(is_on=False, disabled_because="HTTP 500")
    fields = {"name": "audit", "url": hook.url, "is_on": "on"}
    root.post(f"/admin/approvals/webhook/{hook.pk}/change/", fields)
    hook.refresh_from_db()
    assert (hook.is_on, hook.disabled_because) == (True, "")
    assert open_secrets(hook)


def test_while_one_webhook_is_slow_another_worker_posts_to_the_others(
    program: Program, hook: Webhook, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_secret(Webhook(name="other", url=program.url))
    ask(run)
    arrived: list[int] = []

    def hang(*posted: Any) -> tuple[int, str]:
        monkeypatch.setattr(webhooks, "post", post)
        arrived.append(deliver_webhooks(later()))
        return post(*posted)

    monkeypatch.setattr(webhooks, "post", hang)
    deliver_webhooks(later())
    assert arrived == [1]
    assert len(program.posts) == 2


def test_a_host_that_is_slow_does_not_take_all_workers(
    program: Program, hook: Webhook, run: Run
) -> None:
    for name in ("second", "third"):
        give_secret(Webhook(name=name, url=program.url))
    ask(run)
    Webhook.objects.exclude(name="audit").update(claimed_until=later(minutes=1))
    assert deliver_webhooks(later()) == 0
    assert deliver_webhooks(later(minutes=2)) == 3


def test_the_command_encrypts_secrets_with_the_new_key(hook: Webhook, settings: Any) -> None:
    secret, [old] = open_secrets(hook), settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = ["n" * 50]
    with pytest.raises(CommandError, match="secret of the webhook 'audit'"):
        call_command("encryptblocks", stdout=StringIO())
    settings.ENCRYPTION_KEYS = ["n" * 50, old]
    call_command("encryptblocks", stdout=StringIO())
    settings.ENCRYPTION_KEYS = ["n" * 50]
    hook.refresh_from_db()
    assert open_secrets(hook) == secret
