import re

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from approvals.models import Approval
from tests.integration.conftest import Make, Run
from tests.integration.pages import ask, field, log_in, page_of, text_of
from tests.integration.test_pages_answer import NESTED

PASSWORD = "correct horse battery"


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice", password=PASSWORD)


def test_wrong_credentials_are_told_without_saying_which(alice: User) -> None:
    response = Client().post("/accounts/login/", {"username": "alice", "password": "wrong"})
    assert "correct username and password" in text_of(response)


def test_login_leads_to_the_page_that_was_asked_for(alice: User, run: Run) -> None:
    approval = ask(run)
    response = Client().post(
        "/accounts/login/",
        {"username": "alice", "password": PASSWORD, "next": page_of(approval)},
    )
    assert response["Location"] == page_of(approval)


def test_login_leads_to_no_other_site(alice: User) -> None:
    response = Client().post(
        "/accounts/login/",
        {"username": "alice", "password": PASSWORD, "next": "https://evil.example/"},
    )
    assert response["Location"] == "/"


def test_too_many_wrong_passwords_lock_the_name_and_say_so(alice: User) -> None:
    client = Client()
    for _ in range(settings.AXES_FAILURE_LIMIT):
        response = client.post("/accounts/login/", {"username": "alice", "password": "wrong"})
    assert response.status_code == 429
    assert "Too many wrong passwords" in text_of(response)
    assert "15 minutes" in text_of(response)
    response = client.post("/accounts/login/", {"username": "alice", "password": PASSWORD})
    assert response.status_code == 429


def test_logging_out_ends_the_session(alice: User) -> None:
    client = log_in()
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"
    assert client.get("/").status_code == 302
    assert log_in().get("/accounts/logout/").status_code == 405


def test_what_was_typed_survives_an_ended_session(alice: User, run: Run) -> None:
    approval, client = ask(run), Client()
    typed = {"f.0": "0", "f.1": "half a\nnovel"}
    response = client.post(page_of(approval), typed)
    assert response.status_code == 401
    assert "Your session has ended; nothing was sent" in text_of(response)
    fields = {name: field(response, name) for name in ("next", "carried")}
    response = client.post(
        "/accounts/login/", {"username": "alice", "password": PASSWORD, **fields}
    )
    assert response["Location"] == page_of(approval)
    response = client.get(page_of(approval))
    html = response.content.decode()
    assert "Welcome back" in html
    assert "half a\nnovel" in html
    assert re.search(r'name="f.0" value="0"[^>]* checked', html)
    assert "needs another look" not in html
    approval.refresh_from_db()
    assert approval.is_waiting
    assert "novel" in client.get(page_of(approval)).content.decode()


def test_a_wrong_password_in_between_loses_nothing(alice: User, run: Run) -> None:
    approval, client = ask(run), Client()
    response = client.post(page_of(approval), {"f.0": "1", "f.1": "my words"})
    carried = field(response, "carried")
    response = client.post(
        "/accounts/login/",
        {"username": "alice", "password": "wrong", "next": page_of(approval), "carried": carried},
    )
    assert field(response, "carried") == carried
    assert "What you typed is kept" in text_of(response)


def test_secrets_are_not_carried(alice: User, run: Run) -> None:
    approval, client = ask(run, schema=NESTED), Client()
    fields = {"f.0.#": "n0", "f.0.n0": "kept-entry", "f.1": "hunter2-secret"}
    response = client.post(page_of(approval), fields)
    login = {"username": "alice", "password": PASSWORD}
    carried = {name: field(response, name) for name in ("next", "carried")}
    client.post("/accounts/login/", {**login, **carried})
    assert "hunter2" not in str(dict(client.session))
    html = client.get(page_of(approval)).content.decode()
    assert "kept-entry" in html
    assert "hunter2" not in html


def test_a_reason_survives_an_ended_session(alice: User, run: Run) -> None:
    approval, client = ask(run), Client()
    address = f"{page_of(approval)}reject/"
    response = client.post(address, {"reason": "too risky"})
    carried = {name: field(response, name) for name in ("next", "carried")}
    login = {"username": "alice", "password": PASSWORD}
    assert client.post("/accounts/login/", {**login, **carried})["Location"] == address
    assert "too risky" in client.get(address).content.decode()


@pytest.mark.parametrize("carried", ["forged", "W10:1:x", "\x00"])
def test_a_forged_load_is_dropped(alice: User, run: Run, carried: str) -> None:
    approval, client = ask(run), Client()
    login = {"username": "alice", "password": PASSWORD, "next": page_of(approval)}
    assert client.post("/accounts/login/", {**login, "carried": carried}).status_code == 302
    assert "Welcome back" not in text_of(client.get(page_of(approval)))


def test_a_form_that_is_too_large_to_carry_says_so(alice: User, run: Run) -> None:
    response = Client().post(page_of(ask(run)), {"f.0": "1", "f.1": "x" * 2_000_001})
    assert "it was too large to keep" in text_of(response)


def test_nobody_learns_of_an_approval_by_posting_to_it(make_run: Make) -> None:
    ask(make_run(name="quick-otter"))
    approval = Approval.objects.get()
    known = Client().post(page_of(approval), {"f.0": "1"})
    unknown = Client().post("/approvals/01a2069f-88b7-7c94-a90d-59fd7f295b7a/", {"f.0": "1"})
    assert known.status_code == unknown.status_code == 401
    assert "otter" not in known.content.decode()


def test_our_own_form_without_a_valid_token_is_shown_again(run: Run) -> None:
    approval = ask(run)
    client = log_in(enforce_csrf_checks=True)
    response = client.post(
        page_of(approval),
        {"f.0": "1", "f.1": "my words"},
        headers={"Origin": "http://testserver"},
    )
    assert response.status_code == 403
    assert "Nothing was sent yet" in text_of(response)
    assert "my words" in response.content.decode()
    approval.refresh_from_db()
    assert approval.is_waiting
    token = field(response, "csrfmiddlewaretoken")
    fields = {"f.0": "1", "f.1": "my words", "csrfmiddlewaretoken": token}
    assert client.post(page_of(approval), fields).status_code == 302


def test_our_own_rejection_without_a_valid_token_is_shown_again(run: Run) -> None:
    client = log_in(enforce_csrf_checks=True)
    response = client.post(
        f"{page_of(ask(run))}reject/",
        {"reason": "too risky"},
        headers={"Origin": "http://testserver"},
    )
    assert response.status_code == 403
    assert "too risky" in text_of(response)


def test_a_login_page_from_before_another_login_leads_on_with_what_was_typed(run: Run) -> None:
    approval = ask(run)
    carried = field(Client().post(page_of(approval), {"f.0": "1", "f.1": "my words"}), "carried")
    client = log_in(enforce_csrf_checks=True)
    fields = {"username": "alice", "password": "x", "next": page_of(approval), "carried": carried}
    response = client.post("/accounts/login/", fields, headers={"Origin": "http://testserver"})
    assert response["Location"] == page_of(approval)
    assert "my words" in client.get(page_of(approval)).content.decode()


def test_a_login_page_from_before_a_logout_asks_once_more(db: None) -> None:
    client = Client(enforce_csrf_checks=True)
    fields = {"username": "alice", "password": "x", "next": "https://evil.example/"}
    response = client.post("/accounts/login/", fields, headers={"Origin": "http://testserver"})
    assert response.status_code == 403
    assert "Please log in once more" in text_of(response)
    assert field(response, "next") == "/"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil"])
def test_a_foreign_form_is_refused_and_shown_to_nobody(run: Run, origin: str) -> None:
    approval = ask(run)
    client = log_in(enforce_csrf_checks=True)
    response = client.post(
        page_of(approval), {"f.0": "1", "f.1": "foreign words"}, headers={"Origin": origin}
    )
    assert response.status_code == 403
    assert "This form could not be checked" in text_of(response)
    assert "foreign words" not in response.content.decode()
    approval.refresh_from_db()
    assert approval.is_waiting


def test_a_password_can_be_changed(alice: User) -> None:
    client = log_in()
    assert "<li>" in client.get("/accounts/password/").content.decode()
    new = "a quite different phrase"
    fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    response = client.post("/accounts/password/", fields, follow=True)
    assert "Your password is changed" in text_of(response)
