"""Cases 46 to 50: dates, times and durations."""

from datetime import timedelta

import pytest
from pydantic import TypeAdapter

from approvals.schemaforms import JSONValue
from tests.schemaforms.browser import Reviewer, ask


def moment(**words: JSONValue) -> JSONValue:
    return {"type": "string", "format": "date-time", **words}


def fill_moment(text: str, zone: str) -> Reviewer:
    reviewer = ask(a=moment())
    local, place = reviewer.page.inputs
    local.value, place.value = text, zone
    return reviewer


@pytest.mark.parametrize(
    ("zone", "end"),
    [("Europe/Berlin", "+02:00"), ("UTC", "Z"), ("+05:30", "+05:30"), ("", ""), ("Z", "Z")],
)
def test_a_moment_is_sent_with_the_offset_of_the_shown_zone(zone: str, end: str) -> None:
    assert fill_moment("2026-07-01T12:00", zone).answer() == {"a": f"2026-07-01T12:00{end}"}


def test_the_zone_in_use_is_shown() -> None:
    _, zone = ask(a=moment()).page.inputs
    assert zone.value


@pytest.mark.parametrize("text", ["2026-03-29T02:30", "2026-10-25T02:30"])
def test_a_time_that_does_not_exist_or_comes_twice_is_asked_about(text: str) -> None:
    [(path, message)] = fill_moment(text, "Europe/Berlin").messages()
    assert path == ("a",)
    assert "clocks" in message


def test_an_unknown_zone_is_refused() -> None:
    for zone in ("Mars/Olympus", "../../etc/passwd", "+99:00"):
        assert len(fill_moment("2026-07-01T12:00", zone).messages()) == 1


@pytest.mark.parametrize(
    "value",
    [
        "2024-01-01T10:00:00",
        "2024-01-01T10:00:00Z",
        "2024-01-01T10:00:00.123456+02:00",
        "2024-01-01 10:00",
        "2024-01-01T10:00:00.5",
    ],
)
def test_an_initial_moment_stays_exactly_as_it_was(value: str) -> None:
    assert ask(a=moment(default=value)).answer() == {"a": value}


def test_a_moment_without_zone_stays_without_when_it_is_changed() -> None:
    reviewer = ask(a=moment(default="2024-01-01T10:00:00")).fill(A="2024-01-02T10:00:00")
    assert reviewer.answer() == {"a": "2024-01-02T10:00:00"}


@pytest.mark.parametrize("text", ["2024-01-01T10:00:00", "2024-01-01 10:00", "2024-01-01T10:00Z"])
def test_moments_are_read_as_leniently_as_pydantic_does(text: str) -> None:
    assert fill_moment(text, "").submit().is_valid


@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31", "2024-02-29"])
def test_every_day_of_the_calendar_is_a_date(text: str) -> None:
    assert ask(a={"type": "string", "format": "date"}).fill(A=text).answer() == {"a": text}


@pytest.mark.parametrize("text", ["2024-1-1", "29/02/2024", "2023-02-29", "1700000000"])
def test_what_is_no_date_is_refused_and_kept_as_typed(text: str) -> None:
    reviewer = ask(a={"type": "string", "format": "date"}).fill(A=text)
    assert len(reviewer.messages()) == 1
    assert reviewer.page.find("A").value == text


@pytest.mark.parametrize("value", ["10:00", "10:00:00.123456", "10:00+02:00", "23:59:59Z"])
def test_an_initial_time_keeps_its_zone_and_fractions(value: str) -> None:
    rule: JSONValue = {"type": "string", "format": "time", "default": value}
    assert ask(a=rule).answer() == {"a": value}


@pytest.mark.parametrize("text", ["25:00", "10", "10:61", "half past ten"])
def test_what_is_no_time_is_refused(text: str) -> None:
    assert len(ask(a={"type": "string", "format": "time"}).fill(A=text).messages()) == 1


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("P1DT2H", timedelta(days=1, hours=2)),
        ("-PT1.5S", timedelta(seconds=-1.5)),
        ("1h 30m", timedelta(minutes=90)),
        ("90 s", timedelta(seconds=90)),
        ("01:30:00", timedelta(minutes=90)),
        ("2 days", timedelta(days=2)),
        ("1.5h", timedelta(minutes=90)),
        ("0s", timedelta()),
        ("-2d 1h", -timedelta(days=2, hours=1)),
    ],
)
def test_durations_are_typed_as_people_write_them_and_sent_as_iso(
    text: str, span: timedelta
) -> None:
    answer = ask(a={"type": "string", "format": "duration"}).fill(A=text).answer()
    assert isinstance(answer, dict)
    assert str(answer["a"]).lstrip("-").startswith("P")
    assert TypeAdapter(timedelta).validate_python(answer["a"]) == span


@pytest.mark.parametrize(
    "text", ["90", "1 fortnight", "P", "PT", "soon", "9" * 200 + "d", "P99999999999D"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    assert len(ask(a={"type": "string", "format": "duration"}).fill(A=text).messages()) == 1


@pytest.mark.parametrize("name", ["date", "time", "date-time"])
def test_text_that_no_picker_can_show_is_kept_in_a_text_field(name: str) -> None:
    text = {"date": "2026-02-30", "time": "25:99", "date-time": "2026-02-30T25:99"}[name]
    reviewer = ask(a={"type": "string", "format": name}).fill(A=text)
    reviewer.submit()
    assert reviewer.page.find("A").value == text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("PT2H", "2h"),
        ("P1DT2H30M", "1 day 2h 30m"),
        ("-P3DT1.5S", "-3 days 1.5s"),
        ("PT0S", "0s"),
        ("P3W", "P3W"),
        ("PT90M", "PT90M"),
        ("P1Y", "P1Y"),
        ("later", "later"),
    ],
)
def test_a_duration_is_shown_in_words_where_they_mean_the_same(value: str, words: str) -> None:
    rule: JSONValue = {"type": "string", "format": "duration", "default": value}
    reviewer = ask(a=rule)
    assert reviewer.page.find("A").value == words
    if value != "later":
        assert reviewer.answer() == {"a": value}
