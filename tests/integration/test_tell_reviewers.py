"""Who is told of what, and what a mail says."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group

from approvals.messages.preferences import save_preferences
from approvals.messages.recipients import find_answerers
from approvals.models import Approval, Channel, Notification
from approvals.services.inbox import list_waiting
from approvals.services.seats import settle_approvals
from approvals.services.votes import override_policy
from flowruns.services.api_keys import create_api_key
from tests.integration.conftest import Api, Make, Run
from tests.integration.pages import ask
from tests.integration.telling import HOST, Mail, mail, reach
from tests.mail import text_of_mail
from tests.teams import YES, hold, make_teams, person, say_no, say_yes

__all__ = ["mail"]
pytestmark = pytest.mark.django_db

LINES = [
    "anyone, not the requester",
    "1 of @finance + 1 of @data, not the requester",
    "1 of @finance then 1 of @board",
    "1 of @hr, seen by them only",
    "1 of Q1 or key:ci",
    "1 of @nobody",
]


def test_without_settings_nothing_is_written(run: Run) -> None:
    reach("alice")
    ask(run)
    assert not Notification.objects.exists()
    assert not Channel.objects.exists()


def test_whoever_may_answer_is_told_once(mail: Mail, run: Run) -> None:
    make_teams()
    reach("F1")
    reach("D1")
    hold("1 of @finance")
    approval = ask(run)
    assert mail.server.arrived == []
    assert mail.deliver() == 1
    assert mail.deliver(hours=1) == 0
    (told,) = mail.server.arrived
    assert told["To"] == "f1@example.com"
    assert told["Subject"] == f"refund / {approval.flow_run_name} waits for you"


def test_a_mail_is_a_plain_link_in_text_and_html_that_names_the_deadline(
    mail: Mail, run: Run
) -> None:
    reach("alice")
    approval = ask(run, "Refund **79.90 EUR** to Miss Secret?")
    mail.deliver()
    (told,) = mail.server.arrived
    page = f"{HOST}/approvals/{approval.pk}/"
    for kind in ("plain", "html"):
        text = text_of_mail(told, kind)
        assert page in text
        assert "It waits until" in text
        assert "Secret" not in text
    assert told["From"] == "Approvals <approvals@example.com>"
    assert told["Auto-Submitted"] == "auto-generated"
    assert Approval.objects.get().outcome == "waiting"


@pytest.mark.parametrize(
    ("allowed", "has", "lacks"),
    [
        ("nothing", ["An approval waits for you"], ["refund", "Miss"]),
        ("title", ["refund /"], ["Miss"]),
        ("question", ["refund /", "“Refund 2 EUR to Miss B?”"], ["**"]),
    ],
)
def test_the_operator_says_what_messages_tell(
    mail: Mail, run: Run, settings: Any, allowed: str, has: list[str], lacks: list[str]
) -> None:
    settings.MESSAGE_CONTENT = allowed
    reach("alice")
    ask(run, "Refund **2 EUR** to Miss B?")
    mail.deliver()
    text = f"{mail.subjects[0]} {text_of_mail(mail.server.arrived[0])}"
    assert [word for word in has if word not in text] == []
    assert [word for word in lacks if word in text] == []


def test_a_question_that_comes_after_its_pause_is_told(mail: Mail, run: Run, settings: Any) -> None:
    """As Prefect's clients send it."""
    settings.MESSAGE_CONTENT = "question"
    reach("alice")
    run.pause_for_input()
    run.put("paused-1-description", '"Shall it go on?"')
    mail.deliver()
    assert "“Shall it go on?”" in text_of_mail(mail.server.arrived[0])


def test_names_and_questions_make_no_headers_and_no_html(
    mail: Mail, make_run: Make, settings: Any
) -> None:
    settings.MESSAGE_CONTENT = "question"
    reach("alice")
    run = make_run(name="x\r\nBcc: mallory@example.com\u202e")
    ask(run, "a <script>alert(1)</script> `<b>`")
    mail.deliver()
    (told,) = mail.server.arrived
    assert told["Bcc"] is None
    assert "x Bcc: mallory@example.com" in told["Subject"]
    assert "<script" not in text_of_mail(told, "html")


@pytest.mark.parametrize("line", LINES)
def test_those_are_told_whose_inbox_shows_it(mail: Mail, run: Run, line: str) -> None:
    make_teams()
    Group.objects.create(name="nobody")
    hold(line)
    approval = ask(run)
    people = sorted("F1 B D1 X1 H1 Q1 Z".split())

    def in_inbox() -> list[str]:
        return [name for name in people if approval in list_waiting(person(name))]

    def told() -> list[str]:
        answerers = find_answerers(approval).filter(username__in=people)
        return sorted(user.username for user in answerers)

    assert told() == in_inbox()
    for name in in_inbox()[:1]:
        say_yes(approval, name)
        approval.refresh_from_db()
        if approval.is_waiting:
            assert told() == in_inbox()


def test_a_later_part_is_told_when_its_turn_comes(mail: Mail, run: Run) -> None:
    make_teams()
    for name in ("F1", "X1"):
        reach(name)
    hold("1 of @finance then 1 of @board")
    approval = ask(run)
    mail.deliver()
    assert [told["To"] for told in mail.server.arrived] == ["f1@example.com"]
    say_yes(approval, "F1")
    mail.deliver(minutes=6)
    assert [told["To"] for told in mail.server.arrived][1:] == ["x1@example.com"]


def test_whoever_loses_the_right_before_it_is_sent_is_not_told(mail: Mail, run: Run) -> None:
    make_teams()
    for name in ("F1", "H1"):
        reach(name)
    hold("1 of @hr, seen by them only")
    ask(run)
    person("H1").groups.clear()
    assert mail.deliver() == 0
    assert mail.outcomes() == [("waits", "skipped")]
    assert mail.rows()[0].why == "They may not see it."


def test_whoever_gets_the_right_back_is_told_after_all(mail: Mail, run: Run) -> None:
    make_teams()
    reach("F1")
    hold("1 of @finance")
    ask(run)
    finance = Group.objects.get(name="finance")
    person("F1").groups.clear()
    settle_approvals()
    assert mail.deliver() == 0
    person("F1").groups.add(finance)
    settle_approvals()
    assert mail.deliver(seconds=30) == 1


def test_an_account_that_is_closed_is_not_told(mail: Mail, run: Run) -> None:
    reach("alice")
    ask(run)
    reach("alice", is_active=False)
    assert mail.deliver() == 0


def test_what_is_answered_at_once_stays_silent(mail: Mail, run: Run) -> None:
    for name in ("alice", "bob"):
        reach(name)
    say_yes(ask(run), "alice")
    assert mail.deliver() == 0
    assert mail.deliver(hours=1) == 0
    assert {outcome for _, outcome in mail.outcomes()} == {"skipped"}


def test_who_was_asked_reads_in_the_thread_who_answered(mail: Mail, run: Run) -> None:
    for name in ("alice", "bob"):
        reach(name)
    approval = ask(run)
    mail.deliver()
    mail.deliver()
    say_yes(approval, "bob")
    mail.deliver(minutes=6)
    first = next(told for told in mail.server.arrived if told["To"] == "alice@example.com")
    (last,) = mail.server.arrived[2:]
    assert last["To"] == "alice@example.com"
    assert last["Subject"] == f"Re: {first['Subject']}"
    assert last["In-Reply-To"] == last["References"] == first["Message-ID"]
    assert "Answered by bob, " in text_of_mail(last)


def test_after_the_end_only_the_end_is_told(mail: Mail, run: Run) -> None:
    make_teams()
    for name in ("F1", "X1"):
        reach(name)
    hold("1 of @finance then 1 of @board")
    approval = ask(run)
    mail.deliver()
    say_no(approval, "F2", "too much")
    mail.deliver(minutes=6)
    mail.deliver(minutes=6)
    assert mail.subjects[1:] == [f"Re: {mail.subjects[0]}"]
    assert {told["To"] for told in mail.server.arrived} == {"f1@example.com"}


@pytest.fixture
def asked_by_dora(db: None, make_run: Make) -> Run:
    """A run that the key of dora has made."""
    reach("dora")
    api = Api(create_api_key("of dora", scopes=["flows"], owner=person("dora")))
    other = make_run(state="PENDING")
    made = api.post("/flow_runs/", {"flow_id": other.read()["flow_id"]})
    run = Run(api, json.loads(made.content)["id"])
    run.enter("RUNNING")
    return run


def test_the_requester_is_told_the_outcome_with_its_reason(mail: Mail, asked_by_dora: Run) -> None:
    make_teams()
    hold("1 of @finance")
    say_no(ask(asked_by_dora), "F1", "The amount is wrong.")
    mail.deliver()
    (told,) = mail.server.arrived
    assert told["To"] == "dora@example.com"
    assert told["Subject"].endswith(": rejected")
    assert "Rejected by F1" in text_of_mail(told)
    assert "“The amount is wrong.”" in text_of_mail(told)


def test_the_requester_is_told_where_anyone_answers(mail: Mail, asked_by_dora: Run) -> None:
    person("alice")
    approval = ask(asked_by_dora)
    Notification.objects.all().delete()
    say_yes(approval, "alice")
    mail.deliver()
    assert [told["Subject"] for told in mail.server.arrived] == [
        f"refund / {approval.flow_run_name}: answered"
    ]
    assert "approve" not in text_of_mail(mail.server.arrived[0])


def test_whoever_answers_what_they_asked_for_is_not_told_of_it(
    mail: Mail, asked_by_dora: Run
) -> None:
    say_yes(ask(asked_by_dora), "dora")
    assert mail.deliver() == 0


@pytest.mark.parametrize(
    ("end", "word"),
    [
        (lambda run: run.enter("CANCELLED"), "withdrawn"),
        (lambda run: run.api.request("DELETE", f"/flow_runs/{run.id}"), "withdrawn"),
    ],
)
def test_withdrawing_is_told(mail: Mail, run: Run, end: Callable[[Run], Any], word: str) -> None:
    reach("alice")
    ask(run)
    mail.deliver()
    end(run)
    mail.deliver(minutes=6)
    assert mail.rows(kind="ended")[0].content["outcome"].lower() == word
    assert mail.subjects[1] == f"Re: {mail.subjects[0]}"


def test_staff_are_told_of_what_nobody_can_answer(mail: Mail, run: Run) -> None:
    make_teams()
    reach("root", is_staff=True)
    reach("Z")
    Group.objects.create(name="ghosts")
    hold("1 of @ghosts")
    ask(run)
    mail.deliver()
    (told,) = mail.server.arrived
    assert told["To"] == "root@example.com"
    assert told["Subject"].startswith("Nobody can answer: refund")


def test_staff_are_told_of_a_decision_against_the_policy(mail: Mail, run: Run) -> None:
    make_teams()
    for name in ("root", "boss"):
        reach(name, is_staff=True, is_superuser=True)
    hold("2 of @finance")
    approval = ask(run)
    override_policy(approval, user=person("boss"), reason="It burns.", run_input=YES)
    mail.deliver()
    (told,) = mail.server.arrived
    assert told["To"] == "root@example.com"
    assert told["Subject"].endswith(": answered against the policy")
    assert "“It burns.”" in text_of_mail(told)


def test_staff_are_not_told_of_what_they_may_not_see(mail: Mail, run: Run) -> None:
    reach("root", is_staff=True)
    Group.objects.create(name="ghosts")
    hold("1 of @ghosts, seen by them only")
    ask(run)
    assert mail.deliver() == 0
    assert mail.outcomes() == [("obstructed", "skipped")]


def test_nobody_is_bothered_when_somebody_can_answer_after_all(mail: Mail, run: Run) -> None:
    make_teams()
    reach("root", is_staff=True)
    late = Group.objects.create(name="late")
    hold("1 of @late")
    approval = ask(run)
    person("F1").groups.add(late)
    settle_approvals()
    assert mail.deliver() == 0
    approval.refresh_from_db()
    assert approval.obstacle == ""


def test_a_policy_that_comes_after_the_pause_takes_back_what_is_not_sent(
    mail: Mail, run: Run
) -> None:
    """As Prefect's clients send it: the schema that carries it follows the state."""
    make_teams()
    for name in ("F1", "Z"):
        reach(name)
    keyset = {part: f"paused-1-{part}" for part in ("schema", "description", "response")}
    run.pause(run_input_keyset=keyset)
    schema = {"type": "object", "properties": {}, "x-approvals": {"policy": "1 of @finance"}}
    run.put("paused-1-schema", json.dumps(schema))
    mail.deliver()
    mail.deliver()
    assert [told["To"] for told in mail.server.arrived] == ["f1@example.com"]


def test_a_deadline_is_told_in_the_readers_zone(mail: Mail, run: Run) -> None:
    reach("alice")
    save_preferences(person("alice"), zone="Asia/Tokyo", hours="", is_on=True)
    ask(run)
    mail.deliver()
    assert "(JST)" in text_of_mail(mail.server.arrived[0])
