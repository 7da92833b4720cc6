import json
import re
from typing import Any
from uuid import uuid4

import pytest

from approvals.models import Approval
from flowruns.services.upkeep.expiry import expire_pauses
from tests.integration.conftest import APPROVAL_SCHEMA, Make, Run
from tests.integration.pages import FROM_HTMX, YES, ask, log_in, page_of, text_of

NESTED = {
    "type": "object",
    "properties": {
        "items": {"type": "array", "items": {"type": "string"}, "title": "Items"},
        "token": {"type": "string", "format": "password", "title": "Token"},
    },
    "required": ["items"],
}


def test_the_page_shows_the_question_the_run_and_the_form(make_run: Make) -> None:
    run = make_run(name="quick-otter", parameters={"order": 4711})
    run.api.post("/logs/", [log_line(run, "Looking up the order")])
    response = log_in().get(page_of(ask(run)))
    html, text = response.content.decode(), text_of(response)
    assert "<strong>2.5 EUR</strong>" in html
    for words in ("quick-otter", "order", "4711", "Looking up the order", "Waits for you"):
        assert words in text
    assert '<form id="answer"' in html
    assert "Submit" in text
    assert "Paused" not in text
    assert "no-store" in response["Cache-Control"]


def log_line(run: Run, message: str) -> dict[str, Any]:
    return {
        "name": "flow",
        "level": 20,
        "message": message,
        "timestamp": "2026-01-01T00:00:00Z",
        "flow_run_id": run.id,
    }


def test_an_answer_is_confirmed_and_leads_to_the_next(make_run: Make) -> None:
    run, other = make_run(), make_run(name="other-badger")
    approval = ask(run)
    other.pause()
    client = log_in()
    response = client.post(page_of(approval), {"f.0": "1", "f.1": "fine"})
    assert (response.status_code, response["Location"]) == (302, page_of(approval))
    text = text_of(client.get(page_of(approval)))
    assert "Your answer is on its way" in text
    assert "You answered this" in text
    assert "Approve Yes Reason fine" in text
    assert "Next that waits for you" in text
    assert run.read()["state_type"] == "RUNNING"
    assert json.loads(run.read_input("paused-1-response").content) == {
        "approve": True,
        "reason": "fine",
    }


def test_the_confirmation_is_said_once(run: Run) -> None:
    approval, client = ask(run), log_in()
    client.post(page_of(approval), YES)
    assert "on its way" in text_of(client.get(page_of(approval)))
    assert "on its way" not in text_of(client.get(page_of(approval)))


def test_where_nothing_is_asked_the_button_says_approve(run: Run) -> None:
    run.pause()
    approval, client = Approval.objects.get(), log_in()
    response = client.get(page_of(approval))
    assert "Approve" in text_of(response)
    assert "Submit" not in text_of(response)
    client.post(page_of(approval))
    assert "You approved this" in text_of(client.get(page_of(approval)))
    assert run.read()["state_type"] == "RUNNING"


def test_a_wrong_answer_stands_beside_its_field_and_is_kept(run: Run) -> None:
    response = log_in().post(page_of(ask(run)), {"f.1": "my words"})
    assert response.status_code == 422
    html = response.content.decode()
    assert "my words" in html
    assert "needs another look" in html
    assert run.read()["state_type"] == "PAUSED"


def test_an_answer_that_only_the_server_refuses_is_kept_too(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from approvals.services import decisions
    from approvals.services.decisions import Refused

    refused = Refused("No.", [(("reason",), "Not that reason.")])
    monkeypatch.setattr(decisions, "answer_approval", lambda *_, **__: refused)
    response = log_in().post(page_of(ask(run)), {"f.0": "1", "f.1": "my words"})
    assert response.status_code == 422
    assert "Not that reason." in response.content.decode()
    assert "my words" in response.content.decode()


def test_a_structure_button_changes_the_form_and_decides_nothing(run: Run) -> None:
    approval = ask(run, schema=NESTED)
    response = log_in().post(page_of(approval), {"f.op": "add f.0"})
    assert response.status_code == 200
    assert 'name="f.0.#"' in response.content.decode()
    approval.refresh_from_db()
    assert approval.is_waiting


def test_opening_links_decides_nothing(run: Run) -> None:
    """Mail scanners open every link that they find."""
    approval = ask(run)
    for part in ("", "reject/", "reject/?reason=x", "state/", "description/", "?f.0=1"):
        assert log_in().get(f"{page_of(approval)}{part}").status_code in {200, 204}
    approval.refresh_from_db()
    assert approval.is_waiting


def test_the_second_reviewer_is_told_who_was_first_and_keeps_the_text(run: Run) -> None:
    approval = ask(run)
    log_in("alice").post(page_of(approval), {"f.0": "0", "f.1": "no receipt"})
    response = log_in("bob").post(page_of(approval), {"f.0": "1", "f.1": "bob's long text"})
    assert response.status_code == 409
    text = text_of(response)
    assert "alice was first" in text
    assert "Approve No Reason no receipt" in text
    assert "What you had typed" in text
    assert "bob's long text" in text
    assert run.read()["state_type"] == "RUNNING"


def test_the_same_reviewer_never_decides_twice(run: Run) -> None:
    approval, client = ask(run), log_in()
    client.post(page_of(approval), YES)
    again = client.post(page_of(approval), {"f.0": "0", "f.1": ""}, follow=True)
    assert "Nothing was sent twice" in text_of(again)
    assert [state["type"] for state in run.states()].count("RUNNING") == 2


def test_a_decided_approval_has_no_form(run: Run) -> None:
    approval, client = ask(run), log_in()
    client.post(page_of(approval), YES)
    for name in ("alice", "bob"):
        assert 'id="answer"' not in log_in(name).get(page_of(approval)).content.decode()


def test_an_answer_after_the_deadline_is_told_so_with_its_text(run: Run) -> None:
    approval = ask_for(run, seconds=-1)
    expire_pauses()
    response = log_in().post(page_of(approval), {"f.0": "1", "f.1": "my words"})
    assert response.status_code == 409
    assert "The time to answer has run out" in text_of(response)
    assert "my words" in text_of(response)


def ask_for(run: Run, *, seconds: float) -> Approval:
    run.pause_for_input(seconds=seconds)
    return Approval.objects.get(flow_run_id=run.uuid)


def test_a_poll_is_silent_while_the_approval_waits(run: Run) -> None:
    approval = ask(run)
    response = log_in().get(f"{page_of(approval)}state/", headers=FROM_HTMX)
    assert response.status_code == 204


def test_a_poll_tells_who_answered_meanwhile_and_takes_the_buttons(run: Run) -> None:
    approval = ask(run)
    log_in("bob").post(page_of(approval), {"f.0": "1", "f.1": "bob was here"})
    response = log_in().get(f"{page_of(approval)}state/", headers=FROM_HTMX)
    html, text = response.content.decode(), text_of(response)
    assert "bob answered this just now" in text
    assert "bob was here" in text
    assert "nothing of it was sent" in text
    assert 'id="decision-bar"' in html
    assert "every 1s" not in html
    assert "<html" not in html


def test_a_poll_tells_that_the_time_has_run_out(run: Run) -> None:
    approval = ask_for(run, seconds=-1)
    expire_pauses()
    text = text_of(log_in().get(f"{page_of(approval)}state/", headers=FROM_HTMX))
    assert "The time to answer has run out" in text


def test_a_form_that_is_still_arriving_refreshes_itself(run: Run) -> None:
    """Prefect's clients store the schema some milliseconds after the pause."""
    run.pause(
        run_input_keyset={name: f"p-{name}" for name in ("schema", "description", "response")}
    )
    approval, client = Approval.objects.get(), log_in()
    html = client.get(page_of(approval)).content.decode()
    assert "The form is arriving" in html
    assert 'http-equiv="refresh"' in html
    address = f"{page_of(approval)}state/?arriving"
    assert client.get(address, headers=FROM_HTMX).status_code == 204
    assert client.post(page_of(approval), YES)["Location"] == page_of(approval)
    run.put("p-schema", json.dumps(APPROVAL_SCHEMA))
    assert client.get(address, headers=FROM_HTMX)["HX-Refresh"] == "true"
    assert 'id="answer"' in client.get(page_of(approval)).content.decode()


@pytest.mark.parametrize("words", ["Refund **2.5 EUR**?", "|a|b|\n|---|---|\n|Refund|2.5 EUR|"])
def test_a_description_that_comes_after_the_form_is_brought_to_the_open_page(
    run: Run, words: str
) -> None:
    """Prefect's clients store it last."""
    run.pause_for_input()
    approval, client = Approval.objects.get(), log_in()
    html = client.get(page_of(approval)).content.decode()
    address = re.findall(r'id="approval-state" hx-get="([^"]+)"', html)[0]
    assert client.get(address, headers=FROM_HTMX).status_code == 204
    run.put("paused-1-description", json.dumps(words))
    news = client.get(address, headers=FROM_HTMX).content.decode()
    assert "2.5 EUR" in news
    assert '<div id="question" hx-swap-oob="outerHTML">' in news
    address = re.findall(r'id="approval-state" hx-get="([^"]+)"', news)[0]
    assert client.get(address, headers=FROM_HTMX).status_code == 204


def test_a_schema_that_cannot_be_shown_becomes_a_json_editor_with_the_reason(run: Run) -> None:
    approval = ask(run, schema={"type": "object", "properties": {"x": {"$ref": "#/nowhere"}}})
    response = log_in().get(page_of(approval))
    assert response.status_code == 200
    assert "JSON" in text_of(response)


def test_secrets_are_not_shown_after_the_decision(run: Run) -> None:
    approval, client = ask(run, schema=NESTED), log_in()
    fields = {"f.0.#": "n0", "f.0.n0": "one", "f.1": "hunter2-secret"}
    client.post(page_of(approval), fields)
    approval.refresh_from_db()
    assert not approval.is_waiting
    assert "hunter2-secret" not in client.get(page_of(approval)).content.decode()


def test_an_unknown_approval_is_a_page_with_the_way_out(db: None) -> None:
    response = log_in().get(f"/approvals/{uuid4()}/")
    assert response.status_code == 404
    assert "There is nothing here" in text_of(response)


def test_a_deleted_run_leaves_its_approval_readable(run: Run) -> None:
    approval = ask(run)
    run.api.request("DELETE", f"/flow_runs/{run.id}")
    response = log_in().get(page_of(approval))
    assert response.status_code == 200
    assert "The run was deleted" in text_of(response)
    late = log_in().post(page_of(approval), YES)
    assert late.status_code == 409
