"""A server that others reach by https."""

import logging
from itertools import count
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client

from approvals.web import plain_http


@pytest.fixture(autouse=True)
def https(settings: Any, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SECURE_SSL_REDIRECT = True
    monkeypatch.setattr(plain_http, "_asked", count())


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    named = [record for record in caplog.records if record.name == plain_http.__name__]
    return [record.getMessage() for record in named if record.levelno == logging.WARNING]


def behind(settings: Any) -> None:
    settings.TRUST_PROXY = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


def test_https_without_a_trusted_proxy_is_named_by_the_check(settings: Any) -> None:
    assert [found.id for found in run_checks(tags=["security"])] == ["approvals.W001"]
    behind(settings)
    assert run_checks(tags=["security"]) == []


def test_the_first_request_that_is_redirected_is_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for _ in range(3):
        assert Client().get("/accounts/login/").status_code == 301
    [said] = warnings(caplog)
    assert "X-Forwarded-Proto" in said
    assert "TRUST_PROXY must be true (it is false)" in said


def test_a_proxy_that_says_nothing_of_the_scheme_is_named(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    behind(settings)
    Client().get("/accounts/login/", headers={"X-Forwarded-For": "192.0.2.1"})
    assert len(warnings(caplog)) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_says_it_is_believed(
    settings: Any, caplog: pytest.LogCaptureFixture, scheme: str
) -> None:
    behind(settings)
    response = Client().get("/accounts/login/", headers={"X-Forwarded-Proto": scheme})
    assert response.status_code == {"http": 301, "https": 200}[scheme]
    assert warnings(caplog) == []


def test_the_api_is_not_redirected_and_nothing_said(caplog: pytest.LogCaptureFixture) -> None:
    assert Client().get("/api/health").status_code == 200
    assert warnings(caplog) == []


def test_any_host_is_a_warning_in_production(settings: Any) -> None:
    behind(settings)
    settings.ALLOWED_HOSTS = ["*"]
    found = {message.id for message in run_checks(include_deployment_checks=True)}
    assert "approvals.W002" in found
