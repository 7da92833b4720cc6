"""Django's view of the package."""

from django.apps import AppConfig


class FlowRunsConfig(AppConfig):
    name = "flowruns"
    verbose_name = "Flow runs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from flowruns.services import queueing, state_events, subflows

        state_events.connect()
        subflows.connect()
        queueing.connect()
