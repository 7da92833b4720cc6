"""When the steps of a policy come: counted in working time from opening, before the deadline."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from approvals.policies.hours import WorkingHours, add_working_time, day_length, last_closing
from flowruns.domain.policy_steps import Step

# What ends sooner goes by the clock on the wall: its working day may be over already.
_SOON = timedelta(hours=2)
_LAST_CALL = timedelta(minutes=30)
# An hour, Prefect's usual time-out, is a little less by the time the server hears of it.
_SHORT = timedelta(minutes=50)
_LAST_SHARE = 10  # the last call comes when so much of the time is left: a tenth
# Before the deadline, when the flow's own clock gives up.
END_AHEAD = timedelta(seconds=5)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time in which an approval may be answered; without a deadline `end` is None."""

    begin: datetime
    end: datetime | None

    @property
    def length(self) -> timedelta | None:
        return self.end - self.begin if self.end else None


def plan_steps(
    steps: Sequence[Step], span: Span, hours: WorkingHours | None, *, latest: datetime | None
) -> list[tuple[datetime, Step]]:
    """Return each step with its moment; one that would come after `latest` comes then."""
    planned = []
    previous = span.begin
    for step in steps:
        since = previous if step.repeats else span.begin
        moment = add_span(step, since, span, hours)
        previous = max(moment, previous)
        planned.append((min(moment, latest) if latest else moment, step))
    return planned


def add_span(step: Step, since: datetime, span: Span, hours: WorkingHours | None) -> datetime:
    """Return when a step comes that is counted from a moment, in UTC."""
    since = since.astimezone(UTC)
    is_soon = span.length is not None and span.length < _SOON
    if not step.span.is_working or hours is None or is_soon:
        return since + step.span.length(day=_DAY)
    return add_working_time(hours, since, step.span.length(day=day_length(hours)))


def find_last_call(
    span: Span, hours: Iterable[WorkingHours | None], *, since: datetime | None = None
) -> datetime | None:
    """Return when people are told that the time is nearly over; None where it is too short.

    They may work at different hours: nobody is to hear of it too late, so the earliest counts.
    They are asked since the approval has opened, or since then.
    """
    moments = [_find_last_call(span, each, since=since or span.begin) for each in hours]
    return min((moment for moment in moments if moment), default=None)


def find_end(span: Span) -> datetime | None:
    """Return when a policy answers or rejects by itself: just before the flow gives up."""
    if span.end is None or span.length is None:
        return None
    return span.end.astimezone(UTC) - min(END_AHEAD, span.length / _LAST_SHARE)


def _find_last_call(span: Span, hours: WorkingHours | None, *, since: datetime) -> datetime | None:
    if span.end is None or span.length is None or span.length < _SHORT:
        return None
    moment = span.end.astimezone(UTC) - max(span.length / _LAST_SHARE, _LAST_CALL)
    if hours is None or span.length < _SOON:
        return moment
    # Those who are at rest then hear of it before they go, unless nobody works in all the time
    closing = last_closing(hours, moment)
    return closing if closing > since else moment
