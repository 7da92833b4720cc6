"""What `manage.py check` says of settings that have no effect, or another than was meant."""

from typing import Any

from axes.helpers import get_client_ip_address
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.http import HttpRequest

_FORWARDED = ("192.0.2.1", "192.0.2.2")


@register(Tags.security)
def check_addresses(**_: Any) -> list[CheckMessage]:
    """Two clients of a trusted proxy must be two for the lock-out."""
    if not settings.TRUST_PROXY:
        return []
    if [_address_of(forwarded) for forwarded in _FORWARDED] == list(_FORWARDED):
        return []
    message = "TRUST_PROXY does not reach the lock-out of log-ins: all clients are one address."
    hint = "AXES_CLIENT_IP_CALLABLE must name approvals.web.lockout.read_address."
    return [Error(message, hint=hint, id="approvals.E001")]


@register(Tags.security)
def check_proxy(**_: Any) -> list[CheckMessage]:
    """`serve` speaks plain http, so that https needs a proxy that is trusted to say so."""
    if settings.TRUST_PROXY or not settings.SECURE_SSL_REDIRECT:
        return []
    message = "PUBLIC_URL is https and TRUST_PROXY is not set: pages redirect to themselves."
    hint = "Set TRUST_PROXY=true, and let the proxy send X-Forwarded-Proto and X-Forwarded-For."
    return [checks.Warning(message, hint=hint, id="approvals.W001")]


@register(Tags.security, deploy=True)
def check_hosts(**_: Any) -> list[CheckMessage]:
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    message = "ALLOWED_HOSTS=* lets anybody choose the host in the links of this server."
    return [checks.Warning(message, hint="Name the hosts.", id="approvals.W002")]


def _address_of(forwarded: str) -> str:
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": f"203.0.113.9, {forwarded}"}
    return str(get_client_ip_address(request))
