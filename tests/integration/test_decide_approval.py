import json
import threading
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.http import Http404

from approvals.models import Approval, Decision
from approvals.services import inbox
from approvals.services.decisions import (
    Decided,
    Refused,
    Result,
    TooLate,
    answer_approval,
    read_form,
    reject_approval,
)
from approvals.services.filters import InboxFilters
from approvals.services.history import HistoryFilters, list_history, read_history
from flowruns.domain.rules import judge
from flowruns.services.upkeep.expiry import expire_pauses
from tests.integration.conftest import APPROVAL_SCHEMA, Make, Run

QUESTION = "Refund **2.5 EUR**?"


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob")


@pytest.fixture
def waiting(run: Run) -> Approval:
    run.put("paused-1-description", json.dumps(QUESTION))
    run.pause_for_input()
    return Approval.objects.get()


def end_of(approval: Approval) -> str:
    approval.refresh_from_db()
    assert approval.is_waiting == (approval.closed_at is None)
    return str(approval.outcome)


def test_a_pause_opens_an_approval_with_what_is_asked(waiting: Approval, run: Run) -> None:
    state = run.read()["state"]
    assert (waiting.flow_name, str(waiting.flow_run_id)) == ("refund", run.id)
    assert (str(waiting.pause_state_id), waiting.pause_key) == (state["id"], "1")
    assert (waiting.question, waiting.asks_for_input) == ("Refund 2.5 EUR?", True)
    deadline = datetime.fromisoformat(state["state_details"]["pause_timeout"])
    assert waiting.expires_at == deadline
    form = read_form(waiting)
    assert (form.description, json.loads(form.schema or "")) == (QUESTION, APPROVAL_SCHEMA)


def test_a_description_that_arrives_after_its_pause_is_taken_in(run: Run) -> None:
    keyset = {part: f"paused-1-{part}" for part in ("schema", "description", "response")}
    run.pause(run_input_keyset=keyset)
    run.put("unrelated-description", json.dumps("no"))
    assert Approval.objects.get().question == ""
    run.put("paused-1-description", json.dumps(QUESTION))
    assert Approval.objects.get().question == "Refund 2.5 EUR?"


def test_an_answer_lets_the_run_go_on_in_the_reviewers_name(
    waiting: Approval, run: Run, alice: User
) -> None:
    answer = {"reason": "fine", "approve": True}
    assert answer_approval(waiting, user=alice, run_input=answer) == Decided()
    assert run.read()["state_type"] == "RUNNING"
    assert end_of(waiting) == "answered"
    decision = Decision.objects.get()
    assert (decision.reviewer, decision.decided_by) == (alice, "alice")
    assert (decision.answer, decision.description) == (json.dumps(answer), QUESTION)
    assert decision.decided_at == waiting.closed_at


def test_an_answer_is_taken_literally(run: Run, alice: User) -> None:
    run.pause_for_input({"type": "object"})
    answer = {"a": {"__prefect_kind": "workspace_variable", "variable_name": "secret"}}
    answer_approval(Approval.objects.get(), user=alice, run_input=answer)
    assert json.loads(run.read_input("paused-1-response").content) == answer


def test_a_refused_answer_leaves_the_approval_waiting(waiting: Approval, alice: User) -> None:
    result = answer_approval(waiting, user=alice, run_input={"approve": 1})
    assert isinstance(result, Refused)
    assert [path for path, _ in result.problems] == [("approve",)]
    assert end_of(waiting) == "waiting"
    assert not Decision.objects.exists()


def test_a_text_that_is_no_schema_is_refused_with_its_reason(run: Run, alice: User) -> None:
    run.pause_for_input({"type": "nonsense"})
    approval = Approval.objects.get()
    result = answer_approval(approval, user=alice, run_input={"a": 1})
    assert isinstance(result, Refused)
    assert "schema" in result.reason
    assert end_of(approval) == "waiting"


def test_a_rejection_cancels_the_run_and_says_who_and_why(
    waiting: Approval, run: Run, alice: User
) -> None:
    assert reject_approval(waiting, user=alice, reason="Too: expensive") == Decided()
    state = run.read()["state"]
    assert (state["type"], state["name"]) == ("CANCELLED", "Rejected")
    assert state["message"] == "Rejected by alice: Too: expensive"
    assert end_of(waiting) == "rejected"
    decision = Decision.objects.get()
    assert (decision.reviewer, decision.reason, decision.answer) == (alice, "Too: expensive", "")


def test_the_second_reviewer_is_told_who_was_first(
    waiting: Approval, alice: User, bob: User
) -> None:
    answer_approval(waiting, user=alice, run_input={"approve": True})
    for late in (
        answer_approval(waiting, user=bob, run_input={"approve": False}),
        reject_approval(waiting, user=bob, reason="no"),
    ):
        assert isinstance(late, TooLate)
        assert late.approval.decision.decided_by == "alice"
        assert json.loads(late.approval.decision.answer) == {"approve": True}
    assert Decision.objects.count() == 1


def test_an_old_approval_never_decides_the_next_pause(
    waiting: Approval, run: Run, alice: User, bob: User
) -> None:
    answer_approval(waiting, user=alice, run_input={"approve": True})
    run.pause_for_input(key="2")
    assert isinstance(answer_approval(waiting, user=bob, run_input={"approve": True}), TooLate)
    assert isinstance(reject_approval(waiting, user=bob, reason="no"), TooLate)
    assert run.read()["state_type"] == "PAUSED"


def test_an_answer_by_an_api_key_is_a_decision_of_that_key(waiting: Approval, run: Run) -> None:
    run.resume({"approve": False})
    assert end_of(waiting) == "answered"
    decision = Decision.objects.get()
    assert (decision.reviewer, decision.decided_by) == (None, "api_key:tests")


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ({"kind": "CANCELLED"}, "withdrawn"),
        ({"kind": "FAILED"}, "withdrawn"),
        ({"kind": "CRASHED"}, "withdrawn"),
    ],
)
def test_an_approval_ends_with_its_run(
    waiting: Approval, run: Run, state: dict[str, Any], outcome: str
) -> None:
    run.propose(**state)
    assert end_of(waiting) == outcome
    assert not Decision.objects.exists()


def test_a_deleted_run_withdraws_its_approval(waiting: Approval, run: Run, alice: User) -> None:
    run.api.request("DELETE", f"/flow_runs/{run.id}")
    assert end_of(waiting) == "withdrawn"
    late = answer_approval(waiting, user=alice, run_input={})
    assert isinstance(late, TooLate)
    assert isinstance(reject_approval(waiting, user=alice, reason="no"), TooLate)


def test_an_overdue_approval_expires(run: Run, alice: User) -> None:
    run.pause_for_input(seconds=-1)
    approval = Approval.objects.get()
    assert isinstance(answer_approval(approval, user=alice, run_input={"approve": True}), TooLate)
    assert end_of(approval) == "expired"


def test_expiry_expires_what_nobody_answered(run: Run) -> None:
    run.pause_for_input(seconds=-1)
    expire_pauses()
    assert end_of(Approval.objects.get()) == "expired"


@pytest.mark.django_db(transaction=True)
def test_of_an_answer_and_a_rejection_at_the_same_moment_one_decides(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have judged the same pause before either writes, as far as the database lets them."""
    run.pause_for_input()
    approval = Approval.objects.get()
    alice, bob = User.objects.create_user("alice"), User.objects.create_user("bob")
    barrier = threading.Barrier(2 if connection.vendor == "postgresql" else 1)
    first_time = threading.local()

    def judge_together(*args: Any) -> Any:
        verdict = judge(*args)
        if not getattr(first_time, "over", False):
            first_time.over = True
            barrier.wait(timeout=10)
        return verdict

    monkeypatch.setattr("flowruns.services.runs.resume.judge", judge_together)
    monkeypatch.setattr("flowruns.services.runs.states.judge", judge_together)
    results: list[Result] = []

    def decide(act: Any) -> None:
        try:
            results.append(act())
        finally:
            connection.close()

    acts = [
        lambda: answer_approval(approval, user=alice, run_input={"approve": True}),
        lambda: reject_approval(approval, user=bob, reason="no"),
    ]
    threads = [threading.Thread(target=decide, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(result).__name__ for result in results) == ["Decided", "TooLate"]
    decision = Decision.objects.get()
    expected = {"alice": ("answered", "RUNNING"), "bob": ("rejected", "CANCELLED")}
    assert (end_of(approval), run.read()["state_type"]) == expected[decision.decided_by]


# -- the inbox and the history


def test_the_most_urgent_waits_on_top(make_run: Make, alice: User) -> None:
    for name, seconds in (("later", 300), ("endless", None), ("soon", 60), ("endless-2", None)):
        run = make_run(name=name)
        if seconds is None:
            run.propose("PAUSED", state_details={"pause_key": "1"})
        else:
            run.pause(seconds=seconds)
    names = [approval.flow_run_name for approval in inbox.list_waiting(alice)]
    assert names == ["soon", "later", "endless", "endless-2"]
    first = inbox.list_waiting(alice)[0]
    following = inbox.next_waiting(alice, after=first)
    assert following is not None
    assert following.flow_run_name == "later"
    assert inbox.count_waiting(alice) == 4


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", True),
        ("refund", True),
        ("REFUND", True),
        ("eur 2.5", True),
        ("placid", True),
        ("urgent", True),
        ("refund nothing", False),
        ("%", False),
        ("x" * 5000, False),
        ("a\x00", True),
    ],
)
def test_text_finds_flow_run_question_and_tag(
    make_run: Make, alice: User, text: str, found: bool
) -> None:
    run = make_run(name="placid-eagle", tags=["urgent"])
    run.put("paused-1-description", json.dumps(QUESTION))
    run.pause_for_input()
    assert inbox.list_waiting(alice, InboxFilters(text=text)).exists() == found


def test_a_stranger_sees_nothing(waiting: Approval) -> None:
    stranger = AnonymousUser()
    assert not inbox.list_waiting(stranger).exists()
    with pytest.raises(Http404):
        inbox.get_approval_for(stranger, waiting.pk)


def test_history_tells_who_decided_what_newest_first(
    make_run: Make, alice: User, bob: User
) -> None:
    for name in ("one", "two", "three"):
        make_run(name=name).pause()
    one, two, three = Approval.objects.order_by("opened_at")
    answer_approval(one, user=alice, run_input={})
    reject_approval(two, user=bob, reason="no")

    def names(**criteria: Any) -> list[str]:
        return [
            approval.flow_run_name for approval in list_history(alice, HistoryFilters(**criteria))
        ]

    assert names() == ["two", "one"]
    assert names(person="alice") == ["one"]
    assert names(outcome="rejected") == ["two"]
    assert names(flow="refund", person="bob") == ["two"]
    assert names(flow="other") == []
    page = read_history(alice, HistoryFilters())
    assert (page.people, page.flows, page.count) == (["alice", "bob"], ["refund"], 2)
    assert end_of(three) == "waiting"


def test_an_approval_outlives_its_run_and_its_reviewer(
    waiting: Approval, run: Run, alice: User
) -> None:
    answer_approval(waiting, user=alice, run_input={"approve": True})
    run.api.request("DELETE", f"/flow_runs/{run.id}")
    alice.delete()
    kept = Approval.objects.select_related("decision").get()
    assert kept.decision.decided_by == "alice"
    assert read_form(kept).description == QUESTION
