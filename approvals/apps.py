"""Django's view of the package."""

import gc

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from approvals import checks  # noqa: F401 -- checks register themselves
        from approvals.messages import announcing, commenting, sealing, webhooks
        from approvals.services import guarding, stepping, tracking
        from approvals.web import auditing, lockout

        tracking.connect()
        announcing.connect()
        commenting.connect()
        webhooks.connect()
        sealing.connect()
        guarding.connect()
        stepping.connect()
        lockout.connect()
        auditing.connect()
        gc.freeze()
        gc.enable()  # the command has switched it off while all this was loaded
