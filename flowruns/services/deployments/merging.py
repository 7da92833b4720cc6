"""Schedules that a client sends for a deployment, told apart: changed, renamed or new."""

from collections import Counter
from collections.abc import Collection, Sequence

from flowruns.domain.errors import InvalidSchedule
from flowruns.wire.schedules import ScheduleUpdate


def target_of(schedule: ScheduleUpdate) -> str | None:
    """Return the slug of the schedule that this one is to change."""
    return schedule.replaces or schedule.slug


def check_slugs(schedules: Sequence[ScheduleUpdate], existing: Collection[str | None]) -> None:
    """Raise `InvalidSchedule`, as Prefect 3.9, where it is not clear which schedule is meant."""
    if not all(schedule.slug for schedule in schedules):
        raise InvalidSchedule(
            "Please provide a slug for each schedule in your request to ensure schedules are"
            " updated correctly."
        )
    replaced = Counter(schedule.replaces for schedule in schedules if schedule.replaces)
    for slug, times in replaced.items():
        if times > 1:
            raise InvalidSchedule(
                f"Multiple schedules have 'replaces' targeting the same slug: {slug}"
            )
    for schedule in schedules:
        is_taken = schedule.slug in existing and schedule.slug not in replaced
        if schedule.replaces and is_taken:
            raise InvalidSchedule(
                f"Cannot rename schedule from '{schedule.replaces}' to '{schedule.slug}':"
                f" a schedule with slug '{schedule.slug}' already exists."
            )
