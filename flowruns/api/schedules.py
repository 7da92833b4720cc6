"""/deployments/{id}/schedules, and what makes schedules make runs or stop them"""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Body, Router
from pydantic import Field

from flowruns.api import auth
from flowruns.api.http import respond_empty, respond_json, respond_list
from flowruns.services.deployments import schedules as services
from flowruns.services.presenting import present_schedule
from flowruns.services.upkeep import scheduler
from flowruns.wire.schedules import (
    MAX_SCHEDULES,
    DeploymentSchedule,
    ScheduleCreate,
    ScheduleUpdate,
    ScheduleWindow,
)

router = Router(tags=["Deployments"])
_Schedules = Annotated[list[ScheduleCreate], Field(max_length=MAX_SCHEDULES), Body(...)]


@router.get("/{uuid:deployment_id}/schedules", auth=auth.readers, response=list[DeploymentSchedule])
def read_schedules(request: HttpRequest, deployment_id: UUID) -> HttpResponse:
    found = services.read_schedules(deployment_id)
    return respond_list(DeploymentSchedule, [present_schedule(each) for each in found])


@router.post(
    "/{uuid:deployment_id}/schedules", auth=auth.flows, response={201: list[DeploymentSchedule]}
)
def create_schedules(
    request: HttpRequest, deployment_id: UUID, schedules: _Schedules
) -> HttpResponse:
    created = services.create_schedules(deployment_id, schedules)
    shown = [present_schedule(each) for each in created]
    return respond_list(DeploymentSchedule, shown, status=201)


@router.patch(
    "/{uuid:deployment_id}/schedules/{uuid:schedule_id}", auth=auth.flows, response={204: None}
)
def update_schedule(
    request: HttpRequest, deployment_id: UUID, schedule_id: UUID, changes: ScheduleUpdate
) -> HttpResponse:
    services.update_schedule(deployment_id, schedule_id, changes)
    return respond_empty()


@router.delete(
    "/{uuid:deployment_id}/schedules/{uuid:schedule_id}", auth=auth.flows, response={204: None}
)
def delete_schedule(request: HttpRequest, deployment_id: UUID, schedule_id: UUID) -> HttpResponse:
    services.delete_schedule(deployment_id, schedule_id)
    return respond_empty()


@router.post("/{uuid:deployment_id}/schedule", auth=auth.flows, response=None)
def schedule_deployment(
    request: HttpRequest, deployment_id: UUID, window: ScheduleWindow | None = None
) -> HttpResponse:
    """Make runs of the active schedules, also for a time that has passed."""
    scheduler.schedule_deployment(deployment_id, window or ScheduleWindow())
    return respond_json(None)


@router.post("/{uuid:deployment_id}/pause_deployment", auth=auth.flows, response=None)
def pause_deployment(request: HttpRequest, deployment_id: UUID) -> HttpResponse:
    services.pause_deployment(deployment_id)
    return respond_json(None)


@router.post("/{uuid:deployment_id}/resume_deployment", auth=auth.flows, response=None)
def resume_deployment(request: HttpRequest, deployment_id: UUID) -> HttpResponse:
    services.resume_deployment(deployment_id)
    return respond_json(None)
