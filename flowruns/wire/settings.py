"""What a client may ask about the server, by the names of Prefect 3.9's settings."""

from datetime import timedelta

from pydantic import Field

from flowruns.wire.base import PAGE_LIMIT, Wire


class ApiSettings(Wire):
    """How the API answers; it takes keys, so it needs no CSRF tokens."""

    default_limit: int = PAGE_LIMIT
    csrf_protection_enabled: bool = False


class EventSettings(Wire):
    """How long events are kept, and whether sockets tell of them."""

    retention_period: timedelta
    stream_out_enabled: bool = True


class LogSettings(Wire):
    stream_out_enabled: bool = True


class UiSettings(Wire):
    """Prefect's own pages, which are not here."""

    enabled: bool = False


class ServerSettings(Wire):
    """What holds for the whole server; without analytics no client sends any either."""

    analytics_enabled: bool = False
    api: ApiSettings = Field(default_factory=ApiSettings)
    events: EventSettings
    logs: LogSettings = Field(default_factory=LogSettings)
    ui: UiSettings = Field(default_factory=UiSettings)


class Settings(Wire):
    """The settings that a client can use. None of the server's own is among them."""

    server: ServerSettings
