"""Record which dates Prefect gives for schedules made by chance, as the reference of ours.

In an environment that has Prefect 3.9.1 (ten seconds):

    python tests/recorders/prefect_schedules.py > tests/data/prefect-3.9.1-schedule-dates.jsonl

Each line holds a schedule as it travels, when it was asked, and the answer, in seconds since 1970.
Half of the questions are asked in the days around a change of clocks.
"""

import asyncio
import json
import random
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from prefect.server.schemas.schedules import (  # type: ignore[import-not-found]
    CronSchedule,
    IntervalSchedule,
    RRuleSchedule,
)

type Json = dict[str, Any]

PER_KIND = 90
DATES = 20
ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Asia/Tokyo", "Australia/Lord_Howe"]
ZONES += ["America/Sao_Paulo", "Asia/Kathmandu", "Europe/Dublin", "Pacific/Auckland"]
CHANGES = [
    *("2026-03-08T07:00", "2026-11-01T06:00", "2027-03-28T01:00", "2026-10-25T01:00"),
    *("2026-10-03T15:30", "2027-04-03T15:00", "2026-04-04T14:00", "2026-09-26T14:00"),
]
CRONS = [
    *("* * * * *", "*/15 * * * *", "0 * * * *", "30 2 * * *", "0 9 * * 1-5", "0 0 1 * *"),
    *("0 0 * * 0", "15 1-3 * * *", "0 12 13 * 5", "0 0 29 2 *", "@daily", "@hourly", "@weekly"),
    *("5,35 */6 * * MON,WED", "0 0 L * *", "0 8 * JAN-JUN SUN#2", "*/7 * * * * */20"),
    *("0 3 */2 * *", "45 23 28-31 * *", "59 23 31 12 *"),
]
RRULES = [
    *("FREQ=HOURLY", "FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0", "FREQ=MINUTELY;INTERVAL=7"),
    *("FREQ=WEEKLY;BYDAY=MO,WE,FR;BYHOUR=9", "FREQ=MONTHLY;BYDAY=-1FR", "FREQ=YEARLY;BYMONTH=6"),
    *("FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=DAILY;COUNT=3000", "FREQ=WEEKLY;INTERVAL=3;WKST=SU"),
    *("FREQ=DAILY;UNTIL=20270401T000000", "FREQ=SECONDLY;INTERVAL=90", "FREQ=HOURLY;INTERVAL=5"),
    *("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "FREQ=MONTHLY;BYSETPOS=-1;BYDAY=MO,TU,WE,TH,FR"),
    "DTSTART:20250601T013000\nRRULE:FREQ=DAILY;INTERVAL=2\nEXDATE:20261101T013000",
    "DTSTART:20260101T000000\nRRULE:FREQ=HOURLY\nEXRULE:FREQ=HOURLY;BYHOUR=1,2,3",
    "DTSTART;TZID=Europe/Berlin:20260101T083000\nRRULE:FREQ=WEEKLY;BYDAY=TU\nRRULE:FREQ=MONTHLY",
    "DTSTART:20260101T000000\nRRULE:FREQ=DAILY;INTERVAL=9\nRDATE:20270101T120000,20261101T013000",
]


def some_start(chance: random.Random) -> datetime:
    if chance.random() < 0.5:
        change = datetime.fromisoformat(chance.choice(CHANGES)).replace(tzinfo=UTC)
        return change + timedelta(minutes=chance.randint(-3000, 600))
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randint(0, 63_000_000))


def some_interval(chance: random.Random, zone: str, start: datetime) -> Json:
    """An interval below a day from any anchor, or of days from one whose clock is the start's."""
    if chance.random() < 0.5:
        anchor = start - timedelta(seconds=chance.randint(-10_000_000, 100_000_000))
        seconds = chance.choice([1, 10, 60, 90, 3600, 5400, 43_200, 86_399])
    else:
        seconds = 86_400 * chance.choice([1, 2, 7, 30])
        local = start.astimezone(ZoneInfo(zone)) - timedelta(days=chance.randint(0, 2))
        anchor = local.replace(hour=chance.randint(5, 23), minute=30)
        if anchor.utcoffset() != start.astimezone(ZoneInfo(zone)).utcoffset():
            return some_interval(chance, zone, start)
    return {"interval": float(seconds), "anchor_date": anchor.isoformat(), "timezone": zone}


def make_samples(chance: random.Random) -> list[tuple[Any, Json, datetime]]:
    samples: list[tuple[Any, Json, datetime]] = []
    for number in range(PER_KIND):
        zone, start = chance.choice(ZONES), some_start(chance)
        samples.append((IntervalSchedule, some_interval(chance, zone, start), start))
        cron = {"cron": CRONS[number % len(CRONS)], "timezone": zone}
        samples.append((CronSchedule, cron | {"day_or": chance.random() < 0.7}, some_start(chance)))
        rrule = {"rrule": RRULES[number % len(RRULES)], "timezone": zone}
        samples.append((RRuleSchedule, rrule, some_start(chance)))
    return samples


async def record() -> None:
    for kind, schedule, start in make_samples(random.Random(5)):
        try:
            dates = await kind(**schedule).get_dates(n=DATES, start=start)
        except Exception as error:  # noqa: BLE001 -- e.g. a day that never comes
            print(schedule, error, file=sys.stderr)
            continue
        answer = [round(date.timestamp()) for date in dates]
        line = {"schedule": schedule, "start": start.isoformat(), "dates": answer}
        print(json.dumps(line))


if __name__ == "__main__":
    asyncio.run(record())
