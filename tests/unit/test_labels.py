from datetime import UTC, datetime, timedelta

import pytest

from approvals.display import labels
from approvals.models import Approval
from flowruns.domain.states import StateType

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "one", "two"),
    [
        (0, "0 seconds", "0 seconds"),
        (1, "1 second", "1 second"),
        (61, "1 minute", "1 minute 1 second"),
        (120, "2 minutes", "2 minutes"),
        (3_600, "1 hour", "1 hour"),
        (3_605, "1 hour", "1 hour"),
        (7_320, "2 hours", "2 hours 2 minutes"),
        (200_000, "2 days", "2 days 7 hours"),
        (-5, "0 seconds", "0 seconds"),
    ],
)
def test_spans_are_told_in_their_largest_units(seconds: int, one: str, two: str) -> None:
    assert labels.span(timedelta(seconds=seconds)) == one
    assert labels.span(timedelta(seconds=seconds), parts=2) == two


def test_a_moment_is_told_from_now() -> None:
    assert labels.ago(NOW, NOW) == "just now"
    assert labels.ago(NOW - timedelta(minutes=3), NOW) == "3 minutes ago"
    assert labels.ago(NOW + timedelta(seconds=2), NOW) == "just now"


def test_what_is_left_is_told_until_nothing_is() -> None:
    assert labels.time_left(NOW - timedelta(minutes=1), NOW) == "no time left"
    assert labels.time_left(NOW + timedelta(minutes=9), NOW) == "9 minutes left"


@pytest.mark.parametrize(
    ("given", "left", "is_urgent"),
    [
        (timedelta(days=7), timedelta(minutes=11), False),
        (timedelta(days=7), timedelta(minutes=9), True),
        (timedelta(hours=1), timedelta(minutes=7), False),
        (timedelta(hours=1), timedelta(minutes=5), True),
        (timedelta(seconds=30), timedelta(seconds=4), False),
        (timedelta(seconds=30), timedelta(seconds=3), True),
        (timedelta(hours=1), timedelta(seconds=-1), True),
    ],
)
def test_a_deadline_is_urgent_in_its_last_tenth_and_ten_minutes_at_most(
    given: timedelta, left: timedelta, is_urgent: bool
) -> None:
    deadline = NOW + left
    assert labels.is_urgent(deadline - given, deadline, NOW) is is_urgent


@pytest.mark.parametrize(
    ("days", "text"),
    [(0, "until 12:00"), (1, "until 24 Nov, 12:00"), (60, "until 22 Jan 2027, 12:00")],
)
def test_a_deadline_that_is_far_is_a_plain_time(days: int, text: str) -> None:
    assert labels.until(NOW + timedelta(days=days), NOW) == text


@pytest.mark.parametrize("kind", StateType)
def test_no_state_is_told_in_the_engines_words(kind: StateType) -> None:
    word, colour = labels.state_label(kind, kind.value.capitalize())
    assert word not in {"Paused", "Suspended", "Scheduled", "Pending"}
    assert colour in {"good", "bad", "busy", "calm", "waiting"}


@pytest.mark.parametrize("outcome", Approval.Outcome)
def test_every_outcome_has_a_word_and_a_colour(outcome: str) -> None:
    word, colour = labels.outcome_label(outcome)
    assert word
    assert colour in {"good", "bad", "busy", "calm", "waiting"}


@pytest.mark.parametrize(
    ("actor", "name"),
    [
        ("alice", "alice"),
        ("api_key:nightly", "the program “nightly”"),
        ("server:expiry", "this server"),
        ("server", "server"),
        ("api_key", "api_key"),
        ("reviewer:api_key:ci", "api_key:ci"),
        ("", "somebody"),
    ],
)
def test_actors_have_names_for_people(actor: str, name: str) -> None:
    assert labels.person(actor) == name


def test_a_runs_own_page_names_the_key_of_a_program() -> None:
    assert labels.actor("api_key:nightly") == "API key “nightly”"
    assert labels.actor("alice") == "alice"
    assert labels.actor("server:expiry") == "this server"
