"""/v2/concurrency_limits"""

from collections.abc import Sequence
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns.api import auth
from flowruns.api.http import respond, respond_empty, respond_list
from flowruns.models import ConcurrencyLimit
from flowruns.services.limits import concurrency as services
from flowruns.services.presenting import present_limit, present_new_limit
from flowruns.wire import concurrency as wire

router = Router(tags=["Concurrency Limits"])


@router.post("/", auth=auth.flows, response={201: wire.NewConcurrencyLimit})
def create_concurrency_limit(request: HttpRequest, limit: wire.LimitCreate) -> HttpResponse:
    return respond(present_new_limit(services.create_limit(limit)), status=201)


@router.post("/filter", auth=auth.readers, response=list[wire.GlobalConcurrencyLimit])
def read_concurrency_limits(
    request: HttpRequest, window: wire.LimitWindow | None = None
) -> HttpResponse:
    found = services.read_limits(window or wire.LimitWindow())
    return respond_list(wire.GlobalConcurrencyLimit, [present_limit(each) for each in found])


@router.post("/increment", auth=auth.flows, response=list[wire.MinimalLimit])
def acquire_slots(request: HttpRequest, wanted: wire.SlotsRequest) -> HttpResponse:
    """Take slots without a lease. 423 with `Retry-After` where they are taken."""
    limits = services.acquire_slots(wanted.names, slots=wanted.slots, mode=wanted.mode)
    return respond_list(wire.MinimalLimit, _minimal(limits))


@router.post("/increment-with-lease", auth=auth.flows, response=wire.Leased)
def acquire_slots_with_lease(request: HttpRequest, wanted: wire.LeaseRequest) -> HttpResponse:
    """Take slots for the time of a lease. 423 with `Retry-After` where they are taken."""
    acquired = services.acquire_with_lease(wanted)
    return respond(wire.Leased(lease_id=acquired.lease.pk, limits=_minimal(acquired.limits)))


@router.post("/decrement", auth=auth.flows, response=list[wire.MinimalLimit])
def release_slots(request: HttpRequest, returned: wire.SlotsReturned) -> HttpResponse:
    limits = services.release_slots(returned.names, slots=returned.slots)
    return respond_list(wire.MinimalLimit, _minimal(limits))


@router.post("/decrement-with-lease", auth=auth.flows, response={204: None})
def release_lease(request: HttpRequest, returned: wire.LeaseReturned) -> HttpResponse:
    services.release_lease(returned.lease_id)
    return respond_empty()


@router.post("/leases/{uuid:lease_id}/renew", auth=auth.flows, response={204: None})
def renew_lease(
    request: HttpRequest, lease_id: UUID, renewal: wire.Renewal | None = None
) -> HttpResponse:
    """Keep the slots of a lease; 410 where it has ended."""
    services.renew_lease(lease_id, seconds=(renewal or wire.Renewal()).lease_duration)
    return respond_empty()


@router.get("/{id_or_name}", auth=auth.readers, response=wire.GlobalConcurrencyLimit)
def read_concurrency_limit(request: HttpRequest, id_or_name: str) -> HttpResponse:
    return respond(present_limit(services.read_limit(id_or_name)))


@router.patch("/{id_or_name}", auth=auth.flows, response={204: None})
def update_concurrency_limit(
    request: HttpRequest, id_or_name: str, changes: wire.LimitUpdate
) -> HttpResponse:
    services.update_limit(id_or_name, changes)
    return respond_empty()


@router.delete("/{id_or_name}", auth=auth.flows, response={204: None})
def delete_concurrency_limit(request: HttpRequest, id_or_name: str) -> HttpResponse:
    services.delete_limit(id_or_name)
    return respond_empty()


def _minimal(limits: Sequence[ConcurrencyLimit]) -> list[wire.MinimalLimit]:
    return [wire.MinimalLimit(id=limit.pk, name=limit.name, limit=limit.limit) for limit in limits]
