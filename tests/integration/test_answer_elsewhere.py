"""What is answered here for a run elsewhere: claimed, moved, looked up, and told as it came out."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from approvals.models import Approval, Attempt, Vote
from approvals.services import attempts, decisions, votes
from approvals.services.decisions import Decided, Refused, Sent, TooLate
from approvals.services.policies import set_policy
from approvals.services.votes import Counted, read_standing
from tests.fake_prefect import FakePrefect, Fault
from tests.integration.elsewhere import (
    NAME,
    ask_there,
    let_time_pass,
    look,
    now,
    reviewer,
    send,
)
from tests.integration.pages import YES, field, log_in, page_of, text_of

pytestmark = pytest.mark.django_db
GIVEN = {"approve": True}


@pytest.fixture
def server(server: FakePrefect, monkeypatch: pytest.MonkeyPatch) -> FakePrefect:
    # Nobody drives attempts meanwhile, so nobody waits for them
    monkeypatch.setattr(attempts, "PATIENCE", timedelta(0))
    return server


def say_yes(approval: Approval, name: str = "alice") -> votes.VoteResult:
    seen = votes.mark_seen(approval, read_standing(approval)) if approval.is_guarded else ""
    return votes.answer_approval(approval, user=reviewer(name), run_input=GIVEN, seen=seen)


def verdict(approval: Approval, name: str = "alice") -> decisions.Result:
    return decisions.await_verdict(approval, user=reviewer(name))


def the_attempt() -> Attempt:
    return Attempt.objects.get()


def answer_page(approval: Approval, browser: Client) -> str:
    fields = {"asked": field(browser.get(page_of(approval)), "asked"), **YES}
    return text_of(browser.post(page_of(approval), fields, follow=True))


@pytest.mark.parametrize("suspended", [False, True])
def test_an_answer_is_claimed_then_the_run_is_moved(server: FakePrefect, suspended: bool) -> None:
    approval = ask_there(server, suspended=suspended)
    assert say_yes(approval) == Sent()
    send()
    assert verdict(approval) == Decided()
    run_id = str(approval.flow_run_id)
    key = f"{'suspended' if suspended else 'paused'}-1-response"
    assert json.loads(server.answer_of(run_id, key) or "") == GIVEN
    assert server.kinds_of(run_id)[-1] == ("SCHEDULED" if suspended else "RUNNING")
    ended = now(approval)
    assert (ended.outcome, ended.decision.decided_by) == ("answered", "alice")
    assert json.loads(ended.decision.answer) == GIVEN
    assert the_attempt().value == ""


def test_a_pause_that_asks_nothing_goes_on(server: FakePrefect) -> None:
    approval = ask_there(server, asks=False)
    assert votes.answer_approval(approval, user=reviewer(), run_input={}) == Sent()
    send()
    assert verdict(approval) == Decided()
    assert now(approval).decision.answer == ""


def test_a_rejection_ends_the_run_with_its_reason(server: FakePrefect) -> None:
    approval = ask_there(server)
    result = votes.reject_approval(approval, user=reviewer(), reason="Too much")
    assert result == Sent()
    send()
    assert verdict(approval) == Decided()
    run_id = str(approval.flow_run_id)
    assert server.runs[run_id]["state_type"] == "CANCELLED"
    assert "Too much" in server.runs[run_id]["state"]["message"]
    # A text answers no form, should the run be moved on all the same
    assert json.loads(server.answer_of(run_id) or "") == "rejected by alice"
    ended = now(approval)
    assert (ended.outcome, ended.decision.reason) == ("rejected", "Too much")


def test_what_the_schema_refuses_is_never_sent(server: FakePrefect) -> None:
    approval = ask_there(server)
    wrong = {"approve": 1, "until": "tomorrow"}
    result = votes.answer_approval(approval, user=reviewer(), run_input=wrong)
    assert isinstance(result, Refused)
    assert {path for path, _ in result.problems} == {("approve",), ("until",)}
    assert not Attempt.objects.exists()


def test_the_page_says_sent_locks_the_form_and_becomes_definite(server: FakePrefect) -> None:
    approval = ask_there(server)
    alice = log_in()
    page = answer_page(approval, alice)
    assert "Sent, not confirmed yet" in page
    assert "Submit" not in page
    assert "Nothing was sent" not in page
    poll = {"HX-Request": "true"}
    state = f"{page_of(approval)}state/?sent"
    assert alice.get(state, headers=poll).status_code == 204
    bob = log_in("bob")
    assert "answer is on its way to staging" in text_of(bob.get(page_of(approval)))
    send()
    assert alice.get(state, headers=poll)["HX-Refresh"] == "true"
    assert "You answered this" in text_of(alice.get(page_of(approval)))


def test_two_reviewers_answer_and_the_second_is_told_of_the_first(server: FakePrefect) -> None:
    approval = ask_there(server)
    assert say_yes(approval, "alice") == Sent()
    refused = say_yes(approval, "bob")
    assert refused == Refused(f"What alice has sent to {NAME} is not confirmed yet.")
    send()
    late = say_yes(now(approval), "bob")
    assert isinstance(late, TooLate)
    assert late.approval.decision.decided_by == "alice"


def test_an_answer_that_comes_after_anothers_is_told_whose_it_was(server: FakePrefect) -> None:
    approval = ask_there(server)
    run_id = str(approval.flow_run_id)
    server.store(run_id, "paused-1-response", '{"approve": false}')
    server.put(run_id, "RUNNING")
    assert say_yes(approval) == Sent()
    send()
    late = verdict(approval)
    assert isinstance(late, TooLate)
    assert late.approval.decision.decided_by == "server:somebody on staging"
    assert json.loads(server.answer_of(run_id) or "") == {"approve": False}


def test_a_pause_that_somebody_has_claimed_there_is_told_as_such(server: FakePrefect) -> None:
    approval = ask_there(server)
    server.store(str(approval.flow_run_id), "paused-1-response", '{"approve": false}')
    say_yes(approval)
    send()
    refused = verdict(approval)
    assert isinstance(refused, Refused)
    assert refused.reason.startswith("Somebody on staging has answered this already")
    assert now(approval).is_waiting


@pytest.mark.parametrize("sender", [None, "approvals:desk-b:01a22327640977ce9fa6130cfc732e99:zoe"])
def test_a_claim_left_behind_is_replaced_by_who_was_told_of_it_and_sends_again(
    server: FakePrefect, sender: str | None
) -> None:
    approval = ask_there(server)
    run_id = str(approval.flow_run_id)
    server.store(run_id, "paused-1-response", '{"approve": false}', sender)
    claim = server.inputs[run_id, "paused-1-response"]
    for name, year in (("alice", 2099), ("alice", 2099), ("bob", 2020)):
        claim["created"] = f"{year}-01-01T00:00:00Z"
        say_yes(approval, name)
        send()
        assert "in their place" in str(verdict(approval, name))  # young, or not told before
    assert json.loads(server.answer_of(run_id) or "") == {"approve": False}
    assert say_yes(approval, "alice") == Sent()
    send()
    send()
    assert verdict(approval, "alice") == Decided()
    assert json.loads(server.answer_of(run_id) or "") == GIVEN
    assert server.kinds_of(run_id) == ["PAUSED", "RUNNING"]
    assert now(approval).decision.decided_by == "alice"


def test_a_reply_that_is_lost_is_found_out(server: FakePrefect) -> None:
    approval = ask_there(server)
    run_id = str(approval.flow_run_id)
    server.faults = [Fault(f"POST /flow_runs/{run_id}/input", takes_effect=True)]
    say_yes(approval)
    for _ in range(3):
        send()
    assert verdict(approval) == Decided()
    assert server.kinds_of(run_id).count("RUNNING") == 1


def test_a_move_whose_reply_is_lost_is_made_once(server: FakePrefect) -> None:
    approval = ask_there(server)
    run_id = str(approval.flow_run_id)
    server.faults = [Fault(f"POST /flow_runs/{run_id}/set_state", takes_effect=True)]
    say_yes(approval)
    send()
    assert verdict(approval) == Sent()
    send()
    assert verdict(approval) == Decided()
    assert server.kinds_of(run_id).count("RUNNING") == 1


def test_a_process_that_dies_after_the_claim_is_followed_by_another(server: FakePrefect) -> None:
    approval = ask_there(server)
    run_id = str(approval.flow_run_id)
    say_yes(approval)
    server.faults = [Fault(f"POST /flow_runs/{run_id}/set_state", status=503)] * 9
    send()
    assert the_attempt().step == Attempt.Step.CLAIMED
    server.faults = []
    let_time_pass(the_attempt(), seconds=3600)
    send()
    assert verdict(approval) == Decided()
    assert now(approval).decision.decided_by == "alice"


def test_nothing_is_sent_to_a_server_that_cannot_be_reached(server: FakePrefect) -> None:
    approval = ask_there(server)
    server.faults = [Fault("GET /flow_runs", status=503) for _ in range(20)]
    say_yes(approval)
    send()
    assert verdict(approval) == Sent()
    let_time_pass(the_attempt(), seconds=6)
    send()
    refused = verdict(approval)
    assert isinstance(refused, Refused)
    assert "kept as a draft" in refused.reason
    assert server.answer_of(str(approval.flow_run_id)) is None
    server.faults = []
    assert say_yes(approval) == Sent()


def test_refused_credentials_are_told_at_once(server: FakePrefect) -> None:
    approval = ask_there(server)
    server.auth = "Basic changed"
    page = answer_page(approval, log_in())
    assert "Sent" in page
    send()
    refused = verdict(approval)
    assert isinstance(refused, Refused)
    assert "does not accept" in refused.reason
    text = text_of(log_in().get(page_of(approval)))
    assert "came to nothing" in text
    assert "Submit" in text


def test_a_run_deleted_while_it_is_answered_is_withdrawn(server: FakePrefect) -> None:
    approval = ask_there(server)
    say_yes(approval)
    del server.runs[str(approval.flow_run_id)]
    send()
    assert isinstance(verdict(approval), TooLate)
    assert now(approval).outcome == "withdrawn"


def test_a_look_that_fails_is_made_again(server: FakePrefect) -> None:
    approval = ask_there(server)
    run_id = str(approval.flow_run_id)
    say_yes(approval)
    del server.runs[run_id]
    server.faults = [
        Fault(f"GET /flow_runs/{run_id}", status=404),
        *(Fault(f"GET /flow_runs/{run_id}", status=503) for _ in range(9)),
    ]
    send()
    server.faults = []
    send()
    assert isinstance(verdict(approval), TooLate)


def test_an_attempt_that_is_held_or_postponed_is_not_due(server: FakePrefect) -> None:
    approval = ask_there(server)
    say_yes(approval)
    attempt = the_attempt()
    assert attempts.list_due(10) == [attempt]
    assert attempts.hold(attempt)
    assert attempts.list_due(10) == []
    attempts.postpone(attempt, seconds=60)
    assert not attempts.hold(attempt)


def test_policies_are_judged_before_anything_is_sent(server: FakePrefect) -> None:
    set_policy("two", values={"line": "2 of anyone"})
    approval = ask_there(server)
    assert isinstance(say_yes(approval, "alice"), Counted)
    assert not Attempt.objects.exists()
    assert say_yes(approval, "bob") == Sent()
    assert say_yes(approval, "zoe") == Refused("What bob has sent to staging is not confirmed yet.")
    send()
    assert verdict(approval, "bob") == Decided()
    run_id = str(approval.flow_run_id)
    told = json.loads(server.answer_of(run_id, "paused-1-votes") or "")
    assert [(vote["name"], vote["part"]) for vote in told] == [
        ("alice", "2 of anyone"),
        ("bob", "2 of anyone"),
    ]


def test_a_completing_vote_that_came_to_nothing_is_taken_back(server: FakePrefect) -> None:
    set_policy("two", values={"line": "2 of anyone"})
    approval = ask_there(server)
    say_yes(approval, "alice")
    server.auth = "Basic changed"
    say_yes(approval, "bob")
    send()
    assert isinstance(verdict(approval, "bob"), Refused)
    standing = Vote.objects.filter(voided_at=None).values_list("name", flat=True)
    assert list(standing) == ["alice"]
    server.auth = ""
    assert say_yes(now(approval), "bob") == Sent()


def test_an_attempt_that_another_process_has_ended_is_left_alone(server: FakePrefect) -> None:
    approval = ask_there(server)
    say_yes(approval)
    attempt = the_attempt()
    assert attempts.hold(attempt)
    assert not attempts.hold(attempt)
    let_time_pass(attempt, seconds=1)
    send()
    assert not attempts.hold(attempt)


def test_a_look_settles_what_an_attempt_has_moved(server: FakePrefect) -> None:
    """As when a process dies after the move: whoever looks first records it, once."""
    approval = ask_there(server)
    run_id = str(approval.flow_run_id)
    say_yes(approval)
    attempt = the_attempt()
    sender = f"approvals::{attempt.pk}:alice"
    server.store(run_id, "paused-1-response", json.dumps(GIVEN), sender)
    server.put(run_id, "RUNNING")
    look()
    send()
    assert verdict(approval) == Decided()
    assert now(approval).decision.decided_by == "alice"
    assert not the_attempt().is_open


@pytest.mark.parametrize("suspended", [False, True])
def test_a_cancel_in_the_moment_of_the_answer_holds(server: FakePrefect, suspended: bool) -> None:
    approval = ask_there(server, suspended=suspended)
    run_id = str(approval.flow_run_id)
    assert say_yes(approval) == Sent()

    def cancel_first(request: str) -> None:
        is_move = request == f"POST /flow_runs/{run_id}/set_state"
        if is_move and server.kinds_of(run_id) == ["PAUSED"]:
            server.put(run_id, "CANCELLED")
            server.runs[run_id]["state_type"] = "PAUSED"  # both found it so

    server.before = cancel_first
    send()
    going_on = "SCHEDULED" if suspended else "RUNNING"
    assert server.kinds_of(run_id) == ["PAUSED", "CANCELLED", going_on, "CANCELLED"]
    approval.refresh_from_db()
    assert approval.outcome == Approval.Outcome.WITHDRAWN
    assert the_attempt().outcome == Attempt.Outcome.LOST
