"""Cases 57 and 58: a chosen file stays with the answer; a secret is asked for again."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from approvals.models import Approval, Draft, Upload
from approvals.schemaforms.limits import MAX_FILE_BYTES
from approvals.services import uploads
from approvals.services.uploads import ABANDONED_AFTER, drop_abandoned_uploads
from tests.integration.conftest import Make, Run
from tests.integration.pages import FROM_HTMX, ask, field, log_in, page_of, text_of

RECEIPT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "receipt": {"type": "string", "format": "base64", "title": "Receipt"},
        "amount": {"type": "integer", "title": "Amount"},
        "letter": {"type": "string", "format": "binary", "title": "Letter", "default": "none"},
        "token": {
            "type": "string",
            "format": "password",
            "title": "Token",
            "default": "**********",
        },
        "more": {
            "type": "array",
            "items": {"type": "string", "format": "base64", "title": "Page"},
            "title": "More",
            "default": [],
        },
    },
    "required": ["receipt", "amount"],
}
PDF = b"%PDF \xff\x00 bytes"
PASSWORD = "correct horse battery"


def pdf(name: str = "receipt.pdf", content: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def kept(response: Any, name: str = "f.0") -> dict[str, str]:
    return {f"{name}.kept": field(response, f"{name}.kept")}


def answer_of(run: Run) -> Any:
    return json.loads(run.read_input("paused-1-response").content)


@pytest.fixture
def approval(run: Run) -> Approval:
    return ask(run, schema=RECEIPT)


def test_a_file_survives_a_refused_answer_and_is_sent_then(run: Run, approval: Approval) -> None:
    client = log_in()
    refused = client.post(page_of(approval), {"f.1": "a lot", "f.0.file": pdf()})
    assert refused.status_code == 422
    assert "receipt.pdf 13" in text_of(refused)
    assert base64.b64encode(PDF).decode() not in refused.content.decode()
    client.post(page_of(approval), {"f.1": "3", "f.2": "none", **kept(refused)})
    assert answer_of(run)["receipt"] == base64.b64encode(PDF).decode()
    assert not Upload.objects.exists()


def test_a_file_survives_structure_buttons_and_drafts(run: Run, approval: Approval) -> None:
    shown = log_in().post(page_of(approval), {"f.op": "add f.4", "f.0.file": pdf()})
    assert "receipt.pdf" in text_of(shown)
    draft = Draft.objects.get().fields
    assert "receipt.pdf" in draft
    assert "JVBERi" not in draft
    client = log_in()
    restored = client.get(page_of(approval))
    assert "receipt.pdf 13" in text_of(restored)
    client.post(page_of(approval), {"f.1": "3", "f.2": "none", **kept(restored)})
    assert answer_of(run)["receipt"] == base64.b64encode(PDF).decode()


def test_a_file_is_kept_the_moment_it_is_chosen(approval: Approval) -> None:
    fields = {"f.op": "keep f.0", "f.0.file": pdf()}
    response = log_in().post(page_of(approval), fields, headers=FROM_HTMX)
    assert "receipt.pdf added" in text_of(response)
    assert "needs another look" not in text_of(response)
    assert Upload.objects.get().read() == PDF


def test_a_file_can_be_removed_and_replaced(run: Run, approval: Approval) -> None:
    client = log_in()
    first = client.post(page_of(approval), {"f.op": "keep f.0", "f.0.file": pdf()})
    second = client.post(
        page_of(approval),
        {"f.op": "keep f.0", **kept(first), "f.0.file": pdf("other.pdf", b"other")},
    )
    assert "other.pdf" in text_of(second)
    assert Upload.objects.get().name == "other.pdf"
    removed = client.post(page_of(approval), {"f.op": "drop f.0", **kept(second)})
    assert "other.pdf removed" in text_of(removed)
    assert 'name="f.0.kept"' not in removed.content.decode()
    assert not Upload.objects.exists()
    asked = client.post(page_of(approval), {"f.1": "3"})
    assert "Choose a file or paste its content" in text_of(asked)


def test_a_removed_row_takes_its_file_along(approval: Approval) -> None:
    client = log_in()
    row = {"f.4.#": "n0", "f.4.n0": ""}
    shown = client.post(page_of(approval), {**row, "f.op": "keep f.4.n0", "f.4.n0.file": pdf()})
    client.post(page_of(approval), {**row, **kept(shown, "f.4.n0"), "f.op": "remove f.4 n0"})
    assert not Upload.objects.exists()


def test_bytes_that_are_no_text_are_refused_where_text_is_needed(approval: Approval) -> None:
    fields = {"f.op": "keep f.2", "f.2.file": pdf("letter.txt")}
    response = log_in().post(page_of(approval), fields)
    assert "not text in UTF-8" in text_of(response)
    assert not Upload.objects.exists()
    fields = {"f.op": "keep f.2", "f.2.file": pdf("letter.txt", "é".encode())}
    assert "letter.txt added" in text_of(log_in().post(page_of(approval), fields))


def test_a_file_that_is_too_large_is_refused(approval: Approval) -> None:
    large = pdf("film.mp4", b"x" * (MAX_FILE_BYTES + 1))
    response = log_in().post(page_of(approval), {"f.op": "keep f.0", "f.0.file": large})
    assert "larger than 5 MB" in text_of(response)
    assert not Upload.objects.exists()


def test_one_person_keeps_only_so_much(
    approval: Approval, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_PERSON_BYTES", 2 * len(PDF) - 1)
    other = ask(make_run(), schema=RECEIPT)
    keep = "f.op", "keep f.0"
    log_in("alice").post(page_of(approval), dict([keep]) | {"f.0.file": pdf()})
    response = log_in("alice").post(page_of(other), dict([keep]) | {"f.0.file": pdf()})
    assert "Send or discard some of them first" in text_of(response)
    assert Upload.objects.count() == 1
    log_in("bob").post(page_of(other), dict([keep]) | {"f.0.file": pdf()})
    assert Upload.objects.count() == 2


def test_a_file_is_found_by_its_reviewer_in_its_approval_alone(
    approval: Approval, make_run: Make
) -> None:
    other = ask(make_run(), schema=RECEIPT)
    shown = log_in("alice").post(page_of(approval), {"f.op": "keep f.0", "f.0.file": pdf()})
    for name, place in (("bob", approval), ("alice", other)):
        response = log_in(name).post(page_of(place), {"f.1": "3", **kept(shown)})
        assert "has to be chosen again" in text_of(response)
    for forged in ("-", "x", "\x00", "00000000-0000-0000-0000-000000000000"):
        fields = {"f.1": "3", "f.0.kept": f"{forged} receipt.pdf"}
        assert log_in("bob").post(page_of(approval), fields).status_code == 422


def test_all_files_are_gone_when_the_approval_has_ended(run: Run, approval: Approval) -> None:
    for name in ("alice", "bob"):
        log_in(name).post(page_of(approval), {"f.op": "keep f.0", "f.0.file": pdf()})
    run.resume({"receipt": "", "amount": 1})
    assert not Upload.objects.exists()
    assert "the file “receipt.pdf”" in text_of(log_in("bob").get(page_of(approval)))
    late = log_in("bob").post(page_of(approval), {"f.op": "keep f.0", "f.0.file": pdf()})
    assert late.status_code == 409
    assert not Upload.objects.exists()


def test_who_starts_afresh_leaves_no_file(approval: Approval) -> None:
    client = log_in("alice")
    log_in("bob").post(page_of(approval), {"f.op": "keep f.0", "f.0.file": pdf()})
    client.post(page_of(approval), {"f.op": "keep f.0", "f.0.file": pdf()})
    client.post(f"{page_of(approval)}draft/discard/")
    assert Upload.objects.get().reviewer.get_username() == "bob"


def test_a_file_that_nobody_comes_back_to_is_dropped_and_asked_for_again(
    approval: Approval,
) -> None:
    client = log_in()
    client.post(page_of(approval), {"f.op": "keep f.0", "f.0.file": pdf()})
    long_ago = datetime.now(UTC) - ABANDONED_AFTER - timedelta(minutes=1)
    Upload.objects.update(kept_at=long_ago)
    assert drop_abandoned_uploads() == 0  # its draft is fresh
    Draft.objects.update(saved_at=long_ago)
    assert drop_abandoned_uploads() == 1
    restored = client.get(page_of(approval))
    assert "The file “receipt.pdf” could not be kept: choose it again" in text_of(restored)
    refused = client.post(page_of(approval), {"f.1": "3", "f.2": "none", **kept(restored)})
    assert "“receipt.pdf” has to be chosen again, or removed" in text_of(refused)


def test_an_optional_file_that_is_gone_is_not_left_out_silently(approval: Approval) -> None:
    fields = {"f.0": "QQ==", "f.1": "3", "f.2": "", "f.2.kept": "- letter.txt"}
    response = log_in().post(page_of(approval), fields)
    assert response.status_code == 422
    assert "“letter.txt” has to be chosen again, or removed" in text_of(response)


def test_a_kept_file_survives_a_login(run: Run, approval: Approval) -> None:
    User.objects.create_user("alice", password=PASSWORD)
    shown = log_in().post(page_of(approval), {"f.op": "keep f.0", "f.0.file": pdf()})
    client = Client()
    ended = client.post(page_of(approval), {"f.1": "3", **kept(shown)})
    assert "Choose these files again" not in text_of(ended)
    login = {"username": "alice", "password": PASSWORD}
    carried = {name: field(ended, name) for name in ("next", "carried")}
    client.post("/accounts/login/", {**login, **carried})
    back = client.get(page_of(approval))
    assert "receipt.pdf 13" in text_of(back)
    client.post(page_of(approval), {"f.1": "3", "f.2": "none", **kept(back)})
    assert answer_of(run)["receipt"] == base64.b64encode(PDF).decode()


def test_a_file_that_arrives_without_a_session_is_asked_for_again(approval: Approval) -> None:
    User.objects.create_user("alice", password=PASSWORD)
    client = Client()
    ended = client.post(page_of(approval), {"f.1": "3", "f.0.file": pdf()})
    assert "Choose these files again: receipt.pdf ." in text_of(ended)
    assert not Upload.objects.exists()
    login = {"username": "alice", "password": PASSWORD}
    carried = {name: field(ended, name) for name in ("next", "carried")}
    client.post("/accounts/login/", {**login, **carried})
    back = text_of(client.get(page_of(approval)))
    assert "The file “receipt.pdf” could not be kept: choose it again" in back


def test_a_form_without_a_valid_token_keeps_no_file(approval: Approval) -> None:
    client = log_in(enforce_csrf_checks=True)
    response = client.post(
        page_of(approval),
        {"f.1": "3", "f.0.file": pdf()},
        headers={"Origin": "http://testserver"},
    )
    assert "The file “receipt.pdf” could not be kept" in text_of(response)
    assert not Upload.objects.exists()


def test_a_secret_that_was_typed_is_asked_for_again_beside_its_field(approval: Approval) -> None:
    client = log_in()
    client.post(page_of(approval), {"f.3": "hunter2", "f.op": "add f.4"})
    restored = client.get(page_of(approval))
    assert "For safety this was not kept" in text_of(restored)
    assert "hunter2" not in restored.content.decode()
    again = client.post(page_of(approval), {"f.3": "", "f.3.typed": "1", "f.op": "add f.4"})
    assert "For safety this was not kept" in text_of(again)
