"""Tags that write times, states and icons for a person."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from html import escape
from typing import Any
from urllib.parse import urlsplit

from django import template
from django.contrib.auth.models import AnonymousUser, User
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from approvals.answering.flow_errors import FlowVerdict, read_flow_verdict
from approvals.display import labels
from approvals.display.changes import StateChange, tell_changes
from approvals.display.markdown import render_markdown, without_title
from approvals.models import Approval, Vote
from approvals.services import inbox
from approvals.services.askers import Asker, find_asker
from flowruns import wire
from flowruns.connectors import HistoryState

register = template.Library()

MAX_SHOWN = 20_000  # characters of one value; the whole of it is in the flow
_MAX_OPTION = 60  # characters
_MAX_TAG = 40  # characters
_SPECIAL = re.compile("[&<>\"']")
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def escape_text(text: object) -> str:
    """Return a text as HTML shows it. Most have nothing in them that `escape` would look for."""
    if isinstance(text, SafeString):
        return text
    plain = str(text)
    return escape(plain) if _SPECIAL.search(plain) else plain


def _localise(moment: datetime) -> datetime:
    """Return a moment in the reader's zone, without the checks that Django makes each time."""
    return moment.astimezone(timezone.get_current_timezone())


def _spell(local: datetime) -> str:
    """Return a moment in the reader's zone, to the second."""
    # By hand, for a list writes sixty of them
    day = f"{_DAYS[local.weekday()]} {local.day} {_MONTHS[local.month - 1]} {local.year}"
    return f"{day}, {local.time().isoformat('seconds')} ({local.tzname()})"


@register.simple_tag
def since(moment: datetime) -> SafeString:
    """Write how long ago something was; the exact time shows on hover."""
    return _time(_localise(moment), labels.ago(moment, datetime.now(UTC)), shown="ago")


@register.simple_tag
def deadline(approval: Approval) -> SafeString:
    """Write until when an approval waits; it counts down as soon as that matters."""
    if approval.expires_at is None:
        return format_html("{}", "No deadline")
    now, local = datetime.now(UTC), _localise(approval.expires_at)
    if labels.is_urgent(approval.opened_at, approval.expires_at, now):
        text = labels.time_left(approval.expires_at, now)
    else:
        text = labels.until(local, now.astimezone(local.tzinfo))
    return _time(local, text, shown="left", opened=approval.opened_at)


@register.simple_tag
def effect(moment: datetime) -> SafeString:
    """Write in how many seconds something takes effect."""
    return _time(_localise(moment), labels.within(moment, datetime.now(UTC)), shown="in")


@register.simple_tag
def day_and_time(moment: datetime) -> SafeString:
    local = _localise(moment)
    day = f"{local.day} {_MONTHS[local.month - 1][:3]} {local.year}"
    return _time(local, f"{day}, {local.hour:02}:{local.minute:02}", shown="exact")


@register.simple_tag
def log_time(moment: datetime) -> SafeString:
    local = _localise(moment)
    return _time(local, f"{local:%H:%M:%S}", shown="exact")


def _time(local: datetime, text: str, *, shown: str, opened: datetime | None = None) -> SafeString:
    # By hand, too; what is not escaped is made of numbers alone
    since = f' data-opened="{opened.astimezone(UTC).isoformat()}"' if opened else ""
    return SafeString(
        f'<time datetime="{local.astimezone(UTC).isoformat()}" title="{escape_text(_spell(local))}"'
        f' data-shown="{shown}"{since}>{escape_text(text)}</time>'
    )


@register.filter
def urgency(approval: Approval) -> str:
    """Return how pressing an approval's deadline is, as the name of a colour's class."""
    end = approval.expires_at
    is_urgent = end and labels.is_urgent(approval.opened_at, end, datetime.now(UTC))
    return "now" if is_urgent else "later"


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("icons.svg"),
        name,
    )


@register.filter
def shorten(text: str, length: int) -> str:
    """Cut a text as `truncatechars` does, which looks at each character of those that fit too."""
    return text if len(text) <= length else Truncator(text).chars(length)


@register.simple_tag
def tag_list(tags: Sequence[str]) -> SafeString:
    """Write the tags of a run; nothing where it has none."""
    shown = (escape_text(shorten(str(tag), _MAX_TAG)) for tag in tags)
    items = "".join(f'<li class="tag"><bdi>{tag}</bdi></li>' for tag in shown)
    return SafeString(items and f'<ul class="tags" aria-label="Tags" role="list">{items}</ul>')


@register.simple_tag
def options(names: Sequence[str], chosen: str) -> SafeString:
    """Write what can be chosen in a select."""
    return _options(((name, name) for name in names), chosen)


@register.simple_tag
def person_options(names: Sequence[str], chosen: str) -> SafeString:
    """Write by whom something was decided that can be chosen in a select."""
    return _options(((name, labels.person_first(name)) for name in names), chosen)


@register.simple_tag
def policy_options(origins: Sequence[str], chosen: str) -> SafeString:
    """Write by whose policy something can be chosen."""
    return _options(((origin, labels.policy_name(origin)) for origin in origins), chosen)


def _options(choices: Iterable[tuple[str, str]], chosen: str) -> SafeString:
    return SafeString(
        "".join(
            f'<option value="{escape_text(value)}"{" selected" if value == chosen else ""}>'
            f"{escape_text(shorten(label, _MAX_OPTION))}</option>"
            for value, label in choices
        )
    )


@register.simple_tag
def state_badge(state: wire.State) -> SafeString:
    return _badge(*labels.state_label(state.type, state.name))


@register.simple_tag
def outcome_badge(outcome: str) -> SafeString:
    return _badge(*labels.outcome_label(outcome))


def _badge(word: str, colour: str) -> SafeString:
    return format_html('<span class="badge badge-{}">{}</span>', colour, word)


@register.filter
def plainly(message: str) -> str:
    return labels.plainly(message)


@register.filter
def person(actor: str) -> str:
    return labels.person(actor)


@register.filter
def person_first(actor: str) -> str:
    return labels.person_first(actor)


@register.filter
def actor(text: str) -> str:
    """Write who put a run into a state, for the run's own page."""
    return labels.actor(text)


@register.filter
def looking(names: Sequence[str] | None) -> str:
    return labels.looking(names or [])


@register.filter
def company(names: Sequence[str] | None, held: Sequence[Vote] | None) -> str:
    """Write who has something open, and what is held of it, as an address says it."""
    return ",".join([*(names or []), *(str(vote.pk) for vote in held or [])])


@register.filter
def of(table: Mapping[Any, Any], key: Any) -> Any:
    """Return what a table says of a key, None where it says nothing."""
    return table.get(key)


@register.filter
def policy_name(origin: str) -> str:
    """Write whose a policy is, for a person."""
    return labels.policy_name(origin)


@register.filter
def body(text: str, title: str) -> SafeString:
    """Write what is asked below its title, which the page's heading says already."""
    return render_markdown(without_title(text, title))


@register.filter
def told(states: Sequence[HistoryState]) -> list[StateChange]:
    return tell_changes(states)


@register.simple_tag
def told_badge(state: StateChange) -> SafeString:
    return _badge(state.words, state.colour)


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
def asker(approval: Approval, run: inbox.RunView) -> Asker | None:
    return find_asker(approval, run)


@register.simple_tag
def waiting_count(user: User | AnonymousUser) -> int:
    return inbox.count_waiting(user)


@register.filter
def duration(length: timedelta) -> str:
    return labels.duration(length)


@register.filter
def day(moment: datetime) -> str:
    local = _localise(moment)
    return f"{local:%A} {local.day} {local:%B %Y}"


@register.filter
def host(address: str) -> str:
    """Return the host of an address, for people who want to know where a link goes."""
    return urlsplit(address).hostname or address


@register.filter
def span(length: timedelta) -> str:
    return labels.span(length)
