"""Who may try passwords no longer for a while: django-axes, with an address and bounds of ours."""

import logging
from ipaddress import ip_address
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_failure_limit
from axes.models import AccessAttempt
from axes.utils import reset
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Sum
from django.db.models.signals import post_save, pre_save
from django.http import HttpRequest

from flowruns.domain.actors import Actor
from flowruns.signals import Act, acted

_log = logging.getLogger(__name__)


def read_address(request: HttpRequest) -> str:
    """Return the address that a log-in comes from: behind a trusted proxy the one that it names.

    The proxy adds it to the right of what the client claims.
    """
    peer = str(request.META.get("REMOTE_ADDR") or "")
    if not settings.TRUST_PROXY:
        return peer
    named = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        return str(ip_address(_without_port(named)))
    except ValueError:
        return peer


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host, _, port = text.rpartition(":")
    return host if "." in host and port.isdecimal() else text


class LockoutHandler(AxesDatabaseHandler):  # type: ignore[misc]  # axes has no types
    """Also bounds all names together that one address tries, and says whom it locks out."""

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        failures: int = super().get_failures(request, credentials)
        if self._count_at_address(request) >= settings.LOGIN_ADDRESS_FAILURE_LIMIT:
            return max(failures, int(get_failure_limit(request, credentials)))
        return failures

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: Any = None, **kwargs: Any
    ) -> None:
        was_locked_out = request is not None and self.is_locked(request, credentials)
        super().user_login_failed(sender, credentials, request, **kwargs)
        if request is not None and request.axes_locked_out and not was_locked_out:
            name = str(credentials.get("username"))[:150]
            _log.warning(
                "Too many wrong passwords: %r is locked out from %s for a while.",
                name,
                request.axes_ip_address,
            )
            address = str(request.axes_ip_address)
            act = Act(action="locked_out", actor="", subject=f"user: {name}", address=address)
            acted.send(sender=AccessAttempt, act=act)

    def _count_at_address(self, request: Any) -> int:
        since = get_cool_off_threshold(request)
        tried = AccessAttempt.objects.filter(
            ip_address=request.axes_ip_address, attempt_time__gte=since
        )
        return int(tried.aggregate(sum=Sum("failures_since_start"))["sum"] or 0)


def unlock(username: str, *, actor: Actor) -> bool:
    """End the lock-out of a name from wherever, and return whether there was anything to end."""
    count = int(reset(username=username))
    if count:
        act = Act(action="unlocked", actor=str(actor), subject=f"user: {username}")
        acted.send(sender=AccessAttempt, act=act)
    return bool(count)


def connect() -> None:
    """Keep no form of a failed log-in, and let a new password end a lock-out."""
    pre_save.connect(_forget_form, sender=AccessAttempt, dispatch_uid="approvals.forget_form")
    post_save.connect(_unlock, sender=get_user_model(), dispatch_uid="approvals.unlock")


def _forget_form(*, instance: AccessAttempt, **_: Any) -> None:
    """What was posted may hold a token, or an answer that the page carries."""
    instance.get_data = instance.post_data = ""


def _unlock(*, instance: Any, **_: Any) -> None:
    """A password was set, not only stored anew with a better hash (as Django's user tells)."""
    if instance._password is not None:  # noqa: SLF001 -- Django's own mark
        reset(username=instance.get_username())
