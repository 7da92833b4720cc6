"""EMAIL_URL, EMAIL_FROM and their like: what they mean, and how a wrong one is told."""

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from approvals.project.environment import read_choice, read_hours
from approvals.project.mail import read_mailers, read_sender

PUBLIC = "https://desk.example.com"
SECRET = "hunter2"


def options(url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("EMAIL_URL", url)
    found: dict[str, Any] = read_mailers(PUBLIC)["default"]["OPTIONS"]
    return found


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "ssl"),
    [
        ("smtp://localhost", "localhost", 25, False, False),
        ("smtp://mail.example.com:2525/", "mail.example.com", 2525, False, False),
        ("smtp+tls://u:p@mail.example.com", "mail.example.com", 587, True, False),
        ("smtps://u:p@mail.example.com", "mail.example.com", 465, False, True),
        ("smtps://u:p@[::1]:9465", "::1", 9465, False, True),
    ],
)
def test_a_url_says_where_mail_goes_out(
    url: str, host: str, port: int, tls: bool, ssl: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = options(url, monkeypatch)
    assert (found["host"], found["port"]) == (host, port)
    assert (found["use_tls"], found["use_ssl"]) == (tls, ssl)
    assert found["timeout"] == 10


def test_names_and_passwords_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    found = options("smtps://me%40example.com:a%2Fb%3A%23@mail.example.com", monkeypatch)
    assert (found["username"], found["password"]) == ("me@example.com", "a/b:#")


def test_without_a_url_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMAIL_URL", raising=False)
    monkeypatch.delenv("EMAIL_FROM", raising=False)
    assert read_mailers("") == {}
    assert read_sender(sends=False) == ""


@pytest.mark.parametrize(
    ("url", "word"),
    [
        (f"http://u:{SECRET}@mail.example.com", "scheme"),
        (f"mail.example.com:{SECRET}", "scheme"),
        (f"smtps://u:{SECRET}@", "%XX"),
        (f"smtps://u:{SECRET}/x@mail.example.com", "port"),
        (f"smtps://u:{SECRET}#x@mail.example.com", "port"),
        (f"smtps://u:{SECRET}@mail.example.com:x", "port"),
        (f"smtps://u:{SECRET}@mail.example.com?a=b", "%XX"),
        (f"smtp://u:{SECRET}@mail.example.com", "in clear"),
        (f"smtps://{SECRET}@mail.example.com", "not both"),
    ],
)
def test_a_url_that_cannot_be_used_is_told_by_name_without_its_password(
    url: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        options(url, monkeypatch)
    assert "EMAIL_URL" in str(caught.value)
    assert word in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_url_needs_the_address_that_links_begin_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp://localhost")
    with pytest.raises(ImproperlyConfigured, match="PUBLIC_URL"):
        read_mailers("")


@pytest.mark.parametrize("sender", ["desk@example.com", "The Desk <desk@example.com>"])
def test_a_sender_is_an_address(sender: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_FROM", sender)
    assert read_sender(sends=True) == sender


@pytest.mark.parametrize("sender", ["", "desk", "The Desk", "a@b.c\nBcc: d@e.f"])
def test_a_sender_that_is_no_address_is_refused(
    sender: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMAIL_FROM", sender)
    with pytest.raises(ImproperlyConfigured, match="EMAIL_FROM"):
        read_sender(sends=True)


def test_working_hours_and_choices_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKING_HOURS", "Mon-Fri 09:00-17:00 Europe/Berlin")
    assert read_hours("WORKING_HOURS") == "Mon,Tue,Wed,Thu,Fri 09:00-17:00 Europe/Berlin"
    monkeypatch.setenv("WORKING_HOURS", "nine to five")
    with pytest.raises(ImproperlyConfigured, match="WORKING_HOURS"):
        read_hours("WORKING_HOURS")
    monkeypatch.setenv("MESSAGE_CONTENT", "all")
    with pytest.raises(ImproperlyConfigured, match="MESSAGE_CONTENT must be one of a, b"):
        read_choice("MESSAGE_CONTENT", of=("a", "b"), default="a")
