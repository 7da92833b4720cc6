"""/events"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix
from ninja import Router
from ninja.errors import HttpError
from ninja.params import param_functions
from pydantic import ValidationError

from flowruns.api import auth
from flowruns.api.http import respond, respond_empty
from flowruns.services.events import events as services
from flowruns.services.events.queries import read_events as read_page
from flowruns.wire.event_filters import EventFilter, EventPageToken, EventQuery
from flowruns.wire.events import Event, EventPage

PageToken = Annotated[str, param_functions.Query(alias="page-token", max_length=100_000)]

router = Router(tags=["Events"])


@router.post("", auth=auth.flows, response={204: None})
def create_events(request: HttpRequest, events: list[Event]) -> HttpResponse:
    """Record a batch of events; those that are recorded already change nothing."""
    services.record_events(events)
    return respond_empty()


@router.post("/filter", auth=auth.readers, response=EventPage)
def read_events(request: HttpRequest, query: EventQuery | None = None) -> HttpResponse:
    query = query or EventQuery()
    wanted = EventPageToken(filter=query.filter or EventFilter(), limit=query.limit)
    return _respond_page(request, wanted)


@router.get("/filter/next", auth=auth.readers, response=EventPage)
def read_account_events_page(request: HttpRequest, token: PageToken) -> HttpResponse:
    """Read on where `next_page` of another page says."""
    try:
        wanted = EventPageToken.model_validate_json(urlsafe_b64decode(token))
    except (ValidationError, ValueError):
        raise HttpError(403, "The page token is none that this server gave.") from None
    return _respond_page(request, wanted)


def _respond_page(request: HttpRequest, wanted: EventPageToken) -> HttpResponse:
    events, total = read_page(wanted.filter, offset=wanted.offset, limit=wanted.limit)
    page = EventPage(events=events, total=total)
    if wanted.limit and wanted.offset + wanted.limit < total:
        page.next_page = _link(request, wanted)
    return respond(page)


def _link(request: HttpRequest, wanted: EventPageToken) -> str:
    following = wanted.model_copy(update={"offset": wanted.offset + wanted.limit})
    token = urlsafe_b64encode(json.dumps(following.model_dump(mode="json")).encode()).decode()
    return request.build_absolute_uri(
        f"{get_script_prefix()}api/events/filter/next?page-token={token}"
    )
