"""What a reviewer typed is kept as they go, and dropped when the approval ends."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from approvals.models import Approval, AskedSchema, Draft
from approvals.services import drafts
from approvals.services.decisions import answer_approval
from approvals.services.drafts import (
    LEFTOVERS_KEPT,
    MAX_DRAFT_LENGTH,
    Saving,
    Unsent,
    drop_old_drafts,
    save_draft,
)
from flowruns.services.upkeep.expiry import expire_pauses
from tests.integration.conftest import Run
from tests.integration.pages import FROM_HTMX, YES, ask, field, log_in, page_of, text_of
from tests.integration.test_pages_answer import NESTED

NOVEL = {"f.0": "0", "f.1": "half a\nnovel"}


def save(client: Client, approval: Approval, fields: dict[str, Any]) -> int:
    """Save a draft as an open page does while somebody types."""
    response = client.post(f"{page_of(approval)}draft/", fields, headers=FROM_HTMX)
    assert response.content == b""
    return response.status_code


def form_of(client: Client, approval: Approval) -> str:
    return client.get(page_of(approval)).content.decode()


def test_what_was_typed_is_there_again_on_another_device(run: Run) -> None:
    approval = ask(run)
    assert save(log_in(), approval, NOVEL) == 204
    response = log_in().get(page_of(approval))
    html = response.content.decode()
    assert "half a\nnovel" in html
    assert 'name="f.0" value="0" checked' in html
    assert "as it was saved just now" in text_of(response)
    assert "needs another look" not in html
    approval.refresh_from_db()
    assert approval.is_waiting


def test_a_draft_is_its_authors_alone(run: Run) -> None:
    approval = ask(run)
    save(log_in("alice"), approval, NOVEL)
    assert "novel" not in form_of(log_in("bob"), approval)
    save(log_in("bob"), approval, {"f.0": "1", "f.1": "short story"})
    assert "novel" in form_of(log_in("alice"), approval)
    log_in("bob").post(f"{page_of(approval)}draft/discard/")
    assert "novel" in form_of(log_in("alice"), approval)


def test_the_latest_save_counts(run: Run) -> None:
    approval, client = ask(run), log_in()
    save(client, approval, NOVEL)
    save(client, approval, {"f.0": "1", "f.1": "short story"})
    html = form_of(client, approval)
    assert "novel" not in html
    assert "short story" in html
    assert Draft.objects.count() == 1


def test_who_starts_afresh_finds_the_form_as_it_was_asked(run: Run) -> None:
    approval, client = ask(run), log_in()
    save(client, approval, NOVEL)
    response = client.post(f"{page_of(approval)}draft/discard/", follow=True)
    assert "Your draft was deleted" in text_of(response)
    assert "novel" not in response.content.decode()
    assert "Welcome back" not in text_of(response)


def test_a_form_that_is_as_it_was_asked_needs_no_draft(run: Run) -> None:
    approval, client = ask(run), log_in()
    save(client, approval, NOVEL)
    save(client, approval, {"f.1": "", "reason": ""})
    assert not Draft.objects.exists()


def test_secrets_are_never_saved(run: Run) -> None:
    approval, client = ask(run, schema=NESTED), log_in()
    typed = {"f.0.#": "n0", "f.0.n0": "kept-entry", "f.1": "hunter2-secret"}
    save(client, approval, typed)
    client.post(page_of(approval), {**typed, "f.op": "add f.0"})
    assert "hunter2" not in Draft.objects.get().fields
    html = form_of(client, approval)
    assert "kept-entry" in html
    assert "hunter2" not in html


def test_a_structure_button_saves_too(run: Run) -> None:
    """So that without JavaScript a draft is kept as well."""
    approval, client = ask(run, schema=NESTED), log_in()
    client.post(page_of(approval), {"f.0.#": "n0", "f.0.n0": "one", "f.op": "add f.0"})
    html = form_of(log_in(), approval)
    assert 'value="one"' in html
    assert 'name="f.0.n1"' in html


def test_a_refused_answer_is_kept_for_whoever_leaves_the_page(run: Run) -> None:
    approval, client = ask(run), log_in()
    assert client.post(page_of(approval), {"f.1": "my words"}).status_code == 422
    assert "my words" in form_of(client, approval)


def test_a_reason_for_a_rejection_is_part_of_the_draft(run: Run) -> None:
    approval, client = ask(run), log_in()
    save(client, approval, {**NOVEL, "reason": "too risky"})
    client.post(page_of(approval), {**NOVEL, "f.op": "refresh f"})
    html = form_of(client, approval)
    assert "too risky" in html
    assert 'id="reject-box" open' in html
    assert "too risky" in client.get(f"{page_of(approval)}reject/").content.decode()


@pytest.mark.parametrize("end", ["answer", "reject"])
def test_whoever_decides_has_no_draft_left(run: Run, end: str) -> None:
    approval, client = ask(run), log_in()
    save(client, approval, NOVEL)
    if end == "answer":
        client.post(page_of(approval), YES)
    else:
        client.post(f"{page_of(approval)}reject/", {"reason": "no"})
    assert not Draft.objects.exists()
    assert not AskedSchema.objects.exists()


def test_a_late_save_after_the_end_stores_nothing(run: Run) -> None:
    approval, client = ask(run), log_in("alice")
    client.post(page_of(approval), YES)
    assert save(client, approval, NOVEL) == 409
    assert save(log_in("bob"), approval, NOVEL) == 409
    assert not Draft.objects.exists()


def test_a_save_that_read_the_approval_before_its_end_stores_nothing(run: Run) -> None:
    """The save has seen the approval wait; the answer comes before it stores."""
    approval = ask(run)
    alice = User.objects.create_user("alice")
    answer_approval(approval, user=alice, run_input={"approve": True})
    assert approval.is_waiting  # as it was read
    unsent = Unsent(fields=[("f.0", "1")])
    assert save_draft(approval, user=alice, unsent=unsent) is Saving.ENDED
    assert not Draft.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_a_save_and_an_answer_at_the_same_moment_no_draft_is_left(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The save has found the approval waiting; the answer begins before the draft is stored."""
    approval = ask(run)
    alice = User.objects.create_user("alice")
    store = drafts._store
    answering = threading.Thread(target=lambda: answer_and_close(approval, alice))

    def store_while_answered(*args: Any, **options: Any) -> Any:
        answering.start()
        answering.join(0.3)  # it cannot end before this save does
        assert answering.is_alive()
        return store(*args, **options)

    monkeypatch.setattr(drafts, "_store", store_while_answered)
    unsent = Unsent(fields=[("f.1", "novel")])
    assert save_draft(approval, user=alice, unsent=unsent) is Saving.SAVED
    answering.join()
    approval.refresh_from_db()
    assert not approval.is_waiting
    assert not Draft.objects.exists()


def answer_and_close(approval: Approval, alice: User) -> None:
    try:
        answer_approval(approval, user=alice, run_input={"approve": True})
    finally:
        connection.close()


def test_the_loser_comes_back_and_reads_what_was_typed(run: Run) -> None:
    approval = ask(run)
    save(log_in("bob"), approval, {**NOVEL, "reason": "or else"})
    log_in("alice").post(page_of(approval), YES)
    run.api.request("DELETE", f"/flow_runs/{run.id}")
    text = text_of(log_in("bob").get(page_of(approval)))
    assert "alice answered this" in text
    assert "What you had typed" in text
    assert "half a novel" in text
    assert "or else" in text
    for name in ("alice", "charlie"):
        assert "novel" not in text_of(log_in(name).get(page_of(approval)))
    log_in("bob").post(f"{page_of(approval)}draft/discard/")
    assert "novel" not in text_of(log_in("bob").get(page_of(approval)))


def test_the_loser_of_a_submit_can_come_back_too(run: Run) -> None:
    approval = ask(run)
    log_in("alice").post(page_of(approval), YES)
    long = "x" * 5000
    late = log_in("bob").post(page_of(approval), {"f.0": "0", "f.1": long})
    assert late.status_code == 409
    for response in (late, log_in("bob").get(page_of(approval))):
        assert long in text_of(response)
    log_in("bob").post(f"{page_of(approval)}reject/", {"reason": "too risky"})
    text = text_of(log_in("bob").get(page_of(approval)))
    assert long in text
    assert "too risky" in text


def test_what_was_typed_is_readable_when_nobody_answered(run: Run) -> None:
    run.pause_for_input(seconds=-1)
    approval = Approval.objects.get()
    save(log_in(), approval, NOVEL)
    expire_pauses()
    text = text_of(log_in().get(page_of(approval)))
    assert "The time to answer has run out" in text
    assert "half a novel" in text


def test_leftovers_are_dropped_after_a_while(run: Run) -> None:
    approval = ask(run)
    save(log_in("bob"), approval, NOVEL)
    assert drop_old_drafts() == 0
    log_in("alice").post(page_of(approval), YES)
    assert drop_old_drafts() == 0
    Approval.objects.update(closed_at=datetime.now(UTC) - LEFTOVERS_KEPT - timedelta(minutes=1))
    assert drop_old_drafts() == 1
    assert not Draft.objects.exists()
    assert not AskedSchema.objects.exists()


def test_a_draft_that_is_too_large_is_refused(run: Run) -> None:
    approval, client = ask(run), log_in()
    assert save(client, approval, {"f.1": "x" * (MAX_DRAFT_LENGTH + 1)}) == 413
    assert not Draft.objects.exists()


def test_what_is_too_large_to_keep_is_shown_to_whoever_was_too_late(run: Run) -> None:
    approval = ask(run)
    log_in("alice").post(page_of(approval), YES)
    late = log_in("bob").post(page_of(approval), {"f.1": "x" * (MAX_DRAFT_LENGTH + 1)})
    assert "too large to be kept" in text_of(late)
    assert "xxx" in text_of(late)


def test_an_open_page_of_an_ended_session_is_told(run: Run) -> None:
    response = Client().post(f"{page_of(ask(run))}draft/", NOVEL, headers=FROM_HTMX)
    assert response.status_code == 401
    assert not Draft.objects.exists()


def test_odd_characters_in_a_draft_harm_nothing(run: Run) -> None:
    approval, client = ask(run), log_in()
    typed = {"f.0": "1", "f.1": "a\x00b", "reason": "c\x00d", "asked": "\x00"}
    assert save(client, approval, typed) == 409
    assert save(client, approval, {**typed, "asked": ""}) == 204
    assert client.get(page_of(approval)).status_code == 200


def test_what_was_carried_through_a_login_too_late_can_be_read(run: Run) -> None:
    approval = ask(run)
    User.objects.create_user("bob", password="correct horse battery")
    response = Client().post(page_of(approval), NOVEL)
    log_in("alice").post(page_of(approval), YES)
    client = Client()
    login = {"username": "bob", "password": "correct horse battery"}
    carried = {name: field(response, name) for name in ("next", "carried")}
    client.post("/accounts/login/", {**login, **carried})
    assert "half a novel" in text_of(client.get(page_of(approval)))
    assert json.loads(Draft.objects.get().fields)
