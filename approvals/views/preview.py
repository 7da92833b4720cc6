"""A page for authors of flows: their form as reviewers will see it, and the JSON it sends."""

import base64
import binascii
import json
import zlib
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from approvals.schemaforms import Form, JSONValue, list_remarks, open_form, read_form
from approvals.web.pages import Request, reviewers_only
from flowruns.domain.texts import read_json

# Characters of a schema that is shown in a preview
MAX_SCHEMA = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an author gave: the text of a schema, and what is wrong with it if anything is."""

    text: str = ""
    description: str = ""
    problem: str = ""

    @property
    def schema(self) -> JSONValue:
        value: JSONValue = read_json(self.text)
        return value


@require_http_methods(["GET", "HEAD", "POST"])
@reviewers_only
def show_preview(request: Request) -> HttpResponse:
    """Show the form of a schema that is pasted, or that the address carries. Nothing is kept."""
    draft = _read_draft(request)
    if not draft.text or draft.problem:
        status = 422 if draft.problem else 200
        return render(request, "approvals/preview.html", {"draft": draft}, status=status)
    form = _read_form(request, draft)
    context: dict[str, Any] = {"draft": draft, "form": form, "remarks": list_remarks(form)}
    if form.is_valid:
        context["answer"] = json.dumps(form.value, indent=2, ensure_ascii=False)
    is_wrong = form.is_bound and not form.operation and not form.is_valid
    return render(request, "approvals/preview.html", context, status=422 if is_wrong else 200)


def _read_form(request: Request, draft: Draft) -> Form:
    is_answer = request.method == "POST" and "show" not in request.POST
    form = (
        read_form(draft.schema, request.POST, files=request.FILES)
        if is_answer
        else open_form(draft.schema)
    )
    form.is_served = False
    return form


def _read_draft(request: Request) -> Draft:
    given: QueryDict = request.POST if request.method == "POST" else request.GET
    text, description = given.get("schema", ""), given.get("description", "")
    try:
        text = text if request.method == "POST" else _unpack(text)
        if len(text) > MAX_SCHEMA:
            return Draft(problem=f"Keep the schema under {MAX_SCHEMA:,} characters.")
        if text.strip():
            read_json(text)
    except (ValueError, zlib.error, RecursionError) as error:
        return Draft(text=text, description=description, problem=f"This is not JSON: {error}.")
    return Draft(text=text.strip(), description=description)


def _unpack(packed: str) -> str:
    """Read a schema from an address; what unpacks to more than is shown is cut, so no JSON."""
    if not packed:
        return ""
    try:
        content = base64.urlsafe_b64decode(packed)
    except binascii.Error:
        raise ValueError("the address was cut") from None
    return zlib.decompressobj().decompress(content, MAX_SCHEMA * 4).decode()
