"""Addresses of pages that are always the same, looked up once: Django looks for each, each time."""

from functools import cache
from typing import Any

from django import template
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as parse
from django.urls import get_script_prefix, get_urlconf, reverse
from django.utils.html import conditional_escape

register = template.Library()


class _Address(URLNode):
    """As Django's own, which it leaves everything to but a plain name."""

    def render(self, context: Context) -> str:
        name = str(self.view_name.resolve(context))
        if self.args or self.kwargs or self.asvar or ":" in name:
            return super().render(context)
        return _find(name, get_urlconf(), get_script_prefix(), is_html=context.autoescape)


@cache
def _find(
    name: str,
    urlconf: Any,
    prefix: str,  # noqa: ARG001 -- `reverse` reads it
    *,
    is_html: bool,
) -> str:
    found = reverse(name, urlconf)
    return conditional_escape(found) if is_html else found


@register.tag
def url(parser: Parser, token: Token) -> URLNode:
    """Write the address of a page, as Django's tag does."""
    node = parse(parser, token)
    return _Address(node.view_name, node.args, node.kwargs, node.asvar)
