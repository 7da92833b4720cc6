import json
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Approval
from tests.integration.conftest import APPROVAL_SCHEMA, Make, Run
from tests.integration.pages import YES, ask, log_in, page_of, text_of

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>[x](javascript:alert(1))"


class Dangers(HTMLParser):
    """What could run on a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "style" or (tag == "script" and "src" not in given):
            self.found.append(tag)
        for name, value in given.items():
            runs = value.strip().lower().startswith(("javascript:", "vbscript:"))
            if name.startswith("on") or name == "style" or runs:
                self.found.append(f"{tag} {name}={value}")


def test_nothing_that_a_flow_says_runs_anywhere(make_run: Make) -> None:
    run = make_run(name=HOSTILE, tags=[HOSTILE], parameters={HOSTILE: HOSTILE, "deep": [HOSTILE]})
    line = {"name": HOSTILE, "level": 40, "message": HOSTILE, "flow_run_id": run.id}
    run.api.post("/logs/", [{**line, "timestamp": "2026-01-01T00:00:00Z"}])
    schema = {
        "type": "object",
        "title": HOSTILE,
        "description": HOSTILE,
        "properties": {HOSTILE: {"type": "string", "title": HOSTILE, "default": HOSTILE}},
    }
    approval = ask(run, HOSTILE, schema)
    client = log_in()
    addresses = ["/", page_of(approval), f"{page_of(approval)}reject/", f"/runs/flow-run/{run.id}"]
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 200
        assert Dangers(response.content.decode()).found == [], address
    client.post(f"{page_of(approval)}reject/", {"reason": HOSTILE})
    for address in ("/history/", page_of(approval), f"/runs/flow-run/{run.id}"):
        assert Dangers(client.get(address).content.decode()).found == [], address


@pytest.mark.parametrize("address", ["/", "/history/", "/accounts/login/", "/nothing", "/api/docs"])
def test_every_page_carries_the_strict_headers(db: None, address: str) -> None:
    response = log_in().get(address, follow=True)
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert response["Referrer-Policy"] == "same-origin"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_huge_description_is_shown_in_part_and_whole_on_demand(run: Run) -> None:
    text = "word " * 400_000
    approval, client = ask(run, text), log_in()
    response = client.get(page_of(approval))
    assert len(response.content) < 200_000
    assert "This description is very long" in text_of(response)
    whole = client.get(f"{page_of(approval)}description/")
    assert whole["Content-Type"].startswith("text/plain")
    assert whole.content.decode() == text


def test_huge_parameters_and_logs_are_bounded(make_run: Make) -> None:
    run = make_run(parameters={f"p{number}": "x" * 25_000 for number in range(20)})
    line = {"name": "flow", "level": 20, "message": "y" * 200_000, "flow_run_id": run.id}
    for _ in range(3):
        run.api.post("/logs/", [{**line, "timestamp": "2026-01-01T00:00:00Z"}])
    response = log_in().get(page_of(ask(run)))
    assert len(response.content) < 1_000_000


@pytest.mark.parametrize("address", ["/?q=%00", "/inbox/list/?q=a%00", "/history/?flow=%00"])
def test_an_invisible_character_in_an_address_harms_nothing(run: Run, address: str) -> None:
    ask(run)
    assert log_in().get(address).status_code == 200


def test_an_invisible_character_in_a_field_is_refused_with_a_sentence(run: Run) -> None:
    response = log_in().post(page_of(ask(run)), {"f.0": "1", "f.1": "a\x00b"})
    assert response.status_code == 422
    assert "invisible character" in text_of(response)
    assert run.read()["state_type"] == "PAUSED"


def test_an_invisible_character_in_a_login_is_refused_with_a_sentence(db: None) -> None:
    response = Client().post("/accounts/login/", {"username": "a\x00", "password": "x"})
    assert response.status_code == 200
    assert "Null characters are not allowed" in text_of(response)


@pytest.mark.parametrize("schema", [{"type": "no-such-type"}, {"$ref": "http://evil.example/x"}])
def test_a_schema_that_cannot_be_rendered_has_a_page(run: Run, schema: Any) -> None:
    assert run.put("paused-1-schema", json.dumps(schema)).status_code in {201, 422}
    keyset = {part: f"paused-1-{part}" for part in ("schema", "description", "response")}
    run.pause(run_input_keyset=keyset)
    response = log_in().get(page_of(Approval.objects.get()))
    assert response.status_code == 200


def test_a_request_that_is_too_large_has_a_page(run: Run, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 10
    fields = {f"f.{number}": "x" for number in range(50)}
    response = log_in().post(page_of(ask(run)), fields)
    assert response.status_code in {400, 413}
    assert "could not be read" in text_of(response)


def test_methods_that_make_no_sense_are_refused(run: Run) -> None:
    approval = ask(run)
    for name in ("state", "description"):
        assert log_in().post(reverse(name, args=[approval.pk])).status_code == 405
    assert log_in().put(page_of(approval)).status_code == 405


def test_a_fault_has_a_page_that_needs_no_database(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from approvals.services import inbox

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("database gone")

    client = log_in()
    client.raise_request_exception = False
    monkeypatch.setattr(inbox, "read_inbox", fail)
    response = client.get("/")
    assert response.status_code == 500
    assert "Something went wrong here" in text_of(response)


@pytest.mark.parametrize(
    ("cookie", "zone"), [("Asia/Tokyo", "JST"), ("../etc/passwd", "UTC"), ("", "UTC")]
)
def test_times_are_exact_on_hover_in_the_readers_zone(run: Run, cookie: str, zone: str) -> None:
    client = log_in()
    client.cookies["timezone"] = cookie
    assert f"({zone})" in client.get(page_of(ask(run))).content.decode()


def test_an_answer_of_a_run_that_asks_with_an_odd_schema_is_still_shown(run: Run) -> None:
    approval = ask(run, schema=APPROVAL_SCHEMA)
    log_in().post(page_of(approval), YES)
    Approval.objects.get().decision.__class__.objects.update(schema="not json", answer="nor this")
    assert log_in().get(page_of(approval)).status_code == 200


@pytest.mark.parametrize("address", ["/history/", "/", "/accounts/logout/"])
def test_an_address_that_is_opened_the_wrong_way_is_explained(db: None, address: str) -> None:
    client = log_in()
    response = client.get(address) if "logout" in address else client.post(address)
    assert response.status_code == 405
    assert "POST" in response["Allow"] if "logout" in address else "GET" in response["Allow"]
    assert "That is not how this page opens" in text_of(response)
