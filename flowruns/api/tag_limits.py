"""/concurrency_limits: limits of tags, which are limits like all others under /v2."""

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns.api import auth
from flowruns.api.http import respond, respond_json, respond_list
from flowruns.models import ConcurrencyLimit
from flowruns.services.limits import tags as services
from flowruns.services.limits.tags import present_tag_limit, tag_of
from flowruns.wire.concurrency import LimitWindow, MinimalLimit
from flowruns.wire.tag_limits import TagLimit, TagLimitCreate, TagLimitReset, TagSlots

router = Router(tags=["Concurrency Limits"])


@router.post("/", auth=auth.flows, response={200: TagLimit, 201: TagLimit})
def set_tag_limit(request: HttpRequest, limit: TagLimitCreate) -> HttpResponse:
    kept, is_new = services.set_tag_limit(limit)
    return respond(present_tag_limit(kept), status=201 if is_new else 200)


@router.post("/filter", auth=auth.readers, response=list[TagLimit])
def read_tag_limits(request: HttpRequest, window: LimitWindow | None = None) -> HttpResponse:
    found = services.read_tag_limits(window or LimitWindow())
    return respond_list(TagLimit, [present_tag_limit(limit) for limit in found])


@router.post("/increment", auth=auth.flows, response=list[MinimalLimit])
def take_tag_slots(request: HttpRequest, slots: TagSlots) -> HttpResponse:
    """Take a slot of each tag. 423 with `Retry-After` where they are taken."""
    return respond_list(MinimalLimit, _minimal(services.take_tag_slots(slots)))


@router.post("/decrement", auth=auth.flows, response=list[MinimalLimit])
def give_back_tag_slots(request: HttpRequest, slots: TagSlots) -> HttpResponse:
    return respond_list(MinimalLimit, _minimal(services.give_back_tag_slots(slots)))


@router.get("/{uuid:limit_id}", auth=auth.readers, response=TagLimit)
def read_tag_limit(request: HttpRequest, limit_id: UUID) -> HttpResponse:
    return respond(present_tag_limit(services.read_tag_limit(limit_id)))


@router.delete("/{uuid:limit_id}", auth=auth.flows, response={200: None})
def delete_tag_limit(request: HttpRequest, limit_id: UUID) -> HttpResponse:
    services.delete_tag_limit(limit_id)
    return respond_json(None)


@router.get("/tag/{tag}", auth=auth.readers, response=TagLimit)
def read_limit_of_tag(request: HttpRequest, tag: str) -> HttpResponse:
    return respond(present_tag_limit(services.read_tag_limit(tag)))


@router.delete("/tag/{tag}", auth=auth.flows, response={200: None})
def delete_limit_of_tag(request: HttpRequest, tag: str) -> HttpResponse:
    services.delete_tag_limit(tag)
    return respond_json(None)


@router.post("/tag/{tag}/reset", auth=auth.flows, response={200: None})
def reset_limit_of_tag(
    request: HttpRequest, tag: str, reset: TagLimitReset | None = None
) -> HttpResponse:
    """Take all its slots back; with `slot_override` these tasks hold one each afterwards."""
    task_run_ids = (reset.slot_override if reset else None) or []
    services.reset_tag_limit(tag, task_run_ids=task_run_ids)
    return respond_json(None)


def _minimal(limits: Sequence[ConcurrencyLimit]) -> list[MinimalLimit]:
    return [MinimalLimit(id=limit.pk, name=tag_of(limit), limit=limit.limit) for limit in limits]
