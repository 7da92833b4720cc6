"""From rows of the outbox to one mail: text and HTML, in the thread of what was told before."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage, Message
from email.policy import SMTP, EmailPolicy, Policy
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from approvals.display.addresses import write_address
from approvals.messages.codes import write_code
from approvals.messages.muting import write_mute_address
from approvals.messages.sealing import unseal_address
from approvals.messages.timing import zone_of
from approvals.models import Channel, Notification

# Python folds what is longer than a line into encoded words, which none of these may be.
_WHOLE = {"in-reply-to", "list-unsubscribe", "references"}
_SHOWN = 50  # of a digest; the inbox has the rest
Kind = Notification.Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One event as a mail tells it; `address` is a plain link, behind the log-in."""

    heading: str
    address: str
    lines: list[str] = field(default_factory=list)


class WholeLinks(EmailPolicy):
    """Writes a header that holds an address or a Message-ID in one line, however long it is."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if name.lower() in _WHOLE and value.isascii():
            return f"{name}: {value}{self.linesep}".encode()
        return super().fold_binary(name, value)


class Mail(EmailMultiAlternatives):
    """A mail whose links stay whole."""

    def message(self, *, policy: "Policy[Message] | None" = None) -> EmailMessage:
        return super().message(policy=WholeLinks(linesep=(policy or SMTP).linesep))


def compose_mail(channel: Channel, rows: Sequence[Notification]) -> Mail:
    """Return one mail that tells all of these rows."""
    zone = zone_of(channel)
    context = {
        "items": [describe_row(row, zone) for row in rows[:_SHOWN]],
        "more": max(len(rows) - _SHOWN, 0),
        "inbox": write_address("inbox"),
        "me": write_address("me"),
        "mute": write_mute_address(channel) if channel.user else "",
    }
    mail = Mail(
        subject=write_subject(rows),
        body=render_to_string("messages/mail.txt", context),
        from_email=settings.EMAIL_FROM,
        to=[channel.user.email if channel.user else unseal_address(channel)],
        headers=_headers(channel, rows),
    )
    mail.attach_alternative(render_to_string("messages/mail.html", context), "text/html")
    return mail


def name_mail(rows: Sequence[Notification]) -> str:
    """Return the Message-ID: the same for the same rows, so that a repeated mail shows as one."""
    if len(rows) == 1:
        name = str(rows[0].pk)
    else:
        name = hashlib.sha256("".join(str(row.pk) for row in rows).encode()).hexdigest()[:32]
    return f"<{name}@{urlsplit(settings.PUBLIC_URL).hostname}>"


def _headers(channel: Channel, rows: Sequence[Notification]) -> dict[str, str]:
    headers = {
        "Message-ID": name_mail(rows),
        "Auto-Submitted": "auto-generated",
    }
    if channel.user:
        headers |= _unsubscribe(channel)
    if thread := _find_thread(rows):
        headers |= {"In-Reply-To": thread, "References": thread}
    return headers


def _unsubscribe(channel: Channel) -> dict[str, str]:
    """Return how one person ends their mail; nobody ends that of a list for all others."""
    headers = {"List-Unsubscribe": f"<{write_mute_address(channel)}>"}
    if settings.PUBLIC_URL.startswith("https://"):  # RFC 8058 knows no other
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


def _find_thread(rows: Sequence[Notification]) -> str:
    """Return the mail that this one answers, "" where it begins a thread."""
    row = rows[0]
    is_first = row.kind == Kind.WAITS and not row.step
    if len(rows) > 1 or row.approval_id is None or is_first:
        return ""
    asked = Notification.objects.filter(
        approval=row.approval_id, channel=row.channel_id, kind=Kind.WAITS
    )
    return asked.values_list("receipt", flat=True).first() or ""


def write_subject(rows: Sequence[Notification]) -> str:
    row = rows[0]
    if len(rows) > 1:
        waits = all(row.kind == Kind.WAITS for row in rows)
        return f"{len(rows)} approvals wait for you" if waits else f"News of {len(rows)} approvals"
    if row.kind in {Kind.ENDED, Kind.REMINDER, Kind.LAST_CALL}:
        return f"Re: {_name(row.content)} waits for you"
    return _heading(row)


def describe_row(row: Notification, zone: ZoneInfo) -> Item:
    content, approval = row.content, row.approval
    if "webhook" in content:
        page = write_address("admin:approvals_webhook_changelist")
        return Item(heading=_heading(row), address=page)
    if row.kind == Kind.UNDELIVERED:
        return Item(heading=_heading(row), address=write_address("deliveries"))
    if row.kind == Kind.CODE:
        lines = [
            f"{write_code(row)} is valid for 15 minutes. Type it there only if you asked for it."
        ]
        return Item(heading=_heading(row), address=write_address("me"), lines=lines)
    if approval is None:
        return Item(heading=_heading(row), address=write_address("me"), lines=["It works."])
    lines = [f"“{content['question']}”"] if content.get("question") else []
    if "outcome" in content:
        lines = [_tell_end(content, zone)]
        lines += [f"“{content['reason']}”"] if content.get("reason") else []
    elif approval.is_waiting and approval.expires_at is not None:
        lines.append(f"It waits until {_moment(approval.expires_at, zone)}.")
    if content.get("because"):
        lines.append(f"Your answer does not count any more. {content['because']}")
    page = write_address("approval", approval.pk) + ("#comments" if row.comment_id else "")
    return Item(heading=_heading(row), address=page, lines=lines)


def _heading(row: Notification) -> str:
    if "webhook" in row.content:
        return f"The webhook {row.content['webhook']} was switched off"
    name, ended = _name(row.content), row.content.get("outcome", "").lower()
    by = row.content.get("by") or "Somebody"
    return {
        Kind.WAITS: f"{name} waits for you{' again' if row.content.get('because') else ''}",
        Kind.REMINDER: f"{name} still waits for you",
        Kind.LAST_CALL: f"Last call: {name} waits for you",
        Kind.ENDED: f"{name}: {ended}",
        Kind.OUTCOME: f"{name}: {ended}",
        Kind.OVERRIDDEN: f"{name}: {ended} against the policy",
        Kind.OBSTRUCTED: f"Nobody can answer: {name}",
        Kind.UNDELIVERED: f"A message was not delivered: {name}",
        Kind.TEST: "A test message",
        Kind.MENTIONED: f"{by} mentions you: {name}",
        Kind.ASKED: f"{by} asks you: {name}",
        Kind.REPLIED: f"{by} has replied: {name}",
        Kind.CODE: "A code for your own page",
    }[Kind(row.kind)]


def _name(content: dict[str, Any]) -> str:
    return f"{content['flow']} / {content['run']}" if "flow" in content else "An approval"


def _tell_end(content: dict[str, Any], zone: ZoneInfo) -> str:
    by = f" by {content['by']}" if content.get("by") else ""
    moment = datetime.fromisoformat(content["at"])
    return f"{content['outcome']}{by}, {_moment(moment, zone)}."


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{local:%A} {local.day} {local:%B}, {local:%H:%M} ({local.tzname()})"
