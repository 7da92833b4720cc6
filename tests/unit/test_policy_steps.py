"""Steps of a policy: how they are written, and when they come."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from approvals.policies.hours import WorkingHours, add_working_time, last_closing, parse_hours
from approvals.policies.planning import Span, find_end, find_last_call, plan_steps
from flowruns.domain.policies import PolicyUnreadable, WhoKind, parse_policy
from flowruns.domain.policy_steps import Step

BERLIN = parse_hours("Mon-Fri 09:00-17:00 Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def plan(
    steps: Sequence[Step], span: Span, hours: WorkingHours | None
) -> list[tuple[datetime, Step]]:
    latest = find_last_call(span, [hours]) or find_end(span)
    return plan_steps(steps, span, hours, latest=latest)


def written(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%dT%H:%M}" if moment else ""


@pytest.mark.parametrize(
    ("line", "canonical"),
    [
        (
            'anyone; after 1 working days ask @a or "x y"; at the end  reject because "nobody"',
            'anyone; after 1 working day ask @a or "x y"; at the end reject because "nobody"',
        ),
        ("2 of @a, signed;after 30 minutes remind", "2 of @a, signed; after 30 minutes remind"),
        ("anyone; every 2 days remind; at the end fail", ""),
        ('anyone; at the end answer {"why": "a; \\"b\\"", "n": [1, null]}', ""),
        ('anyone; at the end reject because "a; \\"b\\""', ""),
        ('1 of @"a;b"; after 1 hour remind', ""),
    ],
)
def test_steps_are_read_and_written_in_one_way(line: str, canonical: str) -> None:
    policy = parse_policy(line)
    assert str(policy) == (canonical or line)
    assert parse_policy(str(policy)) == policy


def test_who_is_asked_later_is_told_apart_from_who_answers() -> None:
    policy = parse_policy("1 of @finance; after 1 day ask @leads")
    assert policy.rule == "1 of @finance"
    assert policy.names(WhoKind.GROUP) == {"finance"}
    assert policy.asks_later(WhoKind.GROUP) == {"leads"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("anyone;", "is no step"),
        ("; after 1 hour remind", "Say who answers"),
        ("at the end fail", "is no part of a policy"),
        ("anyone; after one hour remind", "is no step"),
        ("anyone; after 0 hours remind", "is not how long"),
        ("anyone; after 99999 hours remind", "is not how long"),
        ("anyone; after 1 week remind", "is no step"),
        ("anyone; after 1 hour shout", '"shout" is no step'),
        ("anyone; after 1 hour ask", "A name is missing"),
        ("anyone; every 1 hour ask @a", "people are asked once"),
        ("anyone; every 1 hour remind; after 2 hours remind", 'No step comes after "every"'),
        ("anyone; at the end", '"" is unknown'),
        ("anyone; at the end shrug", '"shrug" is unknown'),
        ("anyone; at the end fail; after 1 hour remind", "is unknown"),
        ("anyone; at the end reject because nobody", "no JSON value"),
        ("anyone; at the end reject because 3", "A reason stands in quotes"),
        ('anyone; at the end reject because " "', "A reason stands in quotes"),
        ("anyone; at the end answer {", "no JSON value"),
        ('anyone; after 1 hour ask @"leads', "A quotation mark is open"),
        ("anyone" + "; after 1 hour remind" * 6, "5 steps at most"),
    ],
)
def test_what_is_no_step_is_refused_with_the_word_that_is_wrong(line: str, said: str) -> None:
    with pytest.raises(PolicyUnreadable) as refused:
        parse_policy(line)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("moment", "hours", "later"),
    [
        ("2026-11-27T15:00", 4, "2026-11-30T11:00"),  # Friday 16:00 in Berlin → Monday 12:00
        ("2026-11-28T12:00", 8, "2026-11-30T16:00"),
        ("2026-10-23T14:00", 4, "2026-10-26T11:00"),  # over the end of summer time
        ("2026-03-27T15:00", 4, "2026-03-30T10:00"),  # and over its beginning
    ],
)
def test_working_time_passes_in_working_hours(moment: str, hours: int, later: str) -> None:
    (rule,) = parse_policy(f"anyone; after {hours} working hours remind").steps
    span = Span(begin=at(moment), end=None)
    assert plan([rule], span, BERLIN) == [(at(later), rule)]


def test_working_time_over_a_night_shift_whose_clock_changes() -> None:
    night = parse_hours("Sat 22:00-06:00 Europe/Berlin")
    five = timedelta(hours=5)
    assert add_working_time(night, at("2026-10-24T20:00"), five) == at("2026-10-25T01:00")
    assert last_closing(night, at("2026-10-26T12:00")) == at("2026-10-25T05:00")


def test_a_friday_evening_question_is_not_out_of_reminders_by_monday() -> None:
    steps = parse_policy(
        "anyone; after 2 working hours remind; after 4 working hours remind;"
        " after 1 working day remind; every 1 working day remind"
    ).steps
    span = Span(begin=at("2026-11-27T18:00"), end=at("2026-12-11T18:00"))
    assert [written(moment) for moment, _ in plan(steps, span, BERLIN)] == [
        "2026-11-30T10:00",
        "2026-11-30T12:00",
        "2026-11-30T16:00",
        "2026-12-01T16:00",
    ]


@pytest.mark.parametrize(
    ("begin", "end", "call"),
    [
        ("2026-11-30T08:00", "2026-11-30T09:00", "2026-11-30T08:30"),  # half an hour at least
        ("2026-11-30T08:00", "2026-11-30T08:49", ""),  # too short for one
        ("2026-11-30T08:00", "2026-11-30T18:00", "2026-11-30T16:00"),  # 17:00, out of hours
        ("2026-11-30T08:00", "2026-12-05T08:00", "2026-12-04T16:00"),
        ("2026-11-27T17:00", "2026-11-29T17:00", "2026-11-29T12:12"),  # a weekend: out of hours
        ("2026-11-28T22:00", "2026-11-28T23:30", "2026-11-28T23:00"),  # short: by the wall
    ],
)
def test_a_last_call_comes_before_the_deadline(begin: str, end: str, call: str) -> None:
    span = Span(begin=at(begin), end=at(end))
    assert written(find_last_call(span, [BERLIN])) == call


def test_a_step_after_the_deadline_moves_before_it() -> None:
    steps = parse_policy("anyone; after 5 days ask @leads").steps
    span = Span(begin=at("2026-11-30T08:00"), end=at("2026-12-01T08:00"))
    ((moment, _),) = plan(steps, span, None)
    assert moment == find_last_call(span, [None]) == at("2026-12-01T05:36")


def test_what_ends_within_two_hours_goes_by_the_wall() -> None:
    steps = parse_policy("anyone; after 1 working hour remind").steps
    span = Span(begin=at("2026-11-28T08:00"), end=at("2026-11-28T09:50"))
    ((moment, _),) = plan(steps, span, BERLIN)
    assert moment == at("2026-11-28T09:00")


def test_the_end_comes_just_before_the_flow_gives_up() -> None:
    assert find_end(Span(begin=at("2026-11-28T08:00"), end=None)) is None
    span = Span(begin=at("2026-11-28T08:00"), end=at("2026-11-28T09:00"))
    assert find_end(span) == datetime(2026, 11, 28, 8, 59, 55, tzinfo=UTC)
