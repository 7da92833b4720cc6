"""Django's view of the package."""

from django.apps import AppConfig


class FlowRunsConfig(AppConfig):
    name = "flowruns"
    verbose_name = "Flow runs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from flowruns.models import newer_tables
        from flowruns.services import api_keys, audit
        from flowruns.services.events import states as state_events
        from flowruns.services.runs import subflows
        from flowruns.services.upkeep import queue as queueing

        newer_tables.connect()
        api_keys.connect()
        audit.connect()
        state_events.connect()
        subflows.connect()
        queueing.connect()
