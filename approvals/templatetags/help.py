"""What the foot of each page says: where its help is, and which version this is."""

from typing import Any

from django import template
from django.urls import reverse

from flowruns.domain.version import VERSION

register = template.Library()

# The chapter that a page is about, with a heading; whatever is not listed leads to the contents.
HELP = {
    "inbox": "reviewing#the-inbox",
    "approval": "reviewing#an-approval",
    "reject": "reviewing#an-approval",
    "history": "reviewing#the-history",
    "run": "reviewing#a-run",
    "log": "reviewing#a-run",
    "artifact": "flows#artifacts-and-variables",
    "preview": "testing#preview-a-form",
    "login": "operate#people",
    "password_change": "operate#people",
    "password_change_done": "operate#people",
    "openapi-view": "api",
}


@register.simple_tag(takes_context=True)
def help_address(context: dict[str, Any]) -> str:
    """Return the address of the chapter about this page."""
    request = context.get("request")
    match = request.resolver_match if request else None
    name, _, anchor = HELP.get(match.url_name or "" if match else "", "").partition("#")
    if not name:
        return reverse("docs")
    return reverse("docs_chapter", args=[name]) + (f"#{anchor}" if anchor else "")


@register.simple_tag
def product_version() -> str:
    return VERSION
