"""Our schedules give the dates that Prefect 3.9.1 gives, and hostile ones cost little."""

import json
import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from flowruns.domain.errors import InvalidSchedule
from flowruns.services.deployments.dates import MAX_CANDIDATES, check_schedule, next_dates
from flowruns.wire.schedules import Schedule
from tests.servers import ROOT

type Json = dict[str, Any]

READER: TypeAdapter[Schedule] = TypeAdapter(Schedule)
RECORDED = ROOT / "tests" / "data" / "prefect-3.9.1-schedule-dates.jsonl"
SAMPLES: list[Json] = [json.loads(line) for line in RECORDED.read_text().splitlines()]
NEW_YORK = "America/New_York"


def dates_of(schedule: Json, start: datetime, count: int) -> list[datetime]:
    return list(islice(next_dates(READER.validate_python(schedule), start=start), count))


def local_dates(schedule: Json, start: str, count: int) -> list[str]:
    """Ask from a time in New York on, and show the answers on its clock."""
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(NEW_YORK)
    begin = datetime.fromisoformat(start).replace(tzinfo=zone)
    dates = dates_of(schedule | {"timezone": NEW_YORK}, begin, count)
    return [date.astimezone(zone).strftime("%m-%d %H:%M %Z") for date in dates]


@pytest.mark.parametrize("kind", ["interval", "cron", "rrule"])
def test_dates_are_prefects(kind: str) -> None:
    """Except that none lies before the start, as Prefect's may where an hour repeats."""
    samples = [sample for sample in SAMPLES if kind in sample["schedule"]]
    assert samples
    assert [sample for sample in samples if not has_prefects_dates(sample)] == []


def has_prefects_dates(sample: Json) -> bool:
    start = datetime.fromisoformat(sample["start"])
    expected = [datetime.fromtimestamp(date, UTC) for date in sample["dates"]]
    expected = [date for date in expected if date >= start]
    return sorted(dates_of(sample["schedule"], start, len(expected))) == expected


def test_every_recorded_schedule_is_of_one_of_the_three_kinds() -> None:
    assert {next(iter(sample["schedule"])) for sample in SAMPLES} == {"interval", "cron", "rrule"}


def test_a_daily_interval_keeps_its_hour_whenever_it_is_asked() -> None:
    """Prefect answers 10:00 from a start in summer and 09:00 from one in winter, for one day."""
    daily = {"interval": 86400, "anchor_date": "2026-01-01T09:00:00-05:00"}
    assert local_dates(daily, "2026-03-07T00:00", 3) == [
        *("03-07 09:00 EST", "03-08 09:00 EDT", "03-09 09:00 EDT")
    ]
    assert local_dates(daily, "2026-07-01T00:00", 1) == ["07-01 09:00 EDT"]


def test_a_daily_interval_in_the_hour_that_is_skipped_is_late_on_that_day_only() -> None:
    daily = {"interval": 86400, "anchor_date": "2026-01-01T02:30:00-05:00"}
    assert local_dates(daily, "2026-03-08T00:00", 2) == ["03-08 03:30 EDT", "03-09 02:30 EDT"]


def test_an_hourly_interval_comes_every_hour_that_passes() -> None:
    hourly = {"interval": 3600, "anchor_date": "2026-01-01T00:00:00-05:00"}
    assert local_dates(hourly, "2026-11-01T00:30", 3) == [
        *("11-01 01:00 EDT", "11-01 01:00 EST", "11-01 02:00 EST")
    ]


def test_an_hourly_cron_comes_once_for_an_hour_that_repeats() -> None:
    assert local_dates({"cron": "0 * * * *"}, "2026-11-01T00:30", 2) == [
        *("11-01 01:00 EDT", "11-01 02:00 EST")
    ]


def test_an_anchor_without_zone_is_in_the_schedules() -> None:
    daily = {"interval": 86400, "anchor_date": "2026-01-01T09:00:00"}
    assert local_dates(daily, "2026-02-01T00:00", 1) == ["02-01 09:00 EST"]


@pytest.mark.parametrize(
    ("schedule", "name"),
    [
        ({"interval": 1e-6}, "interval"),
        ({"interval": 0}, "interval"),
        ({"interval": -60}, "interval"),
        ({"interval": 1e15}, "interval"),
        ({"interval": "P1M"}, "interval"),
        ({"interval": 60, "timezone": "Mars/Olympus"}, "timezone"),
        ({"interval": 60, "timezone": "../../etc/passwd"}, "timezone"),
        ({"cron": "* " * 2000}, "cron"),
        ({"rrule": "FREQ=DAILY;BYHOUR=" + "1," * 9000}, "rrule"),
        ({}, "interval, cron, rrule"),
        ({"interval": 60, "anchor_date": "never"}, "anchor_date"),
    ],
)
def test_malformed_schedules_are_refused_by_the_fields_name(schedule: Json, name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        READER.validate_python(schedule)


@pytest.mark.parametrize(
    "schedule",
    [
        *(
            {"cron": text}
            for text in ("", "soon", "* * * *", "61 * * * *", "R * * * *", "H * * * *")
        ),
        *({"rrule": text} for text in ("", "FREQ=SOMETIMES", "INTERVAL=2", "DTSTART:soon")),
        {"rrule": "FREQ=SECONDLY;INTERVAL=0"},
        {"rrule": "FREQ=DAILY;INTERVAL=1000000000"},
        {"rrule": "FREQ=DAILY;COUNT=1000000000"},
        {"rrule": "FREQ=SECONDLY;BYSETPOS=2"},
        {"rrule": "FREQ=YEARLY;BYEASTER=0"},
        {"rrule": "\n".join(["RRULE:FREQ=DAILY"] * 50)},
        {"rrule": "DTSTART:99990101T000000\nRRULE:FREQ=DAILY"},
        {"rrule": "FREQ=SECONDLY;INTERVAL=60;BYSECOND=1,2;BYMINUTE=5;BYHOUR=3;COUNT=10;X=1"},
    ],
    ids=str,
)
def test_schedules_that_mean_nothing_or_too_much_are_refused(schedule: Json) -> None:
    with pytest.raises(InvalidSchedule, match=rf"schedule\.{next(iter(schedule))}: "):
        check_schedule(READER.validate_python(schedule))


@pytest.mark.parametrize(
    "schedule",
    [
        {"cron": "* * * * * *"},
        {"cron": "0 0 30 2 *"},
        {"cron": ",".join(["1-59/2"] * 100) + " * * * *"},
        {"interval": 1, "anchor_date": "0001-01-01T00:00:00Z"},
        {"interval": 86400, "anchor_date": "9999-12-31T23:59:59Z", "timezone": "Asia/Tokyo"},
        {"rrule": "DTSTART:19000101T000000\nRRULE:FREQ=SECONDLY"},
        {"rrule": "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30"},
        {"rrule": "DTSTART:20200101T000000\nRRULE:FREQ=SECONDLY\nEXRULE:FREQ=SECONDLY"},
        {"rrule": "FREQ=SECONDLY;BYHOUR=3;BYMINUTE=0;BYSECOND=0"},
        {"rrule": "FREQ=DAILY;COUNT=10000"},
        {"rrule": "FREQ=DAILY;UNTIL=20200102T000000"},
    ],
    ids=str,
)
def test_hostile_schedules_cost_little(schedule: Json) -> None:
    begun = time.process_time()
    read = READER.validate_python(schedule)
    check_schedule(read)
    dates = list(next_dates(read, start=datetime(2026, 11, 24, tzinfo=UTC)))
    assert len(dates) <= MAX_CANDIDATES
    assert time.process_time() - begun < 3


def test_the_end_of_the_calendar_ends_a_schedule() -> None:
    late = datetime(9999, 12, 31, 23, tzinfo=UTC)
    for schedule in ({"interval": 3600}, {"cron": "0 * * * *"}, {"rrule": "FREQ=HOURLY"}):
        assert len(dates_of(schedule, late - timedelta(hours=5), 100)) <= 10
