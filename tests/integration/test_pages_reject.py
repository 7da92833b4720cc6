from approvals.models import Approval
from tests.integration.conftest import Run
from tests.integration.pages import YES, ask, log_in, page_of, text_of


def test_a_rejection_needs_a_reason(run: Run) -> None:
    response = log_in().post(f"{page_of(ask(run))}reject/", {"reason": "  "})
    assert response.status_code == 422
    assert "Say why" in text_of(response)
    assert run.read()["state_type"] == "PAUSED"


def test_a_rejection_cancels_the_run_with_reason_and_reviewer(run: Run) -> None:
    approval, client = ask(run), log_in()
    response = client.post(f"{page_of(approval)}reject/", {"reason": "no receipt"})
    assert response["Location"] == page_of(approval)
    text = text_of(client.get(page_of(approval)))
    assert "The flow has been told your reason" in text
    assert "You rejected this" in text
    assert "no receipt" in text
    state = run.read()["state"]
    assert (state["type"], state["name"]) == ("CANCELLED", "Rejected")
    assert "no receipt" in state["message"]
    assert "alice" in state["message"]


def test_the_reason_has_a_page_of_its_own(run: Run) -> None:
    response = log_in().get(f"{page_of(ask(run))}reject/")
    assert "Why do you reject it?" in text_of(response)


def test_a_reason_that_comes_too_late_is_kept(run: Run) -> None:
    approval = ask(run)
    log_in("bob").post(page_of(approval), YES)
    response = log_in().post(f"{page_of(approval)}reject/", {"reason": "too risky"})
    assert response.status_code == 409
    assert "bob was first" in text_of(response)
    assert "too risky" in text_of(response)


def test_a_decided_approval_cannot_be_rejected(run: Run) -> None:
    approval = ask(run)
    log_in("bob").post(page_of(approval), YES)
    assert log_in().get(f"{page_of(approval)}reject/")["Location"] == page_of(approval)


def test_an_overlong_or_unprintable_reason_is_refused_and_kept(run: Run) -> None:
    approval, client = ask(run), log_in()
    response = client.post(f"{page_of(approval)}reject/", {"reason": "x" * 2001})
    assert response.status_code == 422
    assert "x" * 2001 in response.content.decode()
    response = client.post(f"{page_of(approval)}reject/", {"reason": "a\x00b"})
    assert response.status_code == 422
    assert "invisible character" in text_of(response)


def test_a_page_with_a_form_says_before_that_rejecting_cancels_and_a_no_does_not(
    run: Run,
) -> None:
    approval, client = ask(run), log_in()
    for page in (page_of(approval), f"{page_of(approval)}reject/"):
        text = text_of(client.get(page))
        assert "Reject cancels the run. Answering “No” does not" in text


def test_a_page_without_a_form_says_before_that_rejecting_cancels(run: Run) -> None:
    run.pause()
    approval = Approval.objects.get(flow_run_id=run.uuid)
    text = text_of(log_in().get(page_of(approval)))
    assert "Approve lets the run go on. Reject cancels it." in text


def test_a_page_whose_form_is_arriving_says_it_too(run: Run) -> None:
    keyset = {part: f"paused-1-{part}" for part in ("schema", "description", "response")}
    run.pause(run_input_keyset=keyset)
    approval = Approval.objects.get(flow_run_id=run.uuid)
    assert "Reject cancels the run." in text_of(log_in().get(page_of(approval)))
