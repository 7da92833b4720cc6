"""Reviewers at their pages, without a browser."""

import json
import re
from html import unescape
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from approvals.models import Approval
from tests.integration.conftest import APPROVAL_SCHEMA, Run

YES = {"f.0": "1", "f.1": ""}
FROM_HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/approvals/x/"}


def log_in(name: str = "alice", **options: Any) -> Client:
    """Return the browser of somebody who has logged in; `options` are the client's."""
    user, _ = User.objects.get_or_create(username=name)
    client = Client(**options)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def ask(run: Run, question: str = "Refund **2.5 EUR**?", schema: Any = APPROVAL_SCHEMA) -> Approval:
    """Have a run wait for an answer, and return what the reviewers got."""
    run.put("paused-1-description", json.dumps(question))
    run.pause_for_input(schema)
    return Approval.objects.get(flow_run_id=run.uuid)


def page_of(approval: Approval) -> str:
    return f"/approvals/{approval.pk}/"


def text_of(response: Any) -> str:
    """Return what a person reads on a page, its scripts and styles left out."""
    body = re.sub(r"(?s)<(script|style|head)\b.*?</\1>", " ", response.content.decode())
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def field(response: Any, name: str) -> str:
    """Return the value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', response.content.decode())
    assert found, f"There is no field {name!r}."
    return unescape(found[1])
