"""Cases 66 and 67: the questions change, or the run asks again, while somebody answers."""

import json
from typing import Any

import pytest

from approvals.models import Approval, AskedSchema, Draft
from approvals.services import decisions
from approvals.services.decisions import Refused
from tests.integration.conftest import APPROVAL_SCHEMA, Run
from tests.integration.pages import FROM_HTMX, YES, ask, field, log_in, page_of, text_of

CHANGED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "amount": {"type": "integer", "title": "Amount"},
        "reason": {"type": "string", "title": "Reason", "default": ""},
    },
    "required": ["amount"],
}
SECRETIVE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "token": {"type": "string", "format": "password", "title": "Token"},
        "note": {"type": "string", "title": "Note"},
    },
    "required": ["token", "note"],
}


def replace_schema(run: Run, schema: Any) -> None:
    run.api.request("DELETE", f"/flow_runs/{run.id}/input/paused-1-schema")
    assert run.put("paused-1-schema", json.dumps(schema)).status_code == 201


def asked(approval: Approval) -> dict[str, str]:
    """Return the mark of the schema that a page shows now."""
    return {"asked": field(log_in().get(page_of(approval)), "asked")}


def test_an_answer_to_questions_that_have_changed_is_not_sent(run: Run) -> None:
    approval, client = ask(run), log_in()
    mark = asked(approval)
    replace_schema(run, CHANGED)
    response = client.post(page_of(approval), {"f.0": "1", "f.1": "my words", **mark})
    assert response.status_code == 409
    text = text_of(response)
    assert "The flow has changed its questions" in text
    assert "New Amount" in text
    assert "No longer asked Approve" in text
    assert "Approve Yes" in text
    assert "my words" in response.content.decode()
    assert "needs another look" not in text
    assert run.read()["state_type"] == "PAUSED"
    again = {"f.0": "3", "f.1": "my words", "asked": field(response, "asked")}
    assert client.post(page_of(approval), again).status_code == 302
    answer = json.loads(run.read_input("paused-1-response").content)
    assert answer == {"amount": 3, "reason": "my words"}


def test_a_structure_button_of_an_older_page_says_what_changed(run: Run) -> None:
    approval, client = ask(run), log_in()
    mark = asked(approval)
    replace_schema(run, CHANGED)
    fields = {"f.1": "my words", "f.op": "refresh f", **mark}
    response = client.post(page_of(approval), fields, headers=FROM_HTMX)
    assert response.status_code == 409  # so that the page sends it again as a whole
    assert "New Amount" in text_of(response)


def test_a_draft_of_older_questions_comes_back_as_far_as_it_fits(run: Run) -> None:
    approval, client = ask(run), log_in()
    mark = asked(approval)
    client.post(f"{page_of(approval)}draft/", {"f.0": "1", "f.1": "my words", **mark})
    replace_schema(run, CHANGED)
    text = text_of(client.get(page_of(approval)))
    assert "Welcome back" in text
    assert "The flow has changed its questions" in text
    assert "my words" in text


def test_a_page_that_saves_after_the_change_loses_nothing(run: Run) -> None:
    """The page does not know yet; its draft is read with the questions that it shows."""
    approval, client = ask(run), log_in()
    mark = asked(approval)
    replace_schema(run, CHANGED)
    saved = client.post(f"{page_of(approval)}draft/", {"f.1": "my words", **mark})
    assert saved.status_code == 204
    response = client.get(page_of(approval))
    assert "New Amount" in text_of(response)
    assert "my words" in response.content.decode()


def test_an_answer_while_the_next_form_arrives_is_kept_for_it(run: Run) -> None:
    approval, client = ask(run), log_in()
    mark = asked(approval)
    run.api.request("DELETE", f"/flow_runs/{run.id}/input/paused-1-schema")
    response = client.post(page_of(approval), {"f.0": "1", "f.1": "my words", **mark})
    assert response["Location"] == page_of(approval)
    assert "The form is arriving" in text_of(client.get(page_of(approval)))
    run.put("paused-1-schema", json.dumps(CHANGED))
    assert "my words" in client.get(page_of(approval)).content.decode()


def test_a_schema_that_comes_back_the_same_has_not_changed(run: Run) -> None:
    approval, client = ask(run), log_in()
    mark = asked(approval)
    replace_schema(run, APPROVAL_SCHEMA)
    assert client.post(page_of(approval), {**YES, **mark}).status_code == 302
    assert not AskedSchema.objects.exists()


def test_an_unknown_mark_is_taken_for_other_questions(run: Run) -> None:
    approval, client = ask(run), log_in()
    response = client.post(page_of(approval), {**YES, "asked": "forged"})
    assert response.status_code == 409
    assert run.read()["state_type"] == "PAUSED"


def ask_again(run: Run, schema: Any = APPROVAL_SCHEMA) -> Approval:
    """Have the run pause once more, as after a crash of its flow and a retry."""
    run.pause_for_input(schema, key="2")
    return Approval.objects.get(flow_run_id=run.uuid, outcome=Approval.Outcome.WAITING)


def test_a_run_that_asks_again_is_offered_the_earlier_answer(run: Run) -> None:
    first = ask(run)
    log_in("alice").post(page_of(first), {"f.0": "1", "f.1": "good customer"})
    second, client = ask_again(run), log_in("bob")
    page = client.get(page_of(second))
    assert "alice answered the same question just now" in text_of(page)
    assert "good customer" not in page.content.decode()
    link = "?earlier=answer"
    assert link in page.content.decode()
    filled = client.get(page_of(second) + link)
    assert "is filled in below" in text_of(filled)
    assert 'name="f.0" value="1" checked' in filled.content.decode()
    assert "good customer" in filled.content.decode()
    assert run.read()["state_type"] == "PAUSED"


def test_the_page_of_an_answer_leads_to_the_question_that_came_again(run: Run) -> None:
    first, client = ask(run), log_in()
    client.post(page_of(first), YES)
    second = ask_again(run)
    page = client.get(page_of(first))
    assert "This run asks again" in text_of(page)
    assert page_of(second) in page.content.decode()


def test_secrets_of_an_earlier_answer_are_not_offered(run: Run) -> None:
    first, client = ask(run, schema=SECRETIVE), log_in()
    client.post(page_of(first), {"f.0": "hunter2", "f.1": "my note"})
    second = ask_again(run, SECRETIVE)
    html = client.get(f"{page_of(second)}?earlier=answer").content.decode()
    assert "my note" in html
    assert "hunter2" not in html


@pytest.mark.parametrize("other", [CHANGED, {}])
def test_another_question_of_the_same_run_gets_no_earlier_answer(run: Run, other: Any) -> None:
    first, client = ask(run), log_in()
    client.post(page_of(first), YES)
    second = ask_again(run, other)
    for query in ("", "?earlier=answer", "?earlier=text", "?earlier=%00"):
        text = text_of(client.get(page_of(second) + query))
        assert "answered the same question" not in text
        assert "is filled in below" not in text


def test_whoever_was_too_late_may_use_the_text_when_the_run_asks_again(run: Run) -> None:
    first, bob = ask(run), log_in("bob")
    log_in("alice").post(page_of(first), YES)
    second = ask_again(run, CHANGED)
    late = bob.post(page_of(first), {"f.0": "0", "f.1": "bob's words"})
    assert "alice was first" in text_of(late)
    assert page_of(second) in late.content.decode()
    assert "You had typed an answer just now" in text_of(bob.get(page_of(second)))
    filled = bob.get(f"{page_of(second)}?earlier=text")
    assert "bob&#x27;s words" in filled.content.decode()
    assert "New Amount" in text_of(filled)
    assert "You had typed" not in text_of(log_in("charlie").get(page_of(second)))


def test_of_two_offers_each_fills_in_its_own(run: Run) -> None:
    first, bob = ask(run), log_in("bob")
    bob.post(f"{page_of(first)}draft/", {"f.0": "0", "f.1": "bob was slower"})
    log_in("alice").post(page_of(first), {"f.0": "1", "f.1": "alice was first"})
    second = ask_again(run)
    html = bob.get(page_of(second)).content.decode()
    for wanted, words in (("answer", "alice was first"), ("text", "bob was slower")):
        assert f"?earlier={wanted}" in html
        assert words in bob.get(f"{page_of(second)}?earlier={wanted}").content.decode()


def test_a_draft_comes_before_the_offers(run: Run) -> None:
    first, client = ask(run), log_in()
    client.post(page_of(first), YES)
    second = ask_again(run)
    client.post(f"{page_of(second)}draft/", {"f.1": "my words"})
    text = text_of(client.get(page_of(second)))
    assert "Welcome back" in text
    assert "This run asks again" not in text


@pytest.mark.parametrize(
    ("reason", "place", "words"),
    [
        ("Validation failed for field 'reason'. Failure reason: too short", "f-1", "too short"),
        ("Reason: Validation failed for field 'reason.a[0]'. Failure reason: no", "f-1", "no"),
        ("Validation failed. Failure reason: nonsense", "", "nonsense"),
        ("The server is not in the mood.", "", "not in the mood"),
    ],
)
def test_a_refusal_in_words_alone_lands_at_the_field_it_names(
    run: Run, monkeypatch: pytest.MonkeyPatch, reason: str, place: str, words: str
) -> None:
    monkeypatch.setattr(decisions, "answer_approval", lambda *_, **__: Refused(reason))
    response = log_in().post(page_of(ask(run)), {"f.0": "1", "f.1": "my words"})
    assert response.status_code == 422
    html = response.content.decode()
    assert words in html
    assert (f'href="#{place}"' in html) == bool(place)
    assert "my words" in html
    assert Draft.objects.exists()


def test_an_earlier_answer_comes_with_what_the_flow_had_against_it(run: Run) -> None:
    first, client = ask(run), log_in()
    client.post(page_of(first), {"f.0": "1", "f.1": "hm"})
    complaint = "reason\n  Value error, Say more. [type=value_error, input_value='hm']"
    run.propose("FAILED", message=f"ValidationError: 1 validation error for Approval\n{complaint}")
    run.propose("RUNNING", force=True)
    second = ask_again(run)
    for query in ("", "?earlier=answer"):
        text = text_of(client.get(page_of(second) + query))
        assert "The flow could not use that answer: Reason : Say more." in text
