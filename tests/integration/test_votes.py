"""The worked examples with real people and groups, and what else becomes of votes."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.models import Approval, Decision, Draft, Seat, Vote
from approvals.services import votes
from approvals.services.decisions import Decided, Refused, TooLate
from approvals.services.seats import settle_approvals
from approvals.services.votes import Counted, NotYours, read_standing
from flowruns.services.api_keys import create_api_key
from tests.integration.conftest import APPROVAL_SCHEMA, Api, Make, Run
from tests.integration.pages import FROM_HTMX, field, log_in, page_of
from tests.teams import YES, hold, make_teams, person, say_no, say_yes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def teams(db: None) -> None:
    make_teams()


def ask(run: Run, schema: Any = APPROVAL_SCHEMA) -> Approval:
    run.put("paused-1-description", json.dumps("Refund **2.5 EUR**?"))
    run.pause_for_input(schema)
    return Approval.objects.get(flow_run_id=run.uuid)


def run_of(owner: str, make_run: Make) -> Run:
    """Make a run whose key belongs to somebody."""
    api = Api(create_api_key(f"of {owner}", scopes=["flows"], owner=person(owner)))
    run = make_run()
    flow_id = run.read()["flow_id"]
    made = json.loads(api.post("/flow_runs/", {"flow_id": flow_id}).content)
    own = Run(api, made["id"])
    own.propose("RUNNING")
    return own


def outcome_of(approval: Approval) -> str:
    return str(Approval.objects.get(pk=approval.pk).outcome)


def test_1_anyone_answers_as_ever_a_key_too(run: Run) -> None:
    approval = ask(run)
    assert not approval.is_guarded
    assert run.resume(YES)["status"] == "ACCEPT"


def test_2_anyone_but_the_requester_and_no_key(make_run: Make, run: Run) -> None:
    hold("anyone, not the requester")
    own = run_of("R", make_run)
    approval = ask(own)
    assert say_yes(approval, "R") == NotYours("You asked for this. Somebody else answers it.")
    assert Run(run.api, own.id).resume(YES)["details"]["reason"] == "Waits for 1 of anyone"
    assert say_yes(approval, "Z") == Decided()


def test_3_one_of_two_people(run: Run) -> None:
    hold("1 of F1 or F2")
    approval = ask(run)
    assert say_yes(approval, "B") == NotYours("Waits for F1 or F2.")
    assert say_yes(approval, "F2") == Decided()


def test_4_one_of_a_group(run: Run) -> None:
    hold("1 of @finance")
    approval = ask(run)
    assert say_yes(approval, "D1") == NotYours("Waits for one of finance.")
    refused = run.resume(YES)
    assert (refused["http"], refused["status"]) == (200, "REJECT")
    assert refused["details"]["reason"] == "Waits for 1 of @finance"
    assert run.read()["state_type"] == "PAUSED"
    assert say_yes(approval, "R") == Decided()
    assert run.read()["state_type"] == "RUNNING"


def test_the_page_looks_once_at_who_is_in_a_group(run: Run) -> None:
    hold("1 of @finance")
    client, page = log_in("F1"), page_of(ask(run))
    with CaptureQueriesContext(connection) as asked:
        assert client.get(page).status_code == 200
    assert sum('WHERE "auth_group"."name" IN' in each["sql"] for each in asked) == 1


def test_5_two_of_a_group_without_who_asked(make_run: Make) -> None:
    hold("2 of @finance, not the requester")
    approval = ask(run_of("R", make_run))
    assert say_yes(approval, "F1") == Counted("Waits for one of finance")
    assert say_yes(approval, "F1") == Counted("Waits for one of finance")
    assert say_yes(approval, "R") == NotYours("You asked for this. Somebody else answers it.")
    assert say_yes(approval, "B") == Decided()
    decision = Decision.objects.get()
    assert (decision.decided_by, json.loads(decision.answer)) == ("B", YES)


def test_6_one_of_each_of_two_groups_in_any_order(make_run: Make) -> None:
    hold("1 of @finance + 1 of @data")
    approval = ask(make_run())
    assert say_yes(approval, "B") == Counted("Waits for one of data")
    assert say_yes(approval, "D1") == Decided()
    other = ask(make_run())
    say_yes(other, "B")
    assert say_yes(other, "F1") == Decided()


def test_7_one_group_after_the_other(run: Run) -> None:
    hold("1 of @finance then 1 of @board")
    approval = ask(run)
    early = say_yes(approval, "X1")
    assert early == NotYours("Comes to you when finance has agreed.")
    assert say_yes(approval, "F2") == Counted("Waits for one of board")
    assert say_yes(approval, "X1") == Decided()


def test_8_all_of_a_group_and_one_no_ends_it(make_run: Make) -> None:
    hold("all of @release")
    approval = ask(make_run())
    for name in ("L1", "L2", "L3", "L4"):
        assert isinstance(say_yes(approval, name), Counted)
    assert say_yes(approval, "L5") == Decided()
    other = ask(make_run())
    say_yes(other, "L1")
    assert say_no(other, "L2") == Decided()
    assert outcome_of(other) == "rejected"


def test_9_most_of_a_group_where_a_no_counts(make_run: Make) -> None:
    hold("most of @committee, a no counts")
    approval = ask(make_run())
    say_yes(approval, "L1")
    assert say_no(approval, "L2", "too much") == Counted("Waits for two of committee")
    assert say_no(approval, "L3", "too soon") == Counted("Waits for two of committee")
    assert say_no(approval, "L4", "no budget") == Decided()
    assert Decision.objects.get().reason == "L2: too much L3: too soon L4: no budget"


def test_10_seen_by_those_who_may_answer_only(run: Run) -> None:
    hold("1 of @hr, seen by them only")
    approval = ask(run)
    assert say_yes(approval, "H1") == Decided()


def test_11_the_lines_of_operator_and_author_both_hold(run: Run) -> None:
    hold("1 of @security")
    run.put("paused-1-policy", json.dumps("2 of @finance"))
    approval = ask(run)
    assert [kept["line"] for kept in approval.policies] == ["1 of @security", "2 of @finance"]
    assert say_yes(approval, "F1") == Counted("Waits for one of security and one of finance")
    assert say_yes(approval, "B") == Decided()


def test_12_signed_by_a_person_or_by_the_key_that_is_named(make_run: Make, api: Api) -> None:
    hold("1 of @qa or key:ci, signed")
    approval = ask(make_run())
    assert isinstance(say_yes(approval, "Q1"), Refused)
    assert say_yes(approval, "Q1", is_signed=True) == Decided()
    assert Vote.objects.get().is_signed
    run = make_run()
    ask(run)
    other = Run(Api(create_api_key("k", scopes=["resume"])), run.id)
    assert other.resume(YES)["status"] == "REJECT"
    ci = Run(Api(create_api_key("ci", scopes=["resume"])), run.id)
    assert ci.resume(YES)["status"] == "ACCEPT"
    vote = Vote.objects.get(is_key=True)
    assert (vote.name, vote.is_signed) == ("ci", False)


def test_a_key_completes_only_what_the_others_have_agreed_to(run: Run) -> None:
    hold("1 of @finance + 1 of key:ci")
    approval = ask(run)
    ci = Run(Api(create_api_key("ci", scopes=["resume"])), run.id)
    assert ci.resume(YES)["details"]["reason"] == "Waits for 1 of @finance"
    assert say_yes(approval, "F1") == Counted("Waits for the program “ci”")
    other = {"approve": False}
    assert ci.resume(other)["details"]["reason"] == "Others have agreed to another answer."
    assert ci.resume({**YES, "reason": ""})["status"] == "REJECT"
    assert ci.resume(YES)["status"] == "ACCEPT"


def test_a_change_makes_the_earlier_votes_fall(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run)
    say_yes(approval, "F1")
    assert say_yes(approval, "F2", {"approve": False}) == Counted("Waits for one of finance")
    fallen = Vote.objects.get(name="F1")
    assert (fallen.voided_at is not None, fallen.voided_because) == (
        True,
        "F2 has changed the answer.",
    )
    assert say_yes(approval, "F1", {"approve": False}) == Decided()
    assert json.loads(run.read_input("paused-1-response").content) == {"approve": False}


def test_a_vote_is_taken_back_while_the_approval_waits(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run)
    say_yes(approval, "F1")
    assert votes.take_back(approval, user=person("F1")) == Counted("Waits for two of finance")
    assert say_yes(approval, "F2") == Counted("Waits for one of finance")
    assert isinstance(votes.take_back(approval, user=person("F1")), NotYours)
    say_yes(approval, "F1")
    assert isinstance(votes.take_back(approval, user=person("F1")), TooLate)


def test_a_wrong_answer_is_no_proposal(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run)
    refused = say_yes(approval, "F1", {"approve": 1})
    assert isinstance(refused, Refused)
    assert [path for path, _ in refused.problems] == [("approve",)]
    assert not Vote.objects.exists()


def test_a_late_description_voids_the_votes_that_have_not_seen_it(run: Run) -> None:
    hold("2 of @finance")
    run.pause_for_input()
    approval = Approval.objects.get()
    say_yes(approval, "F1")
    run.put("paused-1-description", json.dumps("Refund **9,000 EUR**?"))
    vote = Vote.objects.get()
    assert vote.voided_because == "What is asked has changed since."
    assert say_yes(approval, "F2") == Counted("Waits for one of finance")


def test_another_artifact_voids_the_votes_that_have_not_seen_it(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run)
    say_yes(approval, "F1")
    body = {"key": "plan", "type": "markdown", "data": "# New", "flow_run_id": run.id}
    artifact = json.loads(run.api.post("/artifacts/", body).content)
    assert Vote.objects.filter(voided_at=None).count() == 0
    say_yes(approval, "F1")
    run.api.request("PATCH", f"/artifacts/{artifact['id']}", {"data": "# Newer"})
    assert Vote.objects.filter(voided_at=None).count() == 0
    assert say_yes(approval, "F2", seen="something else") == Refused(
        "What is asked has changed since. Look at it again."
    )


def test_whoever_leaves_the_group_sits_there_no_more(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run)
    say_yes(approval, "F1")
    person("F1").groups.clear()
    assert settle_approvals() == 1
    assert say_yes(approval, "F2") == Counted("Waits for one of finance")
    assert isinstance(say_yes(approval, "F1"), NotYours)
    User.objects.filter(username="B").update(is_active=False)
    assert isinstance(say_yes(approval, "B"), NotYours)


def test_what_nobody_can_answer_is_found_when_it_opens_and_later(make_run: Make) -> None:
    hold("2 of @data")
    approval = ask(make_run())
    assert approval.obstacle == ""
    person("D1").groups.clear()
    settle_approvals()
    approval.refresh_from_db()
    assert approval.obstacle == "Fewer people may answer than “2 of @data” asks for."
    Group.objects.filter(name="data").delete()
    other = ask(make_run())
    assert other.obstacle.startswith("There is no group @data.")


def test_an_override_is_told_in_the_record(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run)
    say_yes(approval, "F1", {"approve": False})
    z = person("Z")
    refused = votes.override_policy(approval, user=z, reason="It burns.", run_input=YES)
    assert isinstance(refused, NotYours)
    z.user_permissions.add(Permission.objects.get(codename="override_policy"))
    z = User.objects.get(username="Z")
    assert isinstance(votes.override_policy(approval, user=z, reason=" ", run_input=YES), Refused)
    assert votes.override_policy(approval, user=z, reason="It burns.", run_input=YES) == Decided()
    decision = Decision.objects.get()
    assert (decision.decided_by, decision.overrode, decision.reason) == ("Z", True, "It burns.")
    assert json.loads(decision.answer) == YES


def test_an_override_may_reject(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run)
    root = User.objects.create_superuser("root")
    result = votes.override_policy(approval, user=root, reason="It burns.", rejects=True)
    assert result == Decided()
    decision = Decision.objects.get()
    assert (decision.overrode, outcome_of(approval)) == (True, "rejected")


def test_who_may_not_answer_may_not_reject(run: Run) -> None:
    hold("1 of @finance")
    approval = ask(run)
    assert isinstance(say_no(approval, "D1"), NotYours)
    assert outcome_of(approval) == "waiting"


def test_an_unknown_requester_fails_closed(run: Run) -> None:
    hold("1 of @finance, not the requester")
    approval = ask(run)
    assert approval.obstacle == "This flow does not say who asked."
    assert say_yes(approval, "F1") == NotYours(
        "Nobody can answer this: This flow does not say who asked."
    )
    reason = run.resume(YES)["details"]["reason"]
    assert reason == "Nobody can answer: This flow does not say who asked."


def test_the_requester_is_whom_the_policy_names_from_parameters(make_run: Make) -> None:
    hold("1 of @finance, not the requester", requester_from="parameters.who")
    approval = ask(make_run(parameters={"who": "F1"}))
    assert isinstance(say_yes(approval, "F1"), NotYours)
    assert say_yes(approval, "F2") == Decided()
    for parameters in ({}, {"who": "nobody-here"}, {"who": 7}):
        closed = ask(make_run(parameters=parameters))
        assert closed.obstacle == "This flow does not say who asked."


def test_policies_are_frozen_when_an_approval_opens(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run)
    hold("anyone")
    approval.refresh_from_db()
    assert [kept["line"] for kept in approval.policies] == ["2 of @finance"]
    assert isinstance(say_yes(approval, "Z"), NotYours)


@pytest.mark.parametrize(
    ("scope", "is_held"),
    [
        ({}, True),
        ({"flow": "refund"}, True),
        ({"flow": "other"}, False),
        ({"tag": "prod"}, True),
        ({"tag": "test"}, False),
        ({"deployment": "refund/nightly"}, True),
        ({"deployment": "refund/weekly"}, False),
        ({"flow": "refund", "tag": "test"}, False),
    ],
)
def test_a_policy_holds_for_what_it_is_for(
    make_run: Make, scope: dict[str, str], is_held: bool
) -> None:
    hold("1 of @finance", **scope)
    assert ask(make_run(deployed=True, tags=["prod"])).is_guarded is is_held


def test_the_default_holds_for_the_rest(make_run: Make, settings: Any) -> None:
    settings.DEFAULT_POLICY = "1 of @hr"
    hold("1 of @finance", tag="money")
    lines = [
        [kept["line"] for kept in ask(make_run(tags=[tag])).policies] for tag in ("money", "x")
    ]
    assert lines == [["1 of @finance"], ["1 of @hr"]]
    run = make_run()
    run.put("paused-1-policy", json.dumps("anyone"))
    assert [kept["line"] for kept in ask(run).policies] == ["1 of @hr"]


def test_an_author_of_prefects_own_classes_writes_it_into_the_schema(make_run: Make) -> None:
    schema = {**APPROVAL_SCHEMA, "x-approvals": {"policy": "1 of @finance"}}
    approval = ask(make_run(), schema)
    assert [kept["line"] for kept in approval.policies] == ["1 of @finance"]
    assert say_yes(approval, "F1") == Decided()


def test_a_schema_that_comes_after_its_pause_brings_its_policy_once(make_run: Make) -> None:
    run = make_run()
    keyset = {part: f"paused-1-{part}" for part in ("schema", "description", "response")}
    run.pause(run_input_keyset=keyset)
    schema = {**APPROVAL_SCHEMA, "x-approvals": {"policy": "1 of @finance"}}
    run.put("paused-1-schema", json.dumps(schema))
    run.put("paused-1-policy", json.dumps("1 of @hr"))
    approval = Approval.objects.get(flow_run_id=run.uuid)
    assert [kept["line"] for kept in approval.policies] == ["1 of @finance"]
    run.api.request("DELETE", f"/flow_runs/{run.id}/input/paused-1-schema")
    run.put("paused-1-schema", json.dumps({**APPROVAL_SCHEMA, "x-approvals": {"policy": "anyone"}}))
    approval.refresh_from_db()
    assert [kept["line"] for kept in approval.policies] == ["1 of @finance"]


@pytest.mark.parametrize("line", ["1 off @finance", "", 7, None, ["anyone"]])
def test_an_authors_line_that_cannot_be_read_lets_nobody_answer(make_run: Make, line: Any) -> None:
    approval = ask(make_run(), {**APPROVAL_SCHEMA, "x-approvals": {"policy": line}})
    assert approval.obstacle.startswith("The policy of its author cannot be read")
    assert isinstance(say_yes(approval, "F1"), NotYours)


def test_the_flow_reads_who_agreed(run: Run) -> None:
    hold("1 of @finance + 1 of @data")
    approval = ask(run)
    say_yes(approval, "F1")
    say_yes(approval, "D1")
    told = json.loads(run.read_input("paused-1-votes").content)
    assert [(vote["name"], vote["kind"], vote["part"]) for vote in told] == [
        ("F1", "yes", "1 of @finance"),
        ("D1", "yes", "1 of @data"),
    ]


def test_seats_open_and_close_with_the_votes(run: Run) -> None:
    hold("1 of @finance then 1 of @board")
    approval = ask(run)
    seats = Seat.objects.filter(approval=approval).order_by("part")
    assert [seat.is_open for seat in seats] == [True, False]
    say_yes(approval, "F1")
    assert [seat.is_open for seat in seats.all()] == [False, True]
    assert read_standing(approval).proposal is not None


def test_a_draft_that_was_on_its_way_with_the_answer_does_not_come_back(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run)
    client = log_in("F1")
    page = client.get(page_of(approval))
    fields = {"f.0": "1", "f.1": "late", "seen": field(page, "seen"), "asked": field(page, "asked")}
    client.post(page_of(approval), fields)
    saved = client.post(f"{page_of(approval)}draft/", fields, headers=FROM_HTMX)
    assert saved.status_code == 204
    assert not Draft.objects.exists()
    fields["seen"] = field(client.get(page_of(approval)), "seen")
    client.post(f"{page_of(approval)}draft/", fields, headers=FROM_HTMX)
    assert Draft.objects.exists()


def test_logging_in_has_nobody_looked_at_again(run: Run) -> None:
    hold("2 of anyone")
    approval = ask(run)
    person("Z").save(update_fields=["last_login"])
    approval.refresh_from_db()
    assert not approval.is_unsettled
    person("Z").save()
    assert settle_approvals() == 1
