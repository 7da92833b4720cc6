"""What a client may send and never gets a 500 for."""

import json
from base64 import b64encode
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from flowruns.services.api_keys import create_api_key
from tests.integration.conftest import Api, Run

BODIES = {
    "not JSON": b"{",
    "not UTF-8": b'{"name": "\xff"}',
    "NaN": b'{"name": "x", "labels": {"a": NaN}}',
    "infinity by exponent": b'{"name": "x", "labels": {"a": 1e999}}',
    "nested without end": b'{"name": "x", "labels": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    "nested more deeply than an answer may be": b'{"name": "x", "labels": {"a": '
    + (b"[" * 253 + b"]" * 253 + b"}}"),
    "a NUL": b'{"name": "a\\u0000b"}',
    "a NUL in a key": b'{"name": "x", "labels": {"a\\u0000": 1}}',
    "half a surrogate pair": b'{"name": "a\\ud800"}',
    "a list": b"[]",
    "null": b"null",
    "nothing": b"",
    "an endless integer": b'{"name": "x", "labels": {"a": ' + b"9" * 10_000 + b"}}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_malformed_body_is_the_clients_fault(api: Api, body: bytes) -> None:
    key = create_api_key("faults", scopes=["flows"])
    response = Client(headers={"Authorization": f"Bearer {key}"}).post(
        "/api/flows/", body, content_type="application/json"
    )
    assert response.status_code in {400, 422}
    assert json.loads(response.content)["detail"]


def test_large_integers_are_kept_whole(api: Api) -> None:
    response = api.post("/flows/", {"name": "x", "labels": {"a": 2**70}})
    assert json.loads(response.content)["labels"] == {"a": 2**70}


def test_a_body_that_is_too_large_is_refused_as_such(api: Api) -> None:
    response = api.post("/flows/", {"name": "x", "labels": {"a": "x" * 17_000_000}})
    assert response.status_code == 413


def test_an_error_does_not_send_back_what_was_sent(api: Api) -> None:
    response = api.post("/flows/", {"name": {"password": "hunter2"}})
    assert response.status_code == 422
    assert "hunter2" not in response.content.decode()


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "Basic YTpi", "Bearer \x00"])
def test_a_call_without_a_valid_key_is_refused(db: None, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = Client(headers=headers).post("/api/flows/", {}, content_type="application/json")
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert "Authorization: Bearer" in json.loads(response.content)["detail"]


def test_a_logged_in_browser_is_no_key(db: None, django_user_model: Any) -> None:
    browser = Client()
    browser.force_login(django_user_model.objects.create_user("alice"))
    assert browser.post("/api/flow_runs/filter").status_code == 401


def test_a_key_that_may_only_resume_reads_and_resumes(run: Run) -> None:
    run.pause()
    resumer = Run(Api(create_api_key("approver", scopes=["resume"])), run.id)
    assert resumer.read()["state_type"] == "PAUSED"
    body = {"state": {"type": "CANCELLED"}}
    refused = resumer.api.post(f"/flow_runs/{run.id}/set_state", body)
    assert refused.status_code == 403
    assert "flows" in json.loads(refused.content)["detail"]
    assert resumer.put("note", "x").status_code == 403
    assert resumer.resume()["status"] == "ACCEPT"


def test_a_key_that_may_only_run_flows_does_not_resume(run: Run) -> None:
    run.pause()
    worker = Run(Api(create_api_key("worker", scopes=["flows"])), run.id)
    refused = worker.api.post(f"/flow_runs/{run.id}/resume")
    assert refused.status_code == 403
    assert "resume" in json.loads(refused.content)["detail"]
    assert run.read()["state_type"] == "PAUSED"


def test_the_first_questions_of_every_client_need_no_key(db: None) -> None:
    browser = Client()
    assert json.loads(browser.get("/api/health").content) is True
    assert browser.get("/api/hello").status_code == 200
    assert browser.get("/api/ready").status_code == 200
    assert json.loads(browser.get("/api/admin/version").content).startswith("3.")
    assert browser.get(f"/api/csrf-token?client={uuid4()}").status_code == 422


@pytest.mark.parametrize(
    ("client", "told"),
    [
        ("prefect/3.9.0 (API 0.8.4)", "3.9.1"),
        ("prefect/3.9.12 (API 0.8.4)", "3.9.12"),
        ("prefect/3.9.12+7.g1a2b3c.dirty (API 0.8.4)", "3.9.1"),
        ("prefect/3.10.4 (API 0.8.4)", "3.9.1"),
        ("prefect/3.4.25 (API 0.8.4)", "3.9.1"),
        ("prefect/3x9.12 (API 0.8.4)", "3.9.1"),
        ("curl/8.5 prefect/3.9.12 ", "3.9.1"),
    ],
)
def test_a_client_of_a_later_patch_is_told_its_own_version(client: str, told: str) -> None:
    answer = Client().get("/api/admin/version", headers={"User-Agent": client})
    assert json.loads(answer.content) == told


def test_settings_tell_what_clients_ask_and_nothing_else(api: Api) -> None:
    assert json.loads(api.get("/admin/settings").content) == {
        "server": {
            "analytics_enabled": False,
            "api": {"default_limit": 200, "csrf_protection_enabled": False},
            "events": {"retention_period": "P7D", "stream_out_enabled": True},
            "logs": {"stream_out_enabled": True},
            "ui": {"enabled": False},
        }
    }
    assert Client().get("/api/admin/settings").status_code == 401


def test_a_server_without_its_database_is_not_ready(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise DatabaseError

    with monkeypatch.context() as patch:
        patch.setattr(connection, "ensure_connection", fail)
        assert Client().get("/api/ready").status_code == 503


@pytest.mark.parametrize("path", ["/api/work_pools/filter", "/api/nope", "/api/flow_runs/x"])
def test_what_is_not_served_is_not_found_in_json(api: Api, path: str) -> None:
    response = api.get(path.removeprefix("/api"))
    assert response.status_code == 404
    assert path in json.loads(response.content)["detail"]


def test_a_method_that_is_not_served_is_refused(api: Api) -> None:
    response = api.request("PUT", "/flows/")
    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert "PUT /api/flows/" in json.loads(response.content)["detail"]


def test_what_is_left_out_says_what_to_do_instead(api: Api) -> None:
    response = api.post("/work_pools/filter", {})
    assert response.status_code == 404
    assert "workers" in json.loads(response.content)["detail"]


@pytest.mark.parametrize("given", ["{}", "any:{}"])
def test_a_key_may_come_as_prefects_auth_string(db: None, client: Client, given: str) -> None:
    key = create_api_key("auth-string", scopes=["flows"])
    basic = b64encode(given.format(key).encode()).decode()
    path = f"/api/flow_run_states/?flow_run_id={uuid4()}"
    assert client.get(path, headers={"Authorization": f"Basic {basic}"}).status_code == 200
    for wrong in ("Basic", "Basic !!", "Basic /w==", f"Basic {basic[:-8]}", f"Digest {basic}"):
        assert client.get(path, headers={"Authorization": wrong}).status_code == 401
