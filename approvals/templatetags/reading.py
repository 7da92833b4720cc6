"""Tags that write times, states and icons for a person."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.contrib.auth.models import AnonymousUser, User
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from approvals import words
from approvals.models import Approval
from approvals.prose import render_markdown
from approvals.refusals import FlowVerdict, read_flow_verdict
from approvals.services import inbox
from flowruns import wire

register = template.Library()

MAX_SHOWN = 20_000  # characters of one value; the whole of it is in the flow


def exact(moment: datetime) -> str:
    """Return a moment in the reader's zone, to the second."""
    local = timezone.localtime(moment)
    return f"{local:%A} {local.day} {local:%B %Y, %H:%M:%S} ({local.tzname()})"


@register.simple_tag
def since(moment: datetime) -> SafeString:
    """Write how long ago something was; the exact time shows on hover."""
    return _time(moment, words.ago(moment, datetime.now(UTC)), shown="ago")


@register.simple_tag
def deadline(moment: datetime) -> SafeString:
    """Write how much time is left; it counts down where JavaScript runs."""
    return _time(moment, words.time_left(moment, datetime.now(UTC)), shown="left")


@register.simple_tag
def day_and_time(moment: datetime) -> SafeString:
    local = timezone.localtime(moment)
    return _time(moment, f"{local.day} {local:%b %Y, %H:%M}", shown="exact")


@register.simple_tag
def log_time(moment: datetime) -> SafeString:
    return _time(moment, f"{timezone.localtime(moment):%H:%M:%S}", shown="exact")


def _time(moment: datetime, text: str, *, shown: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}" data-shown="{}">{}</time>',
        moment.astimezone(UTC).isoformat(),
        exact(moment),
        shown,
        text,
    )


@register.filter
def urgency(moment: datetime) -> str:
    return words.urgency(moment, datetime.now(UTC))


@register.simple_tag
def icon(name: str) -> SafeString:
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("icons.svg"),
        name,
    )


@register.simple_tag
def state_badge(state: wire.State) -> SafeString:
    return _badge(*words.state_words(state.type, state.name))


@register.simple_tag
def outcome_badge(outcome: str) -> SafeString:
    return _badge(*words.outcome_words(outcome))


def _badge(word: str, colour: str) -> SafeString:
    return format_html('<span class="badge badge-{}">{}</span>', colour, word)


@register.filter
def plainly(message: str) -> str:
    return words.plainly(message)


@register.filter
def person(actor: str) -> str:
    return words.person(actor)


@register.filter
def markdown(text: str) -> SafeString:
    return render_markdown(text)


@register.filter
def as_json(value: Any) -> str:
    """Write a value as a person reads it: texts plainly, the rest as indented JSON."""
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


@register.filter
def level(log: wire.Log) -> str:
    """Return a log line's level as a word."""
    names = ((50, "critical"), (40, "error"), (30, "warning"), (20, "info"))
    return next((name for least, name in names if log.level >= least), "debug")


@register.simple_tag
def flow_verdict(approval: Approval, run: inbox.RunView) -> FlowVerdict:
    """What the flow made of the answer that it was given."""
    return read_flow_verdict(approval, run)


@register.simple_tag
def waiting_count(user: User | AnonymousUser) -> int:
    return inbox.count_waiting(user)


@register.filter
def duration(length: timedelta) -> str:
    return words.duration(length)


@register.filter
def day(moment: datetime) -> str:
    local = timezone.localtime(moment)
    return f"{local:%A} {local.day} {local:%B %Y}"


@register.filter
def host(address: str) -> str:
    """Return the host of an address, for people who want to know where a link goes."""
    return urlsplit(address).hostname or address


@register.filter
def span(length: timedelta) -> str:
    return words.span(length)
