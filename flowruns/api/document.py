"""The API's OpenAPI document: anybody may ask for it, and it takes a second to build."""

from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase
from ninja.openapi.schema import OpenAPISchema
from ninja.responses import Response
from ninja.types import DictStrAny


class DocumentedOnce(NinjaAPI):
    """An API that builds its document for the first who asks; others wait for that one.

    It says of each operation what it does, with an example.
    """

    _building = Lock()
    _document: OpenAPISchema | None = None

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: DictStrAny | None = None
    ) -> OpenAPISchema:
        from flowruns.api.descriptions import describe  # starting a server does without

        with self._building:
            if self._document is None:
                document = super().get_openapi_schema(
                    path_prefix=path_prefix, path_params=path_params
                )
                describe(document)
                self._document = document
            return self._document


class Reference(DocsBase):
    """The document as a page of the project's own, which needs no script."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        return render(request, "api_reference.html", {"api": api})


def document_view(api: NinjaAPI) -> Callable[[HttpRequest], HttpResponse]:
    """Return the view of the document, which sends the same bytes to everybody."""

    @cache
    def write() -> bytes:
        return bytes(Response(api.get_openapi_schema()).content)

    @require_safe
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(write(), content_type="application/json")

    return view
