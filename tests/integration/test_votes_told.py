"""Votes in the history, its export and on the run's page: who, for whom, and against what."""

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.models import Approval
from approvals.services import votes
from approvals.services.seats import settle_approvals
from tests.integration.conftest import Api, Make, Run
from tests.integration.pages import ask, log_in, page_of, text_of
from tests.teams import YES, hold, make_teams, person, say_no, say_yes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def teams(db: None) -> None:
    make_teams()


def decide(run: Run, line: str, *names: str) -> Approval:
    hold(line)
    approval = ask(run)
    for name in names:
        say_yes(approval, name)
    return approval


def override(approval: Approval) -> None:
    root = User.objects.create_superuser("root")
    votes.override_policy(approval, user=root, reason="It burns.", run_input=YES)


def read_csv(name: str = "Z", **filters: str) -> list[dict[str, str]]:
    response = log_in(name).get("/history/export/", filters)
    text = b"".join(response).decode().removeprefix("\ufeff")
    return list(csv.DictReader(io.StringIO(text)))


def run_page(run: Run) -> str:
    return f"/runs/flow-run/{run.id}"


def test_the_history_says_who_agreed_for_whom(run: Run) -> None:
    decide(run, "1 of @finance + 1 of @data", "B", "D1")
    text = text_of(log_in("Z").get("/history/"))
    assert "B agreed for finance D1 agreed for data" in text


def test_a_voter_is_found_in_the_history_by_name(run: Run) -> None:
    decide(run, "2 of @finance", "F1", "F2")
    assert "1 approval matches" in text_of(log_in("Z").get("/history/", {"q": "F1"}))
    assert "Nothing was decided" in text_of(log_in("Z").get("/history/", {"q": "L1"}))


def test_the_history_tells_a_decision_against_the_policy(run: Run) -> None:
    override(decide(run, "2 of @finance", "F1"))
    text = text_of(log_in("Z").get("/history/"))
    assert "Against the policy" in text
    assert "root decided against the policy" in text
    assert "“It burns.”" in text


def test_the_history_says_who_said_no(run: Run) -> None:
    hold("most of @committee, a no counts")
    approval = ask(run)
    for name in ("L1", "L2", "L3"):
        say_no(approval, name, "too much")
    text = text_of(log_in("Z").get("/history/"))
    assert "L1 said no L2 said no L3 said no" in text


def test_the_history_keeps_what_was_said_before_the_run_was_ended(run: Run) -> None:
    decide(run, "2 of @finance", "F1")
    run.enter("CANCELLED")
    assert "F1 agreed for finance" in text_of(log_in("Z").get("/history/"))


def test_the_export_has_policy_votes_and_override(make_run: Make) -> None:
    decide(make_run(), "1 of @finance + 1 of @data", "B", "D1")
    override(decide(make_run(), "2 of @finance"))
    decide(make_run(), "anyone", "Z")
    anyone, overridden, agreed = read_csv()
    columns = ("Policy", "Votes", "Against the policy")
    assert [agreed[name] for name in columns] == [
        "1 of @finance + 1 of @data",
        "B: yes (1 of @finance); D1: yes (1 of @data)",
        "",
    ]
    assert [overridden[name] for name in columns] == ["2 of @finance", "root: override", "yes"]
    assert [anyone[name] for name in columns] == ["", "", ""]


def test_the_history_reads_all_votes_at_once(make_run: Make) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get("/history/")
        return len(queries)

    client = log_in("Z")
    client.get("/history/")
    decide(make_run(), "1 of @finance", "F1")
    one = count()
    for _ in range(3):
        decide(make_run(), "1 of @finance", "F1")
    assert count() == one


def test_a_record_stays_what_it_was_when_its_people_leave(run: Run, make_run: Make) -> None:
    approval = decide(run, "1 of @finance + 1 of @data", "B", "D1")
    person("B").groups.clear()
    person("D1").delete()
    settle_approvals()
    assert "B agreed for finance D1 agreed for data" in text_of(log_in("Z").get("/history/"))
    panel = text_of(log_in("Z").get(page_of(approval)))
    assert "Finance B has agreed Data D1 has agreed" in panel
    assert read_csv()[0]["Votes"] == "B: yes (1 of @finance); D1: yes (1 of @data)"


def test_the_runs_page_says_who_has_agreed_and_who_is_missing(run: Run) -> None:
    decide(run, "1 of @finance + 1 of @data", "B")
    text = text_of(log_in("Z").get(run_page(run)))
    assert "Waits for others" in text
    assert "Look at it" in text
    assert "Finance B has agreed" in text
    assert "Data one person missing" in text
    assert "Answer it" in text_of(log_in("D1").get(run_page(run)))


def test_an_open_page_of_the_run_hears_of_a_vote(run: Run) -> None:
    approval = decide(run, "2 of @finance")
    client = log_in("Z")
    mark = client.get(run_page(run)).context["mark"]
    address = f"{run_page(run)}/progress/"
    headers = {"HX-Request": "true"}
    assert client.get(address, {"mark": mark}, headers=headers).status_code == 204
    say_yes(approval, "F1")
    news = client.get(address, {"mark": mark}, headers=headers)
    assert "F1 has agreed" in text_of(news)


def test_the_runs_page_tells_of_votes_and_override_of_what_has_ended(make_run: Make) -> None:
    run, other = make_run(), make_run()
    decide(run, "2 of @finance", "F1", "F2")
    override(decide(other, "2 of @finance", "F1"))
    assert "F1 agreed for finance F2 agreed for finance" in text_of(log_in("Z").get(run_page(run)))
    text = text_of(log_in("Z").get(run_page(other)))
    assert "root decided against the policy" in text
    assert "Against the policy" in text


def staff() -> Client:
    """Somebody who may look at all tables, and not at what only those who answer see."""
    client = log_in("clerk")
    clerk = User.objects.get(username="clerk")
    clerk.is_staff = True
    clerk.save()
    clerk.user_permissions.set(
        Permission.objects.filter(codename__startswith="view_").exclude(codename="view_all")
    )
    return client


@pytest.mark.parametrize("is_over", [False, True])
def test_nothing_tells_a_stranger_of_hidden_votes(api: Api, run: Run, is_over: bool) -> None:
    hold("2 of H1 or Q1, seen by them only")
    approval = ask(run)
    say_yes(approval, "H1")
    if is_over:
        say_yes(approval, "Q1")
    paths = [
        *("/", "/?list=all", "/?list=answered", "/?q=refund", "/?list=all&q=refund"),
        *("/history/", "/history/?q=H1", "/history/?person=H1", "/history/?person=Q1"),
        "/history/export/",
        page_of(approval),
        *(
            f"{page_of(approval)}{part}"
            for part in ("state/", "reject/", "options/", "description/")
        ),
        *(f"{run_page(run)}{part}" for part in ("", "/log/", "/progress/", "/artifacts/")),
        "/admin/approvals/vote/",
        "/admin/approvals/approval/",
        f"/admin/approvals/approval/{approval.pk}/change/",
        "/admin/approvals/decision/",
    ]
    stranger, clerk = log_in("Z"), staff()
    for path in paths:
        for client in (stranger, clerk):
            response = client.get(path, headers={"HX-Request": "true"})
            body = b"".join(response).decode()
            for word in (">H1<", ">Q1<", "H1:", run.read()["name"]):
                assert word not in body.replace(path, ""), (path, word)
    for action in ("agree/", "take-back/", "override/", "reject/", ""):
        posted: Any = stranger.post(f"{page_of(approval)}{action}", {"reason": "x"})
        assert posted.status_code == 404
    refused = run.resume(YES)
    assert "H1" not in str(refused)
    assert "Q1" not in str(refused)
