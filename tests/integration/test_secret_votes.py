"""Secrets in an answer that several people agree to: only the flow gets them, from the last one."""

import json
from typing import Any

import pytest

from approvals.models import Approval, Vote
from approvals.services import votes
from approvals.services.decisions import Decided, Refused
from approvals.services.votes import Counted, mark_seen, read_standing
from flowruns.models import RunInput
from flowruns.services.api_keys import create_api_key
from tests.integration.conftest import Api, Make, Run
from tests.integration.pages import ask, log_in, page_of, text_of
from tests.teams import hold, make_teams, person, say_yes

pytestmark = pytest.mark.django_db

SCHEMA = {
    "properties": {
        "amount": {"type": "number", "title": "Amount"},
        "token": {"$ref": "#/$defs/Token", "title": "Token"},
        "spare": {
            "anyOf": [{"type": "string", "writeOnly": True}, {"type": "null"}],
            "default": None,
            "title": "Spare",
        },
    },
    "required": ["amount", "token"],
    "$defs": {"Token": {"type": "string", "format": "password"}},
}
FIRST = {"amount": 7.5, "token": "first-secret", "spare": "spare-secret"}
SECOND = {"amount": 7.5, "token": "second-secret", "spare": None}


@pytest.fixture(autouse=True)
def teams(db: None) -> None:
    make_teams()


def press_agree(approval: Approval, name: str) -> Any:
    seen = mark_seen(approval, read_standing(approval))
    return votes.agree(approval, user=person(name), seen=seen)


def everything_kept() -> str:
    return json.dumps([*Vote.objects.values_list(), *RunInput.objects.values_list()], default=str)


def test_a_proposal_keeps_no_secret(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run, schema=SCHEMA)
    assert say_yes(approval, "F1", FIRST) == Counted("Waits for one of finance")
    assert json.loads(Vote.objects.get().answer) == {"amount": 7.5}
    assert "secret" not in everything_kept().replace("second-secret", "")


def test_whoever_completes_the_votes_types_the_secrets(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run, schema=SCHEMA)
    say_yes(approval, "F1", FIRST)
    asked = press_agree(approval, "F2")
    assert asked == Refused("You are the last to agree: type what is secret, and submit the form.")
    assert say_yes(approval, "F2", SECOND) == Decided()
    told = json.loads(run.read_input("paused-1-response").content)
    assert told == SECOND
    assert "first-secret" not in everything_kept()
    kept = set(Vote.objects.filter(voided_at=None).values_list("answer", flat=True))
    assert kept == {'{"amount": 7.5}'}


def test_one_between_the_first_and_the_last_only_agrees(run: Run) -> None:
    hold("3 of @finance")
    approval = ask(run, schema=SCHEMA)
    say_yes(approval, "F1", FIRST)
    assert press_agree(approval, "F2") == Counted("Waits for one of finance")
    assert isinstance(press_agree(approval, "B"), Refused)
    assert Vote.objects.filter(voided_at=None).count() == 2
    assert say_yes(approval, "B", FIRST) == Decided()


def test_nobody_can_try_whether_a_guess_is_the_secret(run: Run) -> None:
    """Neither by being counted as agreeing, nor by the mark of what was seen."""
    hold("3 of @finance")
    approval = ask(run, schema=SCHEMA)
    say_yes(approval, "F1", FIRST)
    mark = mark_seen(approval, read_standing(approval))
    say_yes(approval, "F1", {**FIRST, "token": "another-secret"})
    assert mark_seen(approval, read_standing(approval)) == mark
    assert say_yes(approval, "F2", {**FIRST, "token": "guess"}) == Counted(
        "Waits for one of finance"
    )


def test_another_visible_value_begins_anew(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run, schema=SCHEMA)
    say_yes(approval, "F1", FIRST)
    assert say_yes(approval, "F2", {**FIRST, "amount": 9}) == Counted("Waits for one of finance")


def test_an_api_key_that_completes_brings_the_secrets(make_run: Make) -> None:
    hold("1 of @finance + 1 of key:ci")
    run = make_run()
    approval = ask(run, schema=SCHEMA)
    say_yes(approval, "F1", FIRST)
    ci = Run(Api(create_api_key("ci", scopes=["resume"])), run.id)
    assert ci.resume(SECOND | {"spare": "x"})["status"] == "ACCEPT"
    assert json.loads(Vote.objects.get(is_key=True).answer) == {"amount": 7.5}


def test_an_override_brings_its_own_secrets_and_records_none(run: Run, admin_user: Any) -> None:
    hold("2 of @finance")
    approval = ask(run, schema=SCHEMA)
    result = votes.override_policy(approval, user=admin_user, reason="It burns.", run_input=FIRST)
    assert result == Decided()
    assert json.loads(Vote.objects.get().answer) == {"amount": 7.5}


def test_the_page_tells_the_last_one_to_type_them(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run, schema=SCHEMA)
    say_yes(approval, "F1", FIRST)
    page = log_in("F2").get(page_of(approval))
    assert '-secret"' not in page.content.decode().replace('is-secret"', "")
    text = text_of(page)
    assert "Type what is secret in it below, then submit the form." in text
    assert "Agree to this answer" not in text
    assert "Change the answer" not in text
