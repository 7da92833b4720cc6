"""What goes wrong with approvals elsewhere, as people complain of it, tried on ours."""

import json

import pytest
from django.contrib.auth.models import Group, User

from approvals.models import Approval, Vote
from approvals.services.decisions import Decided
from approvals.services.seats import list_obstructed, settle_approvals
from approvals.services.votes import Counted, NotYours
from flowruns.services.api_keys import create_api_key
from tests.integration.conftest import Api, Make, Run
from tests.integration.pages import ask, log_in, page_of
from tests.teams import YES, hold, make_teams, person, say_yes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def teams(db: None) -> None:
    make_teams()


def key_of(owner: str | None, name: str, *scopes: str) -> Api:
    user = person(owner) if owner else None
    return Api(create_api_key(name, scopes=scopes, owner=user))


def make_run(api: Api) -> Run:
    flow = json.loads(api.post("/flows/", {"name": "refund"}).content)
    run = Run(api, json.loads(api.post("/flow_runs/", {"flow_id": flow["id"]}).content)["id"])
    run.propose("RUNNING")
    return run


def test_nobody_approves_what_they_asked_for_with_a_bots_key() -> None:
    hold("1 of @finance or key:bot, not the requester")
    run = make_run(key_of("R", "of R", "flows"))
    ask(run)
    bot = Run(key_of("R", "bot", "resume"), run.id)
    assert bot.resume(YES)["details"]["reason"] == "Waits for 1 of @finance or key:bot"
    assert run.read()["state_type"] == "PAUSED"


def test_a_key_does_not_approve_the_run_that_it_has_made() -> None:
    hold("1 of key:ci, not the requester")
    run = make_run(key_of("Z", "ci", "flows", "resume"))
    ask(run)
    assert run.resume(YES)["status"] == "REJECT"


def test_another_ones_key_that_the_policy_names_does() -> None:
    hold("1 of @finance or key:bot, not the requester")
    run = make_run(key_of("R", "of R", "flows"))
    ask(run)
    assert Run(key_of("Z", "bot", "resume"), run.id).resume(YES)["status"] == "ACCEPT"


def test_no_key_answers_where_nobody_knows_who_asked() -> None:
    hold("1 of key:bot, not the requester")
    run = make_run(key_of(None, "of nobody", "flows"))
    ask(run)
    assert Run(key_of("Z", "bot", "resume"), run.id).resume(YES)["status"] == "REJECT"


def test_what_was_approved_before_the_parameters_changed_counts_no_more(make_run: Make) -> None:
    hold("2 of @finance")
    run = make_run(parameters={"amount": 7})
    approval = ask(run)
    say_yes(approval, "F1")
    changed = run.api.request("PATCH", f"/flow_runs/{run.id}", {"parameters": {"amount": 9000}})
    assert changed.status_code in {200, 204}
    assert say_yes(approval, "F2") == Counted("Waits for one of finance")
    assert Vote.objects.get(name="F1").voided_because == "What is asked has changed since."


def test_somebody_in_two_groups_is_one_person(run: Run) -> None:
    hold("1 of @finance + 1 of @data")
    approval = ask(run)
    assert say_yes(approval, "B") == Counted("Waits for one of data")
    assert say_yes(approval, "B") == Counted("Waits for one of data")


def test_somebody_who_was_put_out_counts_no_more_even_as_the_last_one_votes(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run)
    say_yes(approval, "F1")
    User.objects.filter(username="F1").update(is_active=False)
    assert say_yes(approval, "F2") == Counted("Waits for one of finance")


def test_a_superuser_passes_by_no_form_without_saying_that_it_is_against_the_policy(
    run: Run,
) -> None:
    hold("1 of @finance")
    approval = ask(run)
    User.objects.create_superuser("root")
    root = log_in("root")
    for action in ("", "agree/", "override/", "override/reject/"):
        root.post(f"{page_of(approval)}{action}", {"f.0": "1", "f.1": "", "override_reason": " "})
    edited = root.post(f"/admin/approvals/approval/{approval.pk}/change/", {"is_guarded": ""})
    assert edited.status_code == 403
    approval.refresh_from_db()
    assert (approval.outcome, approval.is_guarded) == ("waiting", True)


def test_a_group_that_is_renamed_or_emptied_is_told_to_the_staff_and_can_be_put_right(
    run: Run,
) -> None:
    hold("1 of @data")
    approval = ask(run)
    group = Group.objects.get(name="data")
    group.name = "analysts"
    group.save()
    settle_approvals()
    [found] = list_obstructed(10)
    assert (found, found.obstacle) == (approval, found.obstacle)
    assert found.obstacle.startswith("There is no group @data.")
    group.name = "data"
    group.save()
    settle_approvals()
    assert list_obstructed(10) == []
    group.user_set.clear()
    settle_approvals()
    assert list_obstructed(10) == [approval]


def test_somebody_who_is_renamed_does_not_vote_twice(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run)
    say_yes(approval, "F1")
    renamed = person("F1")
    renamed.username = "F9"
    renamed.save()
    settle_approvals()
    assert say_yes(approval, "F9") == Counted("Waits for one of finance")
    assert say_yes(approval, "F2") == Decided()


def test_a_stranger_who_takes_over_a_voters_old_name_has_not_voted(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run)
    say_yes(approval, "F1")
    person("F1").delete()
    Group.objects.get(name="finance").user_set.add(person("F1"))
    settle_approvals()
    assert say_yes(approval, "F2") == Counted("Waits for one of finance")
    assert isinstance(say_yes(approval, "Z"), NotYours)
    assert Approval.objects.get().is_waiting


def test_staff_are_told_at_once_where_the_only_one_who_may_answer_has_asked() -> None:
    hold("1 of @board, not the requester")
    approval = ask(make_run(key_of("X1", "of X1", "flows")))
    assert list_obstructed(10) == [approval]
    assert isinstance(say_yes(approval, "X1"), NotYours)
