"""Programs are told of approvals by POST, signed, tried ten times over three days."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Min, QuerySet

from approvals.display.addresses import write_address
from approvals.messages.announcing import tell_staff
from approvals.messages.content import write_content, write_disabled
from approvals.messages.posting import NotPosted, post, read_seconds
from approvals.messages.queueing import SHORT_LEASE, find_pause, hold_back, is_free, read_due
from approvals.messages.signing import make_secret, open_secrets, seal_secrets, sign
from approvals.messages.timing import utc_now
from approvals.models import Approval, Notification, Webhook, WebhookDelivery
from approvals.signals import approval_closed, approval_waits
from flowruns.domain.errors import EncryptionKeyChanged
from flowruns.models.prepared import PreparedInsert, PreparedQuery

# Before the second, third, … try: 76 hours in all.
BACKOFF = tuple(
    timedelta(seconds=each)
    for each in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
_JITTER = 0.1
_BATCH = 5  # to one webhook in a round
_AT_ONE_HOST = 2
# As long as what a client stores after its pause may take, such as a policy that hides it.
_DELAY = timedelta(seconds=1)
_GONE = 410
_LONGEST_PAUSE = timedelta(days=1)
_EVENTS = {
    Approval.Outcome.WAITING: "approval.opened",
    Approval.Outcome.ANSWERED: "approval.decided",
    Approval.Outcome.REJECTED: "approval.decided",
    Approval.Outcome.EXPIRED: "approval.expired",
    Approval.Outcome.WITHDRAWN: "approval.withdrawn",
}
Outcome = Notification.Outcome
_webhooks = PreparedQuery(Webhook.objects.filter(is_on=True), by=())
_new_deliveries = PreparedInsert(WebhookDelivery, ignore_conflicts=True)


def connect() -> None:
    """Start to write what webhooks are to be told."""
    approval_waits.connect(write_deliveries, dispatch_uid="approvals.webhooks_of_waiting")
    approval_closed.connect(write_deliveries, dispatch_uid="approvals.webhooks_of_closed")


def write_deliveries(*, approval: Approval, **_: Any) -> None:
    """Write what each webhook is told of an approval; of a hidden one they are told nothing."""
    webhooks = _webhooks.find_all()
    if approval.is_hidden or not webhooks:
        return
    now = utc_now()
    event = _EVENTS[Approval.Outcome(approval.outcome)]
    body = _write_body(event, _describe(approval), now)
    _new_deliveries.insert_all(
        WebhookDelivery(
            webhook=webhook,
            approval=approval,
            event=event,
            body=body,
            created_at=now,
            next_try_at=now + _DELAY,
        )
        for webhook in webhooks
    )


def give_secret(webhook: Webhook) -> str:
    """Make a new secret, store it encrypted, and return it, this once; the one before overlaps."""
    secret = make_secret()
    before = open_secrets(webhook)[0] if webhook.secrets else ""
    webhook.secrets = seal_secrets(secret, before=before)
    webhook.save()
    return secret


def send_test(webhook: Webhook) -> WebhookDelivery:
    """Write a test for a webhook, on or off."""
    now = utc_now()
    return WebhookDelivery.objects.create(
        webhook=webhook,
        event="test",
        body=_write_body("test", {}, now),
        created_at=now,
        next_try_at=now,
    )


def deliver_again(deliveries: QuerySet[WebhookDelivery]) -> int:
    """Have what has ended posted anew, under the same id; returns how many."""
    return deliveries.exclude(outcome=Outcome.WAITING).update(
        outcome=Outcome.WAITING, tries=0, next_try_at=utc_now(), ended_at=None, why=""
    )


def deliver_webhooks(now: datetime | None = None) -> int:
    """Do a round; returns how many events arrived. One worker at a time posts to a webhook.

    Several workers do rounds, so that a webhook which is slow delays no other; of those of one
    host at most `_AT_ONE_HOST` are posted to at a time, so that a slow host leaves workers over.
    """
    arrived = 0
    for webhook_id in _list_due(now or utc_now()):
        webhook = _claim(webhook_id, now or utc_now())
        if webhook is not None:
            arrived += _deliver(webhook, now)
            _yield(webhook)
    return arrived


def _list_due(now: datetime) -> list[int]:
    """Return the webhooks that have something to send and no sender, who waits longest first."""
    due = WebhookDelivery.objects.filter(outcome=Outcome.WAITING, next_try_at__lte=now)
    free = due.filter(webhook__in=Webhook.objects.filter(is_free(now)))
    by_webhook = free.values("webhook").annotate(since=Min("next_try_at"))
    return list(by_webhook.order_by("since").values_list("webhook", flat=True))


def _claim(webhook_id: int, now: datetime) -> Webhook | None:
    """Take the lease of a webhook; None where another was faster or enough post to its host."""
    webhook = Webhook.objects.filter(is_free(now), pk=webhook_id).first()
    if webhook is None:
        return None
    posted_to = Webhook.objects.filter(claimed_until__gt=now).values_list("url", flat=True)
    host = urlsplit(webhook.url).hostname
    if sum(urlsplit(url).hostname == host for url in posted_to) >= _AT_ONE_HOST:
        return None
    return webhook if _take(webhook, Webhook.objects.filter(is_free(now)), now) else None


def _renew(webhook: Webhook, now: datetime) -> bool:
    """Make the lease of a webhook last for one more post; False where another has it by now."""
    ours = Webhook.objects.filter(claimed_until=webhook.claimed_until)
    return _take(webhook, ours, now)


def _take(webhook: Webhook, chosen: QuerySet[Webhook], now: datetime) -> bool:
    lease = now + SHORT_LEASE
    is_taken = bool(chosen.filter(pk=webhook.pk).update(claimed_until=lease))
    webhook.claimed_until = lease
    return is_taken


def _yield(webhook: Webhook) -> None:
    ours = Webhook.objects.filter(pk=webhook.pk, claimed_until=webhook.claimed_until)
    ours.update(claimed_until=None)


def _deliver(webhook: Webhook, now: datetime | None) -> int:
    """Post what is due, in order, until one is not taken."""
    arrived = 0
    waiting = webhook.deliveries.filter(outcome=Outcome.WAITING)
    hold_back(waiting, now or utc_now())
    for row in read_due(waiting, now or utc_now())[:_BATCH]:
        moment = now or utc_now()
        if not _renew(webhook, moment):
            break
        if why := _object(webhook, row):
            _end(row, Outcome.SKIPPED, moment, why=why)
        elif _try(webhook, row, moment):
            arrived += 1
        else:
            break
    return arrived


def _object(webhook: Webhook, row: WebhookDelivery) -> str:
    if row.approval is not None and row.approval.is_hidden:
        return "Only those who may answer it see it."
    return "" if webhook.is_on or row.event == "test" else "The webhook is off."


def _try(webhook: Webhook, row: WebhookDelivery, now: datetime) -> bool:
    """Post one event and keep what became of it."""
    wait = timedelta()
    try:
        status, retry_after = post(webhook.url, row.body.encode(), _headers(webhook, row))
    except (EncryptionKeyChanged, NotPosted) as error:
        why = str(error)
    else:
        if 200 <= status < 300:
            _end(row, Outcome.SENT, now)
            return True
        why, wait = f"HTTP {status}", _read_pause(retry_after)
        if status == _GONE:
            _give_up(webhook, row, now, why="It answered 410: gone.")
            return False
    _put_off(webhook, row, now, why=why, wait=wait)
    return False


def _put_off(
    webhook: Webhook, row: WebhookDelivery, now: datetime, *, why: str, wait: timedelta
) -> None:
    if row.tries >= len(BACKOFF):
        _give_up(webhook, row, now, why=why)
        return
    pause = find_pause(BACKOFF, row.tries, jitter=_JITTER, at_least=wait)
    _waiting(row).update(tries=row.tries + 1, next_try_at=now + pause, why=why)


def _give_up(webhook: Webhook, row: WebhookDelivery, now: datetime, *, why: str) -> None:
    """End a delivery, switch its webhook off and tell the staff, all at once."""
    with transaction.atomic():
        _end(row, Outcome.DEAD, now, why=why)
        if Webhook.objects.filter(pk=webhook.pk, is_on=True).update(
            is_on=False, disabled_because=why
        ):
            tell_staff(write_disabled(webhook.name))


def _end(row: WebhookDelivery, outcome: Outcome, now: datetime, *, why: str = "") -> None:
    _waiting(row).update(outcome=outcome, ended_at=now, why=why, tries=row.tries + 1)


def _waiting(row: WebhookDelivery) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(pk=row.pk, outcome=Outcome.WAITING)


def _headers(webhook: Webhook, row: WebhookDelivery) -> dict[bytes | str, bytes | str]:
    """Return the headers of a try, whose time is now by the real clock: receivers refuse others."""
    moment = datetime.now(UTC)
    name = f"msg_{row.pk.hex}"
    signatures = [
        sign(secret, name=name, moment=moment, body=row.body)
        for secret in open_secrets(webhook, now=moment)
    ]
    return {
        "content-type": "application/json",
        "user-agent": "Approvals",
        "webhook-id": name,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _read_pause(retry_after: str) -> timedelta:
    return min(timedelta(seconds=read_seconds(retry_after)), _LONGEST_PAUSE)


def _describe(approval: Approval) -> dict[str, Any]:
    return {
        "approval": str(approval.pk),
        "flow_run": str(approval.flow_run_id),
        "outcome": str(approval.outcome),
        "expires_at": approval.expires_at.isoformat() if approval.expires_at else None,
        "url": write_address("approval", approval.pk),
        **write_content(approval),
    }


def _write_body(event: str, data: dict[str, Any], moment: datetime) -> str:
    body = {"type": event, "timestamp": moment.isoformat(), "data": data}
    return json.dumps(body, ensure_ascii=False)
