"""What happens while nobody answers."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.models import Approval, Decision, Notification, Step
from approvals.services import stepping
from approvals.services.decisions import Decided
from approvals.services.drafts import hold_waiting
from approvals.services.inbox import list_waiting
from approvals.services.policies import PolicyProblem
from approvals.services.stepping import take_due_steps
from tests.integration.conftest import APPROVAL_SCHEMA, Make, Run
from tests.integration.pages import ask, log_in, page_of, text_of
from tests.integration.telling import Mail, mail, reach
from tests.mail import text_of_mail
from tests.teams import hold, make_teams, person, say_yes

__all__ = ["mail"]
pytestmark = pytest.mark.django_db
END = {"minutes": 59, "seconds": 56}  # of a pause of an hour
ANSWERS = 'anyone; at the end answer {"approve": false}'


def pass_time(**span: float) -> int:
    return take_due_steps(lambda: datetime.now(UTC) + timedelta(**span))


def fresh(approval: Approval) -> Approval:
    return Approval.objects.get(pk=approval.pk)


def problem_of(approval: Approval, kind: Step.Kind) -> str:
    return str(Step.objects.get(approval=approval, kind=kind).problem)


def test_who_was_told_is_reminded_in_the_same_thread(mail: Mail, run: Run) -> None:
    make_teams()
    reach("F1")
    hold("1 of @finance; after 10 minutes remind")
    ask(run)
    mail.deliver()
    assert pass_time(minutes=9) == 0
    assert pass_time(minutes=11) == 1
    assert pass_time(minutes=11) == 0
    mail.deliver(minutes=11)
    asked, reminded = mail.server.arrived
    assert reminded["In-Reply-To"] == asked["Message-ID"]
    assert reminded["Subject"] == f"Re: {asked['Subject']}"
    assert "still waits for you" in text_of_mail(reminded)


def test_nobody_is_reminded_who_has_answered_or_was_not_told(mail: Mail, run: Run) -> None:
    make_teams()
    for name in ("F1", "F2"):
        reach(name)
    hold("2 of @finance; after 10 minutes remind")
    approval = ask(run)
    pass_time(minutes=11)
    assert mail.rows(kind="reminder") == []
    mail.deliver()
    Step.objects.filter(kind="remind").update(taken_at=None)
    say_yes(approval, "F1")
    pass_time(minutes=11)
    assert [str(row.channel.user) for row in mail.rows(kind="reminder")] == ["F2"]


def test_a_reminder_that_repeats_comes_until_the_last_call(mail: Mail, run: Run) -> None:
    make_teams()
    reach("F1")
    hold("1 of @finance; every 10 minutes remind")
    ask(run)
    mail.deliver()
    kinds = []
    for minute in range(1, 60):
        pass_time(minutes=minute, seconds=1)
        mail.deliver(minutes=1)
        kinds = [row.kind for row in mail.rows(outcome="sent")]
    assert kinds == ["waits", "reminder", "reminder", "last call"]


def test_a_reminder_costs_as_many_statements_for_a_crowd_as_for_few(
    mail: Mail, make_run: Make
) -> None:
    crowd = User.objects.bulk_create(
        User(username=f"p{number}", email=f"p{number}@example.com") for number in range(40)
    )
    counts = []
    for count in (4, 40):
        Group.objects.create(name=f"of{count}").user_set.set(crowd[:count])
        hold(f"1 of @of{count}; after 10 minutes remind")
        ask(make_run())
        Notification.objects.update(outcome="sent")
        with CaptureQueriesContext(connection) as statements:
            assert pass_time(minutes=11) == 1
        counts.append(len(statements))
        assert Notification.objects.filter(kind="reminder").count() == count
        Approval.objects.all().delete()
    assert counts[0] == counts[1]


def test_the_last_call_takes_the_place_of_a_reminder_that_was_not_sent(
    mail: Mail, run: Run
) -> None:
    make_teams()
    reach("F1")
    hold("1 of @finance; after 29 minutes remind")
    ask(run)
    mail.deliver()
    pass_time(minutes=31)
    assert mail.outcomes(kind="reminder") == [("reminder", "skipped")]
    mail.deliver(minutes=31)
    assert "Last call" in text_of_mail(mail.server.arrived[-1])


def test_others_are_asked_too_and_nobody_loses_a_seat(mail: Mail, run: Run) -> None:
    make_teams()
    reach("X1")
    hold("2 of @finance; after 20 minutes ask @board")
    approval = ask(run)
    say_yes(approval, "F1")
    assert approval not in list_waiting(person("X1"))
    pass_time(minutes=21)
    assert approval in list_waiting(person("X1"))
    assert approval in list_waiting(person("F2"))
    assert [str(row.channel.user) for row in mail.rows(kind="waits")] == ["X1"]
    assert say_yes(approval, "X1") == Decided()


def test_who_is_asked_later_must_be_there_when_the_policy_is_written() -> None:
    make_teams()
    with pytest.raises(PolicyProblem, match="There is no group @leads"):
        hold("1 of @finance; after 1 hour ask @leads")


def test_only_the_part_whose_turn_it_is_gets_others(run: Run) -> None:
    make_teams()
    hold("1 of @finance then 1 of @board; after 20 minutes ask @qa")
    approval = ask(run)
    pass_time(minutes=21)
    assert fresh(approval).policies[0]["added"] == [[0, "@qa"]]


def test_the_requester_is_not_asked_by_a_step(run: Run) -> None:
    make_teams()
    hold("1 of @finance, not the requester; after 20 minutes ask @qa", requester_from="labels.who")
    approval = ask(run)
    pass_time(minutes=21)
    assert approval not in list_waiting(person("Q1"))  # nobody knows who asked


def test_at_the_end_a_policy_rejects(run: Run) -> None:
    make_teams()
    hold('1 of @finance; at the end reject because "nobody answered"', "refunds")
    approval = ask(run)
    assert pass_time(minutes=59) == 1  # the last call
    assert pass_time(**END) == 1
    assert fresh(approval).outcome == Approval.Outcome.REJECTED
    decision = Decision.objects.get(approval=approval)
    assert (decision.decided_by, decision.reviewer) == ("policy:refunds", None)
    assert decision.reason == "nobody answered"
    state = run.read()["state"]
    assert (state["type"], state["name"]) == ("CANCELLED", "Rejected")
    assert state["message"] == "Rejected by (policy): nobody answered"
    assert "The policy refunds" in text_of(log_in().get(page_of(approval)))


def test_at_the_end_a_policy_answers(run: Run) -> None:
    hold(ANSWERS)
    approval = ask(run)
    pass_time(**END)
    assert fresh(approval).outcome == Approval.Outcome.ANSWERED
    assert Decision.objects.get().decided_by == "policy:held"
    stored = json.loads(run.read_input("paused-1-response").content)
    assert json.loads(stored) if isinstance(stored, str) else stored == {"approve": False}
    assert run.read()["state_type"] == "RUNNING"


def test_an_answer_that_does_not_fit_is_told_when_the_approval_opens(run: Run) -> None:
    hold('anyone; at the end answer {"approve": "maybe"}')
    approval = ask(run)
    assert problem_of(approval, Step.Kind.ANSWER).startswith("The answer does not fit.")
    pass_time(**END)
    assert fresh(approval).is_waiting


def test_an_answer_is_looked_at_again_when_the_form_comes(run: Run) -> None:
    """As Prefect's clients send it."""
    hold('anyone; at the end answer {"approve": "maybe"}')
    keyset = {part: f"paused-1-{part}" for part in ("schema", "description", "response")}
    run.pause(run_input_keyset=keyset)
    approval = Approval.objects.get()
    run.put("paused-1-schema", json.dumps(APPROVAL_SCHEMA))
    assert problem_of(approval, Step.Kind.ANSWER).startswith("The answer does not fit.")


@pytest.mark.parametrize("author", ["anyone", "1 of @data"])
def test_no_author_answers_for_the_operators_people(run: Run, author: str) -> None:
    make_teams()
    hold("2 of @finance")
    run.put("paused-1-policy", json.dumps(f'{author}; at the end answer {{"approve": true}}'))
    approval = ask(run)
    assert "Another policy" in problem_of(approval, Step.Kind.ANSWER)
    pass_time(**END)
    assert fresh(approval).is_waiting


def test_of_a_rejection_and_an_answer_the_rejection_counts(run: Run) -> None:
    hold(ANSWERS, "one")
    hold('anyone; at the end reject because "no"', "two")
    approval = ask(run)
    assert problem_of(approval, Step.Kind.ANSWER) == "Another policy rejects then."
    pass_time(**END)
    assert fresh(approval).outcome == Approval.Outcome.REJECTED


def test_without_an_end_the_run_fails_as_ever(run: Run) -> None:
    hold("anyone; at the end fail")
    approval = ask(run)
    pass_time(hours=2)
    assert fresh(approval).is_waiting
    assert not Step.objects.filter(kind__in=["reject", "answer"]).exists()


def test_nothing_happens_after_the_end(run: Run) -> None:
    hold('anyone; after 1 minute remind; at the end reject because "no"')
    approval = ask(run)
    say_yes(approval, "Z")
    assert not Step.objects.filter(taken_at=None).exists()
    assert pass_time(hours=2) == 0
    assert fresh(approval).outcome == Approval.Outcome.ANSWERED


def test_of_two_processes_one_takes_a_step(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    make_teams()
    hold("1 of @finance; after 1 minute ask @board")
    approval = ask(run)
    held = hold_waiting

    def another_is_faster(of: Approval) -> bool:
        monkeypatch.setattr(stepping, "hold_waiting", held)
        assert pass_time(minutes=2) == 1
        return held(of)

    monkeypatch.setattr(stepping, "hold_waiting", another_is_faster)
    assert pass_time(minutes=2) == 0
    assert fresh(approval).policies[0]["added"] == [[0, "@board"]]


def test_a_step_that_cannot_be_taken_holds_up_no_other(
    run: Run, make_run: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold('anyone; at the end reject because "no"')
    first, second = ask(run), ask(make_run())
    held = hold_waiting

    def fail_at_the_first(of: Approval) -> bool:
        if of.pk == first.pk:
            raise RuntimeError("The database is away.")
        return held(of)

    monkeypatch.setattr(stepping, "hold_waiting", fail_at_the_first)
    pass_time(**END)
    assert (fresh(first).outcome, fresh(second).outcome) == ("waiting", "rejected")
    monkeypatch.setattr(stepping, "hold_waiting", held)
    pass_time(**END)
    assert fresh(first).outcome == "rejected"


def test_a_reviewer_who_is_faster_than_the_end_counts(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold('anyone; at the end reject because "no"')
    approval = ask(run)
    held = hold_waiting

    def alice_is_faster(of: Approval) -> bool:
        say_yes(approval, "alice")
        return held(of)

    monkeypatch.setattr(stepping, "hold_waiting", alice_is_faster)
    pass_time(**END)
    assert Decision.objects.get().decided_by == "alice"


def test_policies_of_today_bring_their_steps(run: Run) -> None:
    from approvals.services.seats import apply_again

    make_teams()
    approval = ask(run)
    hold("1 of @finance; after 20 minutes ask @board")
    apply_again(approval.pk)
    pass_time(minutes=21)
    assert fresh(approval).policies[0]["added"] == [[0, "@board"]]


def test_the_page_says_what_will_happen_and_when(run: Run) -> None:
    make_teams()
    hold(
        "1 of @finance; after 10 minutes remind; after 20 minutes ask @board;"
        ' at the end reject because "nobody answered"'
    )
    approval = ask(run)
    told = text_of(log_in().get(page_of(approval)))
    assert "If nobody answers" in told
    for words in ("are reminded", "also asked: board", "the last call", "“nobody answered”"):
        assert words in told
    pass_time(minutes=21)
    assert "also asked: board" in text_of(log_in().get(page_of(approval)))
    assert Notification.objects.count() == 0
    assert Group.objects.filter(name="board").exists()


def test_an_unreadable_step_lets_nobody_answer(make_run: Make, run: Run) -> None:
    run.put("paused-1-policy", json.dumps("anyone; after a while remind"))
    approval = ask(run)
    assert "cannot be read" in fresh(approval).obstacle
    assert not isinstance(say_yes(approval, "Z"), Decided)
