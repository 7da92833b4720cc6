"""Decisions of one tap take effect a few seconds later, and can be undone until then."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from approvals.models import HELD, Approval, Decision, Vote
from approvals.services import held_votes, holding, inbox, votes
from approvals.services.decisions import Decided, TooLate
from approvals.services.filters import InboxFilters, Which
from approvals.services.holding import Held, apply_held_votes, hold_answer, hold_rejection
from approvals.services.votes import Counted, NotYours
from tests.integration.conftest import Make, Run
from tests.integration.pages import FROM_HTMX, YES, ask, log_in, page_of, text_of
from tests.teams import hold, make_teams, person, say_no

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _ten_seconds(settings: Any) -> None:
    settings.UNDO_SECONDS = 10


@pytest.fixture
def approval(run: Run) -> Approval:
    return pause(run)


def pause(run: Run, **options: Any) -> Approval:
    run.pause(**options)
    return Approval.objects.get(flow_run_id=run.uuid)


def fresh(approval: Approval) -> Approval:
    return Approval.objects.get(pk=approval.pk)


def let_time_pass(seconds: float = 10) -> int:
    """Do a round of the loop some time later."""
    for vote in Vote.objects.filter(HELD):
        assert vote.takes_effect_at is not None
        vote.takes_effect_at -= timedelta(seconds=seconds)
        vote.save()
    return apply_held_votes()


def tap(approval: Approval, name: str) -> Any:
    seen = votes.mark_seen(approval, votes.read_standing(approval)) if approval.is_guarded else ""
    return hold_answer(fresh(approval), user=person(name), seen=seen)


def test_approving_takes_effect_after_ten_seconds(run: Run, approval: Approval) -> None:
    alice = log_in()
    page = text_of(alice.post(page_of(approval), {}, follow=True))
    assert re.search(r"You approved this It takes effect in \d+ s \. Until then you can undo", page)
    assert apply_held_votes() == 0
    assert run.read()["state_type"] == "PAUSED"
    assert let_time_pass() == 1
    assert run.read()["state_type"] == "RUNNING"
    assert Decision.objects.get().decided_by == "alice"
    assert not Vote.objects.exists()


def test_it_can_be_undone_until_then(run: Run, approval: Approval) -> None:
    alice = log_in()
    alice.post(page_of(approval), {})
    page = text_of(alice.post(f"{page_of(approval)}undo/", follow=True))
    assert "Undone." in page
    assert let_time_pass() == 0
    assert run.read()["state_type"] == "PAUSED"
    assert not Vote.objects.exists()


def test_undoing_comes_too_late_once_it_has_taken_effect(approval: Approval) -> None:
    alice = log_in()
    alice.post(page_of(approval), {})
    let_time_pass()
    page = text_of(alice.post(f"{page_of(approval)}undo/", follow=True))
    assert "It was too late to undo it" in page
    assert fresh(approval).outcome == Approval.Outcome.ANSWERED


def test_nobody_undoes_what_another_has_decided(approval: Approval) -> None:
    tap(approval, "alice")
    log_in("bob").post(f"{page_of(approval)}undo/")
    assert let_time_pass() == 1


def test_a_typed_answer_takes_effect_at_once(run: Run) -> None:
    asked = ask(run)
    log_in().post(page_of(asked), YES)
    assert run.read()["state_type"] == "RUNNING"


def test_a_reason_that_is_typed_takes_effect_at_once(run: Run, approval: Approval) -> None:
    log_in().post(f"{page_of(approval)}reject/", {"reason": "too much"})
    assert fresh(approval).outcome == Approval.Outcome.REJECTED


def test_without_seconds_everything_takes_effect_at_once(approval: Approval, settings: Any) -> None:
    settings.UNDO_SECONDS = 0
    assert tap(approval, "alice") == Decided()


def test_it_takes_effect_a_second_before_the_deadline(run: Run, settings: Any) -> None:
    settings.UNDO_SECONDS = 600
    approval = pause(run, seconds=300)
    held = tap(approval, "alice")
    assert isinstance(held, Held)
    assert approval.expires_at is not None
    assert held.takes_effect_at == approval.expires_at - timedelta(seconds=1)


def test_in_the_last_second_it_takes_effect_at_once(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "_MARGIN", timedelta(seconds=301))  # as if it were so late
    assert tap(pause(run, seconds=300), "alice") == Decided()


def test_pressing_twice_changes_nothing(approval: Approval) -> None:
    first = tap(approval, "alice")
    assert tap(approval, "alice") == first
    assert Vote.objects.count() == 1


def test_others_read_who_has_answered_and_may_say_no_meanwhile(
    run: Run, approval: Approval
) -> None:
    tap(approval, "alice")
    bob = log_in("bob")
    assert "alice answered this. It takes effect in" in text_of(bob.get(page_of(approval)))
    assert "alice answered, takes effect in" in text_of(bob.get("/"))
    refused = tap(approval, "bob")
    assert isinstance(refused, NotYours)
    assert "alice has answered this" in refused.why
    assert say_no(approval, "bob") == Decided()
    assert let_time_pass() == 0
    assert fresh(approval).outcome == Approval.Outcome.REJECTED
    assert tap(approval, "alice") == TooLate(fresh(approval))


def test_what_is_held_leaves_the_list_of_what_waits_for_me(approval: Approval) -> None:
    tap(approval, "alice")
    alice, bob = person("alice"), person("bob")
    assert (inbox.count_waiting(alice), inbox.count_waiting(bob)) == (0, 1)
    answered = InboxFilters(which=Which.ANSWERED)
    assert list(inbox.list_waiting(alice, answered)) == [approval]
    holding.undo([approval.pk], user=alice)
    assert inbox.count_waiting(alice) == 1


def test_a_decision_that_cannot_be_made_is_refused_when_it_is_given(run: Run) -> None:
    make_teams()
    hold("1 of @finance")
    approval = pause(run)
    assert tap(approval, "D1") == NotYours("Waits for one of finance.")
    assert not Vote.objects.exists()


def test_two_people_agree_while_both_are_held(run: Run) -> None:
    make_teams()
    hold("2 of @finance")
    approval = pause(run)
    assert isinstance(tap(approval, "F1"), Held)
    assert isinstance(tap(approval, "F2"), Held)
    assert votes.read_standing(approval).votes == []
    assert let_time_pass() == 2
    assert fresh(approval).outcome == Approval.Outcome.ANSWERED


def test_a_held_vote_falls_when_what_is_asked_changes(run: Run) -> None:
    make_teams()
    hold("1 of @finance")
    approval = pause(run)
    tap(approval, "F1")
    artifact = {"type": "markdown", "data": "new", "key": "k", "flow_run_id": run.id}
    run.api.post("/artifacts/", artifact)
    assert let_time_pass() == 0
    failed = held_votes.find_failed(approval, user=person("F1"))
    assert failed is not None
    assert failed.voided_because.startswith("What is asked has changed")
    page = text_of(log_in("F1").get(page_of(approval)))
    assert "Your approval did not take effect. What is asked has changed" in page


def test_a_held_agreement_falls_when_the_answer_changes(run: Run) -> None:
    make_teams()
    hold("2 of @finance")
    approval = ask(run)
    say = votes.answer_approval
    mark = votes.mark_seen
    say(
        approval,
        user=person("F1"),
        run_input={"approve": True},
        seen=mark(approval, votes.read_standing(approval)),
    )
    assert isinstance(tap(approval, "F2"), Held)
    say(
        approval,
        user=person("B"),
        run_input={"approve": False},
        seen=mark(approval, votes.read_standing(approval)),
    )
    assert let_time_pass() == 0
    assert fresh(approval).is_waiting


def test_a_typed_no_replaces_ones_own_held_yes(run: Run) -> None:
    make_teams()
    hold("2 of @finance, a no counts")
    approval = pause(run)
    tap(approval, "F1")
    assert isinstance(say_no(approval, "F1"), Counted)
    assert let_time_pass() == 0
    assert [vote.kind for vote in votes.read_standing(approval).votes] == ["no"]


def test_who_may_no_longer_log_in_decides_nothing(approval: Approval) -> None:
    tap(approval, "alice")
    User.objects.filter(username="alice").update(is_active=False)
    assert let_time_pass() == 0
    assert fresh(approval).is_waiting


def test_a_deleted_account_decides_nothing(approval: Approval) -> None:
    tap(approval, "alice")
    User.objects.get(username="alice").delete()
    assert let_time_pass() == 0
    assert fresh(approval).is_waiting


def test_of_two_loops_one_casts_a_vote(approval: Approval, monkeypatch: pytest.MonkeyPatch) -> None:
    tap(approval, "alice")
    cast, rounds = holding._cast, []

    def while_another_loops(vote: Vote) -> Any:
        rounds.append(apply_held_votes())
        return cast(vote)

    monkeypatch.setattr(holding, "_cast", while_another_loops)
    assert let_time_pass() == 1
    assert rounds == [0]


def test_nobody_undoes_what_takes_effect_at_this_moment(
    approval: Approval, monkeypatch: pytest.MonkeyPatch
) -> None:
    tap(approval, "alice")
    cast, undone = holding._cast, []

    def while_it_is_undone(vote: Vote) -> Any:
        undone.append(holding.undo([approval.pk], user=person("alice")))
        return cast(vote)

    monkeypatch.setattr(holding, "_cast", while_it_is_undone)
    assert let_time_pass() == 1
    assert undone == [0]


def test_a_vote_that_cannot_be_cast_holds_up_no_other_and_stays(
    make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pause(make_run()), pause(make_run())
    tap(first, "alice")
    tap(second, "alice")
    cast = holding._cast

    def fail_once(vote: Vote) -> Any:
        assert vote.approval != first, "as if the process had been killed here"
        return cast(vote)

    monkeypatch.setattr(holding, "_cast", fail_once)
    assert let_time_pass() == 1
    monkeypatch.undo()
    assert apply_held_votes() == 1
    assert fresh(first).outcome == Approval.Outcome.ANSWERED


def test_rejections_can_be_held_with_their_reason(run: Run, approval: Approval) -> None:
    assert isinstance(hold_rejection(approval, user=person("alice"), reason="no"), Held)
    assert let_time_pass() == 1
    decision = Decision.objects.get()
    assert (decision.approval.outcome, decision.reason) == ("rejected", "no")


def test_an_open_page_is_told_of_what_is_held_and_of_its_effect(approval: Approval) -> None:
    alice, bob = log_in(), log_in("bob")
    address = f"{page_of(approval)}state/"
    alice.post(page_of(approval), {})
    assert "alice" in text_of(bob.get(address, {"with": ""}, headers=FROM_HTMX))
    assert alice.get(address, {"mine": ""}, headers=FROM_HTMX).status_code == 204
    let_time_pass()
    assert alice.get(address, {"mine": ""}, headers=FROM_HTMX)["HX-Refresh"] == "true"


def test_looking_makes_nothing_take_effect(approval: Approval) -> None:
    tap(approval, "alice")
    Vote.objects.update(takes_effect_at=datetime.now(UTC))
    alice = log_in()
    for path in ("/", page_of(approval), "/history/"):
        alice.get(path)
    assert fresh(approval).is_waiting
