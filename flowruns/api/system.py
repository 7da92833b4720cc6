"""/health, /ready, /admin and /csrf-token: what every Prefect client asks first."""

import re
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from ninja import Router

from flowruns.api import auth
from flowruns.api.http import respond, respond_json
from flowruns.wire import PREFECT_VERSION
from flowruns.wire.settings import EventSettings, ServerSettings, Settings

router = Router(tags=["System"])

_MINOR, _, _PATCH = PREFECT_VERSION.rpartition(".")
_CLIENT = re.compile(rf"prefect/{re.escape(_MINOR)}\.(\d{{1,4}}) ")


@router.get("/health", response=bool)
def health(request: HttpRequest) -> HttpResponse:
    """Say that the process answers."""
    return respond_json(True)


@router.get("/ready", response={200: dict[str, str], 503: dict[str, str]})
def ready(request: HttpRequest) -> HttpResponse:
    """Say whether the database answers."""
    try:
        connection.ensure_connection()
        usable = connection.is_usable()
    except DatabaseError:
        usable = False
    if not usable:
        return respond_json({"message": "Database is not available"}, status=503)
    return respond_json({"message": "OK"})


@router.get("/hello", response=str)
def hello(request: HttpRequest) -> HttpResponse:
    """Greet, as Prefect's server does."""
    return respond_json("\N{WAVING HAND SIGN}")


@router.get("/admin/version", response=str)
def version(request: HttpRequest) -> HttpResponse:
    """Name the Prefect release whose dialect this is, to clients of its later patches their own.

    They change no dialect, and Prefect's client warns in each flow of a server older than itself.
    """
    client = _CLIENT.match(request.headers.get("User-Agent", ""))
    patch = max(int(_PATCH), int(client[1]) if client else 0)
    return respond_json(f"{_MINOR}.{patch}")


@router.get("/admin/settings", auth=auth.readers, response=Settings)
def read_settings(request: HttpRequest) -> HttpResponse:
    """Tell what Prefect's clients ask of a server's settings, and nothing that is secret."""
    retention = timedelta(days=settings.EVENT_RETENTION_DAYS)
    events = EventSettings(retention_period=retention)
    return respond(Settings(server=ServerSettings(events=events)))


@router.get("/csrf-token", response={422: dict[str, str]})
def csrf_token(request: HttpRequest) -> HttpResponse:
    """Say that the API needs no CSRF token: it takes bearer keys, never cookies."""
    return respond_json({"detail": "CSRF protection is disabled."}, status=422)
