"""The rows of the inbox and of the history.

A page has up to fifty of forty texts each, which takes Django's templates half of the page's time;
`_fill` escapes the same texts in a tenth of it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from string import Formatter
from typing import cast
from uuid import UUID

from django import template
from django.template import Context
from django.urls import get_script_prefix, reverse
from django.utils.safestring import SafeString, mark_safe

from approvals.answering.summaries import Entry
from approvals.display import labels
from approvals.models import Approval, Decision, Via, Vote
from approvals.services.filters import InboxFilters, Which
from approvals.services.inbox import InboxPage
from approvals.services.voices import Voice
from approvals.templatetags import reading
from approvals.templatetags.reading import escape_text

register = template.Library()

_MOST_TAGS = 8
_NOTHING = SafeString()
_NO_ID = UUID(int=0)
_SAID = {"yes": "agreed", "no": "said no"}

_INBOX_ROW = """<li class="row">
{pick}
<div class="row-main">
<div class="row-head"><h{level} class="row-title"><a id="row-{pk}" class="row-link" href="{address}"><bdi>{title}</bdi></a></h{level}>{run}{server}</div>
{detail}
{tags}
{company}{asked}
</div>
<div class="row-times">
<p class="left left-{urgency}">{clock}{deadline}</p>
<p class="muted row-asked"><span class="row-asked-word">asked </span>{opened}</p>
</div>
<span class="chevron" aria-hidden="true">{chevron}</span>
</li>
"""  # noqa: E501 -- what stands between two tags of a line shows
_PICK = (
    '<label class="pick"><input type="checkbox" id="pick-{pk}" name="chosen" value="{pk}.{pause}"'
    ' form="bulk" aria-label="Select {heading}" hx-preserve{checked}></label>'
)
_HELD = '<p class="row-company row-held">{} {} {}, takes effect {}</p>'
_HISTORY_ROW = """<li class="row">
<div class="row-main">
<div class="row-head"><h2 class="row-title"><a id="row-{pk}" class="row-link" href="{address}"><bdi>{title}</bdi></a></h2>{run}{server}</div>
{question}
{reason}
{answer}
{voices}
</div>
<div class="row-times"><p>{badges}</p>
<p>{decider}</p>
<p class="muted">{closed}</p></div>
<span class="chevron" aria-hidden="true">{chevron}</span>
</li>
"""  # noqa: E501 -- what stands between two tags of a line shows
_VOICE = '<span class="voice voice-{kind}"><bdi>{name}</bdi> {said}{via}{groups}</span>'


@register.simple_tag(takes_context=True)
def inbox_rows(context: Context, approvals: Sequence[Approval], level: str) -> SafeString:
    """Write what waits; the titles are headings of a level."""
    return SafeString("".join(_inbox_row(context, approval, level) for approval in approvals))


@register.simple_tag
def history_rows(entries: Sequence[Entry], here: str) -> SafeString:
    """Write what has ended; `here` is what its links say to lead back."""
    return SafeString("".join(_history_row(entry, here) for entry in entries))


@register.simple_tag
def voices(said: Iterable[Voice]) -> SafeString:
    """Write who voted for what of an approval that has ended."""
    return _fill('<p class="row-voices">{}</p>', SafeString("".join(map(_voice, said))))


def _inbox_row(context: Context, approval: Approval, level: str) -> SafeString:
    chosen: InboxFilters = context["chosen"]
    name = approval.flow_run_name if chosen.by_flow else approval.flow_name
    of_flow = "" if chosen.by_flow or not approval.title else approval.flow_name
    has_run = approval.title or not chosen.by_flow
    asked = '<p class="row-company">{} The requester was asked</p>'
    return _fill(
        _INBOX_ROW,
        level=level,
        pk=approval.pk,
        pick=_NOTHING if chosen.which is Which.ANSWERED else _pick(approval, context["picked"]),
        address=_address(approval, context["here"]),
        title=approval.title or reading.shorten(name, 120),
        run=_run(approval, of_flow) if has_run else _NOTHING,
        server=_server(approval),
        detail=_detail(approval),
        tags=reading.tag_list(approval.tags[:_MOST_TAGS]),
        company=_company(context["page"], approval, reader=context["user"].pk),
        asked=_fill(asked, reading.icon("clock")) if approval.asked_requester_at else "",
        urgency=reading.urgency(approval),
        clock=reading.icon("clock") if approval.expires_at else "",
        deadline=reading.deadline(approval),
        opened=reading.since(approval.opened_at),
        chevron=reading.icon("next"),
    )


def _pick(approval: Approval, picked: set[UUID]) -> SafeString:
    return _fill(
        _PICK,
        pk=approval.pk,
        pause=approval.pause_state_id,
        heading=reading.shorten(approval.heading, 80),
        checked=" checked" if approval.pk in picked else "",
    )


def _detail(approval: Approval) -> SafeString:
    if detail := approval.detail:
        return _fill('<p class="row-question"><bdi>{}</bdi></p>', detail)
    if approval.title:
        return _NOTHING
    asked = "an answer" if approval.asks_for_input else "your approval to go on"
    return _fill('<p class="row-question muted">Asks for {}.</p>', asked)


def _company(page: InboxPage, approval: Approval, *, reader: int) -> SafeString:
    """Write what is held of an approval, or else who has it open."""
    if held := page.held.get(approval.pk):
        return SafeString("".join(_held(vote, is_own=vote.reviewer_id == reader) for vote in held))
    if others := page.present.get(approval.pk):
        seen = '<p class="row-company">{} <bdi>{}</bdi></p>'
        return _fill(seen, reading.icon("eye"), labels.looking(others))
    return _NOTHING


def _held(vote: Vote, *, is_own: bool) -> SafeString:
    who = "You" if is_own else _fill("<bdi>{}</bdi>", vote.name)
    did = "rejected" if vote.kind == Vote.Kind.NO else "answered"
    moment = cast("datetime", vote.takes_effect_at)
    return _fill(_HELD, reading.icon("clock"), who, did, reading.effect(moment))


def _history_row(entry: Entry, here: str) -> SafeString:
    approval, decision = entry.approval, entry.decision
    question = '<p class="row-question"><bdi>{}</bdi></p>'
    reason = '<p class="row-answer"><bdi>“{}”</bdi></p>'
    return _fill(
        _HISTORY_ROW,
        pk=approval.pk,
        address=_address(approval, here),
        title=reading.shorten(approval.title or approval.flow_name, 120),
        run=_run(approval, approval.title and approval.flow_name),
        server=_server(approval),
        question=_shortened(question, approval.question),
        reason=_shortened(reason, decision.reason if decision else ""),
        answer=_answer(entry.summary.rows),
        voices=voices(entry.voices) if entry.voices else "",
        badges=_badges(entry),
        decider=_decider(approval, decision),
        closed=reading.day_and_time(cast("datetime", approval.closed_at)),
        chevron=reading.icon("next"),
    )


def _shortened(around: str, text: str) -> SafeString:
    return _fill(around, reading.shorten(text, 200)) if text else _NOTHING


def _answer(rows: Sequence[tuple[str, str]]) -> SafeString:
    if not rows:
        return _NOTHING
    shown = (
        (reading.shorten(label or "Answer", 60), reading.shorten(text, 120)) for label, text in rows
    )
    row = "<div><dt><bdi>{}</bdi></dt><dd><bdi>{}</bdi></dd></div>"
    return _fill(
        '<dl class="row-answer">{}</dl>', SafeString("".join(_fill(row, *each) for each in shown))
    )


def _badges(entry: Entry) -> SafeString:
    is_overridden = entry.decision is not None and entry.decision.overrode
    against = '<span class="badge badge-bad">Against the policy</span> ' if is_overridden else ""
    return mark_safe(against) + _badge(entry)  # noqa: S308 -- words of ours


def _badge(entry: Entry) -> SafeString:
    approval, word = entry.approval, entry.summary.word
    is_answered = approval.outcome == Approval.Outcome.ANSWERED
    if word:
        return _badge_of(word, "good" if word == "Yes" else "bad")
    if is_answered and entry.decision is not None and not approval.asks_for_input:
        return _badge_of("Approved", "good")
    if is_answered:
        return _badge_of("Answered", "calm")
    return reading.outcome_badge(approval.outcome)


@cache
def _badge_of(word: str, colour: str) -> SafeString:
    return _fill('<span class="badge badge-{}">{}</span>', colour, word)


def _decider(approval: Approval, decision: Decision | None) -> SafeString:
    by = '<span class="muted">by</span> {}'
    if decision is not None:
        via = ' <span class="muted">via Slack</span>' if decision.via == Via.SLACK else ""
        return _fill(by + via, labels.person(decision.decided_by))
    if approval.outcome == Approval.Outcome.WITHDRAWN and approval.closed_by:
        return _fill(by, labels.person(approval.closed_by))
    return SafeString('<span class="muted">nobody answered</span>')


def _voice(voice: Voice) -> SafeString:
    for_groups = ' <span class="muted">for <bdi>{}</bdi></span>'
    return _fill(
        _VOICE,
        kind=voice.kind,
        name=f"the program “{voice.name}”" if voice.is_key else voice.name,
        said=_SAID.get(voice.kind, "decided against the policy"),
        via=" via Slack" if voice.is_by_slack else "",
        groups=_fill(for_groups, voice.groups) if voice.groups else "",
    )


def _run(approval: Approval, flow: str) -> SafeString:
    """Write which run it is, and of which flow where the title does not say so."""
    of_flow = _fill("<bdi>{}</bdi> · ", reading.shorten(flow, 120)) if flow else _NOTHING
    run = reading.shorten(approval.flow_run_name, 120)
    return _fill('<p class="row-run">{}<bdi>{}</bdi></p>', of_flow, run)


def _server(approval: Approval) -> SafeString:
    where = ' <span class="server" title="The Prefect server where it runs"><bdi>{}</bdi></span>'
    return _fill(where, approval.server) if approval.server else _NOTHING


def _address(approval: Approval, here: str) -> str:
    return f"{_find_page(get_script_prefix())}{approval.pk}/{here}"


def _fill(html: str, *texts: object, **named: object) -> SafeString:
    """Put texts into HTML as `format_html` does, which takes many times as long."""
    pattern = _to_pattern(html)
    if named:
        return SafeString(pattern % {name: escape_text(text) for name, text in named.items()})
    return SafeString(pattern % tuple(map(escape_text, texts)))


@cache
def _to_pattern(html: str) -> str:
    """Return HTML as the `%` operator fills it: texts have names, or the order they come in."""
    return "".join(
        literal.replace("%", "%%") + ("" if name is None else f"%({name})s" if name else "%s")
        for literal, name, _, _ in Formatter().parse(html)
    )


@cache
def _find_page(prefix: str) -> str:  # noqa: ARG001 -- without it another's would be found
    """Return what the address of each approval begins with, where all of ours have a prefix."""
    return reverse("approval", args=[_NO_ID]).removesuffix(f"{_NO_ID}/")
