"""Schedules on the wire, in the dialect of Prefect 3.9's REST API."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from flowruns.wire.base import DateTime, JsonObject, Request, Seconds, Wire

SHORTEST_INTERVAL = timedelta(seconds=1)
LONGEST_INTERVAL = timedelta(days=366 * 100)
MAX_CRON_LENGTH = 1000
MAX_RRULE_LENGTH = 6500  # as Prefect 3.9: a year of RDATEs
MAX_SCHEDULES = 100
MAX_SCHEDULED_RUNS = 50  # as Prefect 3.9's default


def _is_timezone(name: str | None) -> str | None:
    if not name:
        return None
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(f"is no IANA time zone such as America/New_York: {name!r}") from None
    return name


def _has_one_length(value: Any) -> Any:
    if isinstance(value, str) and re.search(r"\d[MY]", value.partition("T")[0]):
        raise ValueError("must not count months or years, which differ; use cron or rrule")
    return value


type TimeZone = Annotated[str | None, Field(max_length=255), AfterValidator(_is_timezone)]
type Interval = Annotated[
    Seconds,
    Field(ge=SHORTEST_INTERVAL, le=LONGEST_INTERVAL),
    BeforeValidator(_has_one_length),
]


def _not_too_many(runs: int) -> int:
    if runs > MAX_SCHEDULED_RUNS:
        raise ValueError(
            f"`max_scheduled_runs` must be less than or equal to {MAX_SCHEDULED_RUNS}."
        )
    return runs


type ScheduledRuns = Annotated[int, Field(gt=0), AfterValidator(_not_too_many)]
type Slug = Annotated[str, Field(min_length=1, max_length=1000)]


class IntervalSchedule(Wire):
    """Every so many seconds, counted from `anchor_date`; one without zone is in `timezone`."""

    interval: Interval
    anchor_date: datetime = Field(default_factory=lambda: datetime.now(UTC))
    timezone: TimeZone = None

    @model_validator(mode="after")
    def _place_the_anchor(self) -> Self:
        self.timezone = self.timezone or "UTC"
        if self.anchor_date.tzinfo is None:
            self.anchor_date = self.anchor_date.replace(tzinfo=ZoneInfo(self.timezone))
        return self


class CronSchedule(Wire):
    """By a cron expression. `day_or` joins day of month and day of week with OR, as cron does."""

    cron: Annotated[str, Field(max_length=MAX_CRON_LENGTH)]
    timezone: TimeZone = None
    day_or: bool = True


class RRuleSchedule(Wire):
    """By iCalendar recurrence rules (RFC 5545)."""

    rrule: Annotated[str, Field(max_length=MAX_RRULE_LENGTH)]
    timezone: TimeZone = "UTC"

    @model_validator(mode="after")
    def _default_to_utc(self) -> Self:
        self.timezone = self.timezone or "UTC"
        return self


def _kind(value: Any) -> str | None:
    """Tell the kinds apart by the field that only one of them has."""
    for kind in ("interval", "cron", "rrule"):
        if kind in value if isinstance(value, dict) else hasattr(value, kind):
            return kind
    return None


type Schedule = Annotated[
    Annotated[IntervalSchedule, Tag("interval")]
    | Annotated[CronSchedule, Tag("cron")]
    | Annotated[RRuleSchedule, Tag("rrule")],
    Discriminator(
        _kind,
        custom_error_type="no_schedule",
        custom_error_message="A schedule needs one of: interval, cron, rrule",
    ),
]


class ScheduleUpdate(Request):
    """A change of a deployment's schedule; `replaces` names the slug that it had before."""

    active: bool | None = None
    schedule: Schedule | None = None
    max_scheduled_runs: ScheduledRuns | None = None
    parameters: JsonObject = Field(default_factory=dict)
    slug: Slug | None = None
    replaces: Slug | None = None


class ScheduleCreate(ScheduleUpdate):
    """A schedule for a deployment. Its parameters go over the deployment's."""

    active: bool | None = True
    schedule: Schedule


class DeploymentSchedule(Wire):
    """A schedule as the server has it."""

    id: UUID
    created: DateTime | None = None
    updated: DateTime | None = None
    deployment_id: UUID | None = None
    schedule: Schedule
    active: bool = True
    max_scheduled_runs: int | None = None
    parameters: JsonObject = Field(default_factory=dict)
    slug: str | None = None


class ScheduleWindow(Request):
    """Which runs to make ahead of time; what is left out is as in the scheduler itself.

    `min_time` is in seconds after `start_time`.
    """

    start_time: DateTime | None = None
    end_time: DateTime | None = None
    min_time: Annotated[Seconds, Field(ge=timedelta(0), le=LONGEST_INTERVAL)] | None = None
    min_runs: Annotated[int, Field(ge=0, le=1000)] | None = None
    max_runs: Annotated[int, Field(ge=0, le=1000)] | None = None
