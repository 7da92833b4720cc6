"""Telling the audit log who logged in, and what people changed in the administration."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from axes.models import AccessAttempt
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from approvals.models import Policy, Webhook
from approvals.web.lockout import read_address
from flowruns.domain.actors import reviewer
from flowruns.signals import Act, acted

type Answer = Callable[[HttpRequest], HttpResponseBase]

_request: ContextVar[HttpRequest | None] = ContextVar("audited_request", default=None)
_DELETED = (User, Group, Policy, Webhook, AccessAttempt)
_FLAGS = {ADDITION: "added", CHANGE: "changed"}


def connect() -> None:
    """Start to tell."""
    uid = "approvals.audit"
    user_logged_in.connect(_tell_login, dispatch_uid=uid)
    user_logged_out.connect(_tell_logout, dispatch_uid=uid)
    post_save.connect(_tell_administration, sender=LogEntry, dispatch_uid=uid)
    for model in _DELETED:
        post_delete.connect(_tell_deletion, sender=model, dispatch_uid=uid)


def remember_request(get_response: Answer) -> Answer:
    """Know who deletes something while a request is answered."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        token = _request.set(request)
        try:
            return get_response(request)
        finally:
            _request.reset(token)

    return answer


def _tell_login(*, request: HttpRequest | None, user: User, **_: Any) -> None:
    tell_act("logged_in", user=user, request=request)


def _tell_logout(*, request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if user is not None:
        tell_act("logged_out", user=user, request=request)


def _tell_administration(*, instance: LogEntry, created: bool, **_: Any) -> None:
    """Tell of what was added or changed; deletions tell of themselves, one by one."""
    if created and instance.action_flag in _FLAGS:
        tell_act(
            _FLAGS[instance.action_flag],
            user=instance.user,
            request=_request.get(),
            subject=f"{_kind_of(instance)}: {instance.object_repr}",
            what=instance.get_change_message(),
        )


def _tell_deletion(*, instance: Any, **_: Any) -> None:
    request = _request.get()
    user = getattr(request, "user", None)
    is_known = user is not None and user.is_authenticated
    tell_act(
        "deleted",
        user=user if is_known else None,
        request=request,
        subject=f"{instance._meta.verbose_name}: {instance}",  # noqa: SLF001 -- Django's name
    )


def tell_act(
    action: str,
    *,
    user: User | None,
    request: HttpRequest | None = None,
    subject: str = "",
    **details: str,
) -> None:
    """Tell of what a person did, from where, and to what."""
    act = Act(
        action=action,
        actor=str(reviewer(user.get_username())) if user else "",
        subject=subject,
        address=read_address(request) if request else "",
        details={name: text for name, text in details.items() if text},
    )
    acted.send(sender=Act, act=act)


def _kind_of(entry: LogEntry) -> str:
    return str(entry.content_type.name) if entry.content_type else "something"
