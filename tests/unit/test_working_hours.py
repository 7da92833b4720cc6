"""Working hours: how they are written, and when they begin next."""

from datetime import UTC, datetime

import pytest

from approvals.policies.hours import HoursUnreadable, next_opening, parse_hours


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "moment", "opening"),
    [
        # In Berlin, an hour ahead of UTC in winter and two in summer
        ("Mon-Fri 09:00-17:00 Europe/Berlin", "2026-11-27T10:00", "2026-11-27T10:00"),
        ("Mon-Fri 09:00-17:00 Europe/Berlin", "2026-11-27T07:59", "2026-11-27T08:00"),
        ("Mon-Fri 09:00-17:00 Europe/Berlin", "2026-11-27T16:00", "2026-11-30T08:00"),
        # Over the change of clocks on 25 October and on 29 March
        ("Mon-Fri 09:00-17:00 Europe/Berlin", "2026-10-23T16:00", "2026-10-26T08:00"),
        ("Mon-Fri 09:00-17:00 Europe/Berlin", "2026-03-27T17:00", "2026-03-30T07:00"),
        # An hour that the clock leaves out begins when it would have
        ("Sun 02:30-05:00 Europe/Berlin", "2026-03-29T00:00", "2026-03-29T01:30"),
        # Past midnight
        ("Fri 22:00-06:00 UTC", "2026-11-28T05:59", "2026-11-28T05:59"),
        ("Fri 22:00-06:00 UTC", "2026-11-28T06:00", "2026-12-04T22:00"),
        # All day, and a weekend that goes over the end of the week
        ("Sat-Mon 00:00-00:00 UTC", "2026-11-30T23:59", "2026-11-30T23:59"),
        ("Sat-Mon 00:00-00:00 UTC", "2026-12-01T00:00", "2026-12-05T00:00"),
        ("Mon,Wed 09:00-10:00 UTC", "2026-11-30T10:00", "2026-12-02T09:00"),
    ],
)
def test_working_hours_begin_next(line: str, moment: str, opening: str) -> None:
    assert next_opening(parse_hours(line), at(moment)) == at(opening)


def test_a_line_without_a_zone_is_read_in_the_one_given() -> None:
    hours = parse_hours("Mon 09:00-17:00", zone="Asia/Tokyo")
    assert next_opening(hours, at("2026-11-29T12:00")) == at("2026-11-30T00:00")


def test_hours_are_written_as_they_are_read() -> None:
    line = parse_hours("Mon-Fri 09:00-17:00").line
    assert line == "Mon,Tue,Wed,Thu,Fri 09:00-17:00"
    assert parse_hours(line) == parse_hours("Mon-Fri 09:00-17:00")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("", "does not look like"),
        ("always", "does not look like"),
        ("Mo-Fr 09:00-17:00", "'Mo'"),
        ("Mon-Fri 09:00-25:00", "'25:00'"),
        ("Mon-Fri 9-17", "does not look like"),
        ("Mon-Fri 09:00-17:00 Mars/Base", "'Mars/Base'"),
        ("Mon-Fri 09:00-17:00 ../../etc/passwd", "time zone"),
    ],
)
def test_a_line_that_cannot_be_read_says_why(line: str, word: str) -> None:
    with pytest.raises(HoursUnreadable, match=word.replace(".", r"\.")):
        parse_hours(line)
