"""/events"""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns.api import auth
from flowruns.api.http import respond_empty
from flowruns.services import events as services
from flowruns.wire.events import Event

router = Router(tags=["Events"])


@router.post("", auth=auth.flows, response={204: None})
def create_events(request: HttpRequest, events: list[Event]) -> HttpResponse:
    """Record a batch of events; those that are recorded already change nothing."""
    services.record_events(events)
    return respond_empty()
