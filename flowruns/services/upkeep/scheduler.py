"""The scheduler: makes the runs of schedules ahead of their time."""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from pydantic import TypeAdapter

from flowruns.domain.actors import server
from flowruns.domain.bookkeeping import facts_after
from flowruns.domain.errors import DeploymentNotFound
from flowruns.domain.run_names import new_run_name
from flowruns.domain.states import scheduled
from flowruns.domain.transitions import Transition
from flowruns.models import Deployment, DeploymentSchedule, FlowRun, FlowRunState
from flowruns.services.deployments.dates import next_dates
from flowruns.services.deployments.schedules import recheck
from flowruns.services.labels import label_flow_run
from flowruns.services.runs.requesters import BY_SCHEDULE
from flowruns.services.runs.verdicts import make_row, move, of_run, wake_waiters
from flowruns.wire.schedules import Schedule, ScheduleWindow

# As Prefect 3.9: at least 3 runs and an hour ahead, at most 100 runs and 100 days.
MIN_RUNS = 3
MAX_RUNS = 100
MIN_AHEAD = timedelta(hours=1)
MAX_AHEAD = timedelta(days=100)

_BATCH = 100
_SOONEST = timedelta(seconds=10)  # for schedules that are due every second
_LATEST = timedelta(hours=1)  # for those that are not due for months
_SCHEDULER = server("scheduler")
_SCHEDULES: TypeAdapter[Schedule] = TypeAdapter(Schedule)
_log = logging.getLogger(__name__)


def schedule_runs() -> int:
    """Make the runs that are missing and return how many; safe to run in many processes.

    A schedule is claimed by moving the time at which to look at it, in the transaction that
    makes its runs.
    """
    due = DeploymentSchedule.objects.filter(
        active=True, deployment__paused=False, next_check_at__lte=datetime.now(UTC)
    )
    claims = list(due.order_by("next_check_at").values_list("pk", "next_check_at")[:_BATCH])
    return sum(_check_schedule(schedule_id, seen) for schedule_id, seen in claims)


def find_next() -> datetime | None:
    """Return when the next schedule is to be looked at."""
    schedules = DeploymentSchedule.objects.filter(active=True, deployment__paused=False)
    return schedules.order_by("next_check_at").values_list("next_check_at", flat=True).first()


def schedule_deployment(deployment_id: UUID, window: ScheduleWindow) -> int:
    """Make the runs of a time, also of a past one, and return how many are new.

    As Prefect 3.9 also for a paused deployment. Raises `DeploymentNotFound`.
    """
    with transaction.atomic():
        recheck(deployment_id)
        deployment = Deployment.objects.filter(pk=deployment_id).first()
        if deployment is None:
            raise DeploymentNotFound
        active = deployment.schedules.filter(active=True)
        return sum(
            _create_runs(deployment, schedule, _choose_dates(schedule, window))
            for schedule in active
        )


def _check_schedule(schedule_id: UUID, seen: datetime) -> int:
    """Look at a schedule that nobody else has looked at since."""
    now = datetime.now(UTC)
    try:
        with transaction.atomic():
            if not _claim(schedule_id, seen=seen, again=now + _LATEST):
                return 0
            schedule = DeploymentSchedule.objects.select_related("deployment").get(pk=schedule_id)
            dates = _choose_dates(schedule, ScheduleWindow(start_time=now))
            _claim(schedule_id, seen=now + _LATEST, again=_when_to_look(dates, now))
            return _create_runs(schedule.deployment, schedule, dates)
    except Exception:  # noqa: BLE001 -- one schedule must not keep the others from being looked at
        _log.exception("Schedule %s cannot be used; it is tried again later.", schedule_id)
        _claim(schedule_id, seen=seen, again=now + _LATEST)
        return 0


def _claim(schedule_id: UUID, *, seen: datetime, again: datetime) -> bool:
    schedule = DeploymentSchedule.objects.filter(pk=schedule_id, next_check_at=seen, active=True)
    return schedule.update(next_check_at=again) == 1


def _choose_dates(schedule: DeploymentSchedule, window: ScheduleWindow) -> list[datetime]:
    """Return the fewest dates that satisfy the window's minima within its maxima."""
    start = window.start_time or datetime.now(UTC)
    most = MAX_RUNS if window.max_runs is None else window.max_runs
    fewest = MIN_RUNS if window.min_runs is None else window.min_runs
    enough = start + (MIN_AHEAD if window.min_time is None else window.min_time)
    most = min(most, schedule.max_scheduled_runs or most)
    chosen: list[datetime] = []
    read = _SCHEDULES.validate_python(schedule.schedule)
    for date in next_dates(read, start=start, end=window.end_time or start + MAX_AHEAD):
        if len(chosen) >= most:
            break
        chosen.append(date)
        if len(chosen) >= fewest and date >= enough:
            break
    return chosen


def _when_to_look(dates: list[datetime], now: datetime) -> datetime:
    """Return when one of the minima is missed for the first time."""
    if len(dates) < MIN_RUNS:
        return now + _LATEST
    missed = min(dates[-MIN_RUNS], dates[-1] - MIN_AHEAD)
    return min(max(missed, now + _SOONEST), now + _LATEST)


def _create_runs(
    deployment: Deployment, schedule: DeploymentSchedule, dates: Iterable[datetime]
) -> int:
    """Create a run for each date that has none yet; its key names deployment, schedule and date."""
    moves = [_schedule(deployment, schedule, date) for date in dates]
    FlowRun.objects.bulk_create([run for run, _ in moves], ignore_conflicts=True)
    created = set(
        FlowRun.objects.filter(pk__in=[run.pk for run, _ in moves]).values_list("pk", flat=True)
    )
    FlowRunState.objects.bulk_create(state for run, state in moves if run.pk in created)
    if created:
        wake_waiters(deployment.pk)
    return len(created)


def _schedule(
    deployment: Deployment, schedule: DeploymentSchedule, date: datetime
) -> tuple[FlowRun, FlowRunState]:
    run = FlowRun(
        flow_id=deployment.flow_id,
        deployment=deployment,
        name=new_run_name(),
        idempotency_key=f"scheduled {deployment.pk} {schedule.pk} {date}",
        parameters={**deployment.parameters, **schedule.parameters},
        tags=sorted({"auto-scheduled", *deployment.tags}),
        labels=label_flow_run(deployment.flow, deployment, None),
        deployment_version=deployment.version,
        infrastructure_document_id=deployment.infrastructure_document_id,
        work_queue_name=deployment.work_queue_name,
        job_variables=deployment.job_variables,
        schedule_id=schedule.pk,
        created_by=str(schedule),
        **BY_SCHEDULE,
    )
    state = of_run(scheduled(at=date, message="Flow run scheduled"), run)
    t = Transition(initial=None, proposed=state, run=run.facts, now=state.timestamp)
    move(run, state, facts_after(t, state))
    return run, make_row(run, state, actor=_SCHEDULER)
