"""The channel of browsers: an encrypted message to the push service that a browser has chosen.

`encrypting` is imported by the first that is sent: it takes 8 MB, and many servers push nothing.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from approvals.display.addresses import write_address
from approvals.messages.composing import describe_row, write_subject
from approvals.messages.posting import NotPosted, post, read_seconds
from approvals.messages.sealing import seal, unseal_address
from approvals.messages.timing import utc_now, zone_of
from approvals.messages.verdicts import Dead, Later, SendVerdict, Sent
from approvals.models import Channel, Notification

_GONE = {404, 410}
_PASSING = {408, 425, 429}
_LONGEST = 28 * 24 * 3600  # seconds; push services keep nothing for longer
_A_DAY = 24 * 3600
_DECLARATIVE = 8030  # Safari shows such a message without a script of ours
_MOST = 300  # characters of the body: a message has 4 kB at most


def subscribe(user: User, *, endpoint: str, p256dh: str, auth: str) -> Channel:
    """Keep where a browser is told. Raises `ValueError` where its keys are none."""
    from approvals.messages.encrypting import encrypt

    encrypt("", p256dh=p256dh, auth=auth)
    address = seal(json.dumps({"endpoint": endpoint, "p256dh": p256dh, "auth": auth}))
    mark = hashlib.sha256(endpoint.encode()).hexdigest()
    others = Channel.objects.filter(kind=Channel.Kind.PUSH, mark=mark).exclude(user=user)
    others.delete()  # who logs in with a browser that somebody else has used
    channel, _ = Channel.objects.update_or_create(
        user=user, kind=Channel.Kind.PUSH, mark=mark, defaults={"address": address, "is_on": True}
    )
    return channel


def read_push_key() -> str:
    """Return the key that browsers subscribe with."""
    from approvals.messages.encrypting import public_key

    return public_key()


def list_browsers(user: User) -> QuerySet[Channel]:
    """Return the browsers in which somebody is told."""
    return Channel.objects.filter(user=user, kind=Channel.Kind.PUSH).order_by("pk")


def send_push(channel: Channel, rows: Sequence[Notification]) -> SendVerdict:
    """Send rows as one message. A subscription that the browser has ended is dropped."""
    from approvals.messages.encrypting import encrypt

    found = json.loads(unseal_address(channel))
    # Escaped, each letter beyond ASCII would take six bytes or twelve of the 4 kB
    told = json.dumps(_write(channel, rows), ensure_ascii=False)
    body = encrypt(told, p256dh=found["p256dh"], auth=found["auth"])
    try:
        status, retry_after = post(found["endpoint"], body, _headers(found["endpoint"], rows))
    except NotPosted as error:
        return Later(why=str(error))
    if status in _GONE:
        channel.delete()
        return Dead("The browser has ended its subscription.")
    return _judge(status, retry_after)


def _judge(status: int, retry_after: str) -> SendVerdict:
    if 200 <= status < 300:
        return Sent("")
    if status in _PASSING or status >= 500:
        return Later(why=f"HTTP {status}", seconds=read_seconds(retry_after))
    return Dead(f"HTTP {status}")


def _write(channel: Channel, rows: Sequence[Notification]) -> dict[str, Any]:
    """Return a declarative message, which our own script reads as well."""
    item = describe_row(rows[0], zone_of(channel))
    is_one = len(rows) == 1
    return {
        "web_push": _DECLARATIVE,
        "notification": {
            "title": write_subject(rows).removeprefix("Re: "),
            "body": " ".join(item.lines)[:_MOST] if is_one else "",
            "navigate": item.address if is_one else write_address("inbox"),
            "tag": _topic(rows),
            "silent": all(row.kind == Notification.Kind.ENDED for row in rows),
        },
    }


def _headers(endpoint: str, rows: Sequence[Notification]) -> dict[bytes | str, bytes | str]:
    from approvals.messages.encrypting import write_authorization

    return {
        "authorization": write_authorization(endpoint, now=datetime.now(UTC)),
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "topic": _topic(rows),
        "ttl": str(_read_lifetime(rows)),
        "urgency": "high",
    }


def _topic(rows: Sequence[Notification]) -> str:
    """Return what a later message of the same approval takes the place of."""
    approval = rows[0].approval_id
    return approval.hex if approval and len(rows) == 1 else "approvals"


def _read_lifetime(rows: Sequence[Notification]) -> int:
    """Return for how many seconds a message is of use: until the last deadline."""
    ends = [row.approval.expires_at for row in rows if row.approval and row.approval.expires_at]
    left = (max(ends) - utc_now()).total_seconds() if ends else _A_DAY
    return int(min(max(left, 60), _LONGEST))
