"""Schedules of deployments: created, read, changed, and what that means for runs already made."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from flowruns.domain.errors import (
    DeploymentNotFound,
    InvalidSchedule,
    ScheduleNotFound,
    ScheduleSlugTaken,
)
from flowruns.domain.states import StateType
from flowruns.models import Deployment, DeploymentSchedule, FlowRun
from flowruns.services.deployments.dates import check_schedule
from flowruns.services.deployments.merging import check_slugs, target_of
from flowruns.wire.schedules import MAX_SCHEDULES, ScheduleCreate, ScheduleUpdate


def read_schedules(deployment_id: UUID) -> list[DeploymentSchedule]:
    """Return the schedules, last changed first; raises `DeploymentNotFound`."""
    found = list(DeploymentSchedule.objects.filter(deployment_id=deployment_id))
    if not found and not Deployment.objects.filter(pk=deployment_id).exists():
        raise DeploymentNotFound
    return found


def next_start_of(schedule: DeploymentSchedule) -> datetime | None:
    """Return when the next run that the schedule made should start, None where there is none."""
    runs = FlowRun.objects.filter(
        deployment=schedule.deployment_id,
        schedule_id=schedule.pk,
        state_type=StateType.SCHEDULED,
        next_scheduled_start_time__isnull=False,
    )
    times = runs.order_by("next_scheduled_start_time")
    return times.values_list("next_scheduled_start_time", flat=True).first()


def create_schedules(
    deployment_id: UUID, schedules: Sequence[ScheduleCreate]
) -> list[DeploymentSchedule]:
    """Add schedules to a deployment, all or none.

    Raises `DeploymentNotFound`, `InvalidSchedule` and `ScheduleSlugTaken`.
    """
    check_schedules(schedules)
    if len(read_schedules(deployment_id)) + len(schedules) > MAX_SCHEDULES:
        raise InvalidSchedule(f"schedules: a deployment has at most {MAX_SCHEDULES}")
    with transaction.atomic():
        return [_create(deployment_id, schedule) for schedule in schedules]


def update_schedule(deployment_id: UUID, schedule_id: UUID, changes: ScheduleUpdate) -> None:
    """Change what the client sent, and forget the future runs that it made (as Prefect 3.9).

    Raises `DeploymentNotFound`, `ScheduleNotFound`, `InvalidSchedule` and `ScheduleSlugTaken`.
    """
    check_schedules([changes])
    with transaction.atomic():
        recheck(deployment_id)
        schedule = _get(deployment_id, schedule_id)
        _change(schedule, changes)
        delete_scheduled_runs(deployment_id, schedule_id=schedule_id)


def delete_schedule(deployment_id: UUID, schedule_id: UUID) -> None:
    """Delete it with the future runs that it made.

    Raises `DeploymentNotFound` and `ScheduleNotFound`.
    """
    with transaction.atomic():
        recheck(deployment_id)
        _get(deployment_id, schedule_id).delete()
        delete_scheduled_runs(deployment_id, schedule_id=schedule_id)


def replace_schedules(deployment_id: UUID, schedules: Sequence[ScheduleUpdate]) -> None:
    """Put these in the place of all schedules that the deployment has."""
    check_schedules(schedules)
    DeploymentSchedule.objects.filter(deployment_id=deployment_id).delete()
    for schedule in schedules:
        _create(deployment_id, schedule)


def merge_schedules(deployment_id: UUID, schedules: Sequence[ScheduleUpdate]) -> None:
    """Change the schedules that have these slugs, add the others, and keep the rest.

    As Prefect 3.9: where an existing one has no slug, these take the place of all. One that
    `replaces` another takes its place under its own slug; two may so swap theirs.
    """
    check_schedules(schedules)
    existing = {schedule.slug: schedule for schedule in read_schedules(deployment_id)}
    if not existing or None in existing:
        replace_schedules(deployment_id, schedules)
        return
    check_slugs(schedules, existing)
    renamed = [existing[s.replaces].pk for s in schedules if s.replaces in existing]
    DeploymentSchedule.objects.filter(pk__in=renamed).update(slug=None)
    for schedule in schedules:
        known = existing.get(target_of(schedule))
        if known is None:
            _create(deployment_id, schedule)
        else:
            _change(known, schedule)


def pause_deployment(deployment_id: UUID) -> None:
    """Make no more runs by its schedules, and forget those not started.

    Raises `DeploymentNotFound`.
    """
    with transaction.atomic():
        _set_paused(deployment_id, paused=True)
        delete_scheduled_runs(deployment_id, also_due=True)


def resume_deployment(deployment_id: UUID) -> None:
    """Let its schedules make runs again; raises `DeploymentNotFound`."""
    with transaction.atomic():
        _set_paused(deployment_id, paused=False)


def recheck(deployment_id: UUID) -> None:
    """Have the scheduler look at the deployment next; until this is committed it waits.

    Comes first in every change that decides which runs are made.
    """
    schedules = DeploymentSchedule.objects.filter(deployment_id=deployment_id)
    schedules.update(next_check_at=datetime.now(UTC))


def delete_scheduled_runs(
    deployment_id: UUID, *, schedule_id: UUID | None = None, also_due: bool = False
) -> None:
    """Delete runs that schedules made and nobody took: future ones, or those that are due, too.

    As Prefect 3.9, where a schedule's change takes the runs of all schedules of the deployment.
    """
    made = FlowRun.objects.filter(
        ~Q(state_name="AwaitingConcurrencySlot"),
        deployment_id=deployment_id,
        schedule_id__isnull=False,
        state_type=StateType.SCHEDULED,
        run_count=0,
    )
    if schedule_id is not None:
        made = made.filter(schedule_id=schedule_id)
    if not also_due:
        made = made.filter(next_scheduled_start_time__gt=datetime.now(UTC))
    # Locked, so that a run that somebody takes now is either theirs or gone
    taken = list(made.select_for_update().values_list("pk", flat=True))
    FlowRun.objects.filter(pk__in=taken).delete()


def check_schedules(schedules: Sequence[ScheduleUpdate]) -> None:
    """Raise `InvalidSchedule`, with the field's name, for the first that gives no dates."""
    for index, schedule in enumerate(schedules):
        if schedule.schedule is None:
            continue
        try:
            check_schedule(schedule.schedule)
        except InvalidSchedule as error:
            raise InvalidSchedule(f"schedules[{index}].{error}") from None


def _get(deployment_id: UUID, schedule_id: UUID) -> DeploymentSchedule:
    found = DeploymentSchedule.objects.filter(pk=schedule_id, deployment_id=deployment_id).first()
    if found is not None:
        return found
    if not Deployment.objects.filter(pk=deployment_id).exists():
        raise DeploymentNotFound
    raise ScheduleNotFound


def _create(deployment_id: UUID, schedule: ScheduleUpdate) -> DeploymentSchedule:
    row = DeploymentSchedule(deployment_id=deployment_id)
    if schedule.schedule is None:
        raise InvalidSchedule(
            "Unable to create new deployment schedules without a schedule configuration."
        )
    _change(row, schedule)
    return row


def _change(row: DeploymentSchedule, changes: ScheduleUpdate) -> None:
    fields: dict[str, Any] = {
        name: getattr(changes, name)
        for name in ("active", "max_scheduled_runs", "parameters", "slug")
        if name in changes.model_fields_set and getattr(changes, name) is not None
    }
    if changes.schedule is not None:
        fields["schedule"] = changes.schedule.model_dump(mode="json")
    for name, value in (fields | {"next_check_at": datetime.now(UTC)}).items():
        setattr(row, name, value)
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise ScheduleSlugTaken from None


def _set_paused(deployment_id: UUID, *, paused: bool) -> None:
    recheck(deployment_id)
    deployment = Deployment.objects.filter(pk=deployment_id)
    if not deployment.update(paused=paused, updated=datetime.now(UTC)):
        raise DeploymentNotFound
