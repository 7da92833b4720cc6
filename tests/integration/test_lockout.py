"""Wrong passwords: who waits for them, where, and what is kept of it."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.test import Client

from approvals.web import lockout
from tests.integration.pages import log_in, text_of

PASSWORD = "correct horse battery"
WRONG = {"username": "alice", "password": "wrong"}
RIGHT = {"username": "alice", "password": PASSWORD}


@pytest.fixture(autouse=True)
def alice(db: None) -> User:
    return User.objects.create_user("alice", password=PASSWORD)


@pytest.fixture
def behind_proxy(settings: Any) -> None:
    settings.TRUST_PROXY = True


def try_in(forwarded: str = "", **form: str) -> int:
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    return Client().post("/accounts/login/", form, headers=headers).status_code


@pytest.mark.parametrize(
    ("forwarded", "other"),
    [
        ("192.0.2.1", "192.0.2.2"),
        ("2001:db8::1", "2001:db8::2"),
        ("198.51.100.7, 192.0.2.1:4711", "192.0.2.1, 192.0.2.2"),
        ("[2001:db8::1]:4711", "192.0.2.1"),
    ],
)
def test_two_addresses_behind_a_proxy_are_two(
    behind_proxy: None, forwarded: str, other: str
) -> None:
    for _ in range(10):
        try_in(forwarded, **WRONG)
    assert try_in(forwarded, **RIGHT) == 429
    assert try_in(other, **RIGHT) == 302


def test_what_a_client_claims_beside_the_proxy_changes_nothing(behind_proxy: None) -> None:
    for number in range(10):
        try_in(f"198.51.100.{number}, 192.0.2.1", **WRONG)
    assert try_in("203.0.113.9, 192.0.2.1", **RIGHT) == 429


def test_without_a_proxy_nobody_names_another_address() -> None:
    for number in range(10):
        try_in(f"198.51.100.{number}", **WRONG)
    assert try_in("203.0.113.9", **RIGHT) == 429


@pytest.mark.parametrize("forwarded", ["nonsense", "unknown", ", ", "1.2.3.4.5", "\u00e9"])
def test_what_is_no_address_is_the_proxys(behind_proxy: None, forwarded: str) -> None:
    assert try_in(forwarded, **WRONG) == 200
    assert AccessAttempt.objects.get().ip_address == "127.0.0.1"


def test_many_names_from_one_address_are_bounded_together(behind_proxy: None) -> None:
    tried = [
        try_in("192.0.2.1", username=f"name{number}", password="Winter2026!")
        for number in range(40)
    ]
    assert tried.count(429) == 11  # the thirtieth, and those after it
    assert try_in("192.0.2.1", **RIGHT) == 429
    assert try_in("192.0.2.2", **RIGHT) == 302


def test_own_success_does_not_take_the_address_bound_away(behind_proxy: None) -> None:
    for number in range(29):
        try_in("192.0.2.1", username=f"name{number}", password="Winter2026!")
    assert try_in("192.0.2.1", **RIGHT) == 302
    assert try_in("192.0.2.1", username="name30", password="Winter2026!") == 429


def test_a_password_that_staff_sets_anew_lets_in_at_once(alice: User) -> None:
    root = User.objects.create_superuser("root", password=PASSWORD)
    for _ in range(10):
        try_in(**WRONG)
    locked = Client().post("/accounts/login/", RIGHT)
    assert locked.status_code == 429
    assert "set a new password, which lets this name in at once" in text_of(locked)
    new = "another horse battery"
    staff = Client()
    staff.force_login(root, backend="django.contrib.auth.backends.ModelBackend")
    form = {"password1": new, "password2": new, "usable_password": "true"}
    changed = staff.post(f"/admin/auth/user/{alice.pk}/password/", form)
    assert changed.status_code == 302
    assert try_in(username="alice", password=new) == 302


def test_a_log_in_elsewhere_unlocks_nobody() -> None:
    for _ in range(10):
        try_in(**WRONG)
    log_in("alice")  # which saves when she was last there
    assert try_in(**RIGHT) == 429


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.WARNING, logger=lockout.__name__):
        yield caplog


def test_a_lock_out_is_logged_once(log: pytest.LogCaptureFixture) -> None:
    for _ in range(15):
        try_in(**WRONG)
    said = [record.getMessage() for record in log.records if record.name == lockout.__name__]
    assert said == ["Too many wrong passwords: 'alice' is locked out from 127.0.0.1 for a while."]


def test_nothing_that_was_posted_is_kept() -> None:
    form = {"carried": "typed:signed", "csrfmiddlewaretoken": "t" * 64, "next": "/x", "other": "y"}
    for _ in range(3):
        Client().post("/accounts/login/?token=secret", {**WRONG, **form})
    kept = AccessAttempt.objects.get()
    assert (kept.get_data, kept.post_data, kept.failures_since_start) == ("", "", 3)


def test_a_setting_without_effect_fails_the_check(settings: Any) -> None:
    settings.TRUST_PROXY = True
    assert run_checks(tags=["security"]) == []
    settings.AXES_CLIENT_IP_CALLABLE = None
    assert [found.id for found in run_checks(tags=["security"])] == ["approvals.E001"]
