"""Somebody is away: who answers for them, and who does not."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group

from approvals.models import Absence, Approval, Asker, Vote
from approvals.services.absences import AbsenceProblem, keep_absence, list_absent, remove_absence
from approvals.services.decisions import Decided
from approvals.services.inbox import list_waiting, visible_to
from approvals.services.seats import dump_votes, settle_approvals
from approvals.services.votes import Counted, NotYours
from flowruns.domain.actors import reviewer
from tests.integration.conftest import Run
from tests.integration.pages import ask, log_in, page_of, text_of
from tests.integration.telling import Mail, mail, reach
from tests.teams import hold, make_teams, person, say_no, say_yes

__all__ = ["mail"]
pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def teams(db: None) -> None:
    make_teams()


def away(name: str, stand_in: str, *, begin: timedelta = -DAY, end: timedelta = DAY) -> Absence:
    now = datetime.now(UTC)
    absence = Absence(
        person=person(name), stand_in=person(stand_in), since=now + begin, until=now + end
    )
    keep_absence(absence, by=reviewer(name))
    return absence


def test_a_stand_in_takes_the_seat_and_it_is_recorded_for_whom(run: Run) -> None:
    hold("2 of @finance")
    approval = ask(run)
    assert isinstance(say_yes(approval, "Z"), NotYours)
    away("F1", "Z")
    assert approval in list_waiting(person("Z"))
    assert say_yes(approval, "Z") == Counted("Waits for one of finance")
    told = text_of(log_in("F1").get(page_of(approval)))
    assert "Z for F1" in told
    assert "Z has answered for you." in told
    assert say_yes(approval, "F2") == Decided()
    assert [(vote["name"], vote.get("for")) for vote in dump_votes(approval)] == [
        ("Z", "F1"),
        ("F2", None),
    ]
    assert "Z for F1" in text_of(log_in("alice").get("/history/"))
    assert approval in Approval.objects.filter(votes__for_whom="F1")


def test_a_seat_is_taken_once_by_the_absent_one_or_the_stand_in(run: Run) -> None:
    hold("2 of @finance")
    away("F1", "Z")
    approval = ask(run)
    assert isinstance(say_yes(approval, "Z"), Counted)
    assert say_yes(approval, "F1") == NotYours("Z has answered for you.")
    assert approval not in list_waiting(person("F1"))


def test_the_absent_one_may_still_answer(run: Run) -> None:
    hold("2 of @finance")
    away("F1", "Z")
    approval = ask(run)
    assert isinstance(say_yes(approval, "F1"), Counted)
    assert isinstance(say_yes(approval, "Z"), NotYours)
    assert approval not in list_waiting(person("Z"))


def test_one_human_has_one_vote_also_for_somebody_else(run: Run) -> None:
    hold("2 of @finance")
    away("F1", "F2")
    approval = ask(run)
    assert isinstance(say_yes(approval, "F2"), Counted)
    assert Vote.objects.get().for_whom == ""
    assert isinstance(say_yes(approval, "F2"), Counted)
    assert approval not in list_waiting(person("F2"))
    assert say_yes(approval, "F1") == Decided()


def test_nobody_stands_in_for_a_stand_in(run: Run) -> None:
    hold("1 of F1")
    away("F1", "Z")
    away("Z", "D1")
    approval = ask(run)
    assert isinstance(say_yes(approval, "D1"), NotYours)
    assert say_yes(approval, "Z") == Decided()


@pytest.mark.parametrize("asker", ["F1", "Z"])
@pytest.mark.parametrize("line", ["2 of @finance", "2 of @finance, not the requester"])
def test_who_asked_stands_in_for_nobody_and_nobody_for_them(
    run: Run, line: str, asker: str
) -> None:
    hold(line)
    away("F1", "Z")
    approval = ask(run)
    Asker.objects.create(approval=approval, user=person(asker), name=asker)
    Approval.objects.update(askers_known=True)
    assert isinstance(say_yes(approval, "Z"), NotYours)
    assert isinstance(say_no(approval, "Z"), NotYours)
    assert approval not in list_waiting(person("Z"))


def test_an_absence_counts_from_its_begin_to_its_end() -> None:
    hour = timedelta(hours=1)
    away("F1", "Z", begin=hour, end=2 * hour)
    assert list_absent(person("Z")) == []
    Absence.objects.update(since=datetime.now(UTC) - hour)
    assert list_absent(person("Z")) == [person("F1")]
    Absence.objects.update(until=datetime.now(UTC))
    assert list_absent(person("Z")) == []


def test_what_is_removed_ends_and_is_kept_with_who_did_it(run: Run) -> None:
    hold("1 of @finance")
    absence = away("F1", "Z")
    approval = ask(run)
    assert remove_absence(absence.pk, by=reviewer("F1"))
    assert not remove_absence(absence.pk, by=reviewer("F2"))
    absence.refresh_from_db()
    assert absence.removed_by == "F1"
    assert absence.removed_at is not None
    assert isinstance(say_yes(approval, "Z"), NotYours)


def test_a_stranger_who_takes_over_the_name_of_somebody_away_votes_for_themselves(
    run: Run,
) -> None:
    hold("2 of @finance")
    away("F1", "Z")
    approval = ask(run)
    say_yes(approval, "Z")
    renamed = person("F1")
    renamed.username = "F9"
    renamed.save()
    Group.objects.get(name="finance").user_set.add(person("F1"))
    settle_approvals()
    assert Vote.objects.get().voided_because == "F1 has another name, or is gone."
    assert say_yes(approval, "F1") == Counted("Waits for one of finance")
    assert say_yes(approval, "F2") == Decided()


def test_a_no_for_somebody_counts(run: Run) -> None:
    hold("1 of @finance")
    away("F1", "Z")
    approval = ask(run)
    assert say_no(approval, "Z") == Decided()
    assert Vote.objects.get().for_whom == "F1"


def test_a_stand_in_sees_what_is_hidden_from_others(run: Run) -> None:
    hold("1 of @hr, seen by them only")
    approval = ask(run)
    assert approval not in visible_to(person("Z"))
    away("H1", "Z")
    assert approval in visible_to(person("Z"))


def test_a_stand_in_is_told_of_what_waits_already(mail: Mail, run: Run) -> None:
    reach("Z")
    reach("F1")
    hold("1 of F1")
    ask(run)
    mail.deliver()
    away("F1", "Z")
    settle_approvals()
    mail.deliver()
    assert [told["To"] for told in mail.server.arrived] == ["f1@example.com", "z@example.com"]


@pytest.mark.parametrize(
    ("stand_in", "begin", "end", "said"),
    [
        ("F1", -DAY, DAY, "for themselves"),
        ("Z", DAY, -DAY, "ends after it begins"),
        ("Z", -2 * DAY, -DAY, "over already"),
    ],
)
def test_what_is_no_absence_is_refused(
    stand_in: str, begin: timedelta, end: timedelta, said: str
) -> None:
    with pytest.raises(AbsenceProblem, match=said):
        away("F1", stand_in, begin=begin, end=end)


def test_one_stands_in_at_a_time() -> None:
    away("F1", "Z")
    with pytest.raises(AbsenceProblem, match="already"):
        away("F1", "F2")


def test_it_is_set_and_removed_on_ones_own_page() -> None:
    client, now = log_in("F1"), datetime.now(UTC)
    times = {"since": f"{now - DAY:%Y-%m-%dT%H:%M}", "until": f"{now + DAY:%Y-%m-%dT%H:%M}"}
    refused = client.post("/me/absence/", {"stand_in": "nobody", **times})
    assert refused.status_code == 422
    assert "Nobody who may log in has this name." in text_of(refused)
    assert client.post("/me/absence/", {"stand_in": "F1", **times}).status_code == 422
    client.post("/me/absence/", {"stand_in": "Z", "reason": "Holiday", **times})
    assert "Z answers for you" in text_of(client.get("/me/"))
    assert "You answer now for F1" in text_of(log_in("Z").get("/me/"))
    absence = Absence.objects.get()
    log_in("Z").post(f"/me/absence/{absence.pk}/remove/")
    assert list_absent(person("Z")) == [person("F1")]
    client.post(f"/me/absence/{absence.pk}/remove/")
    assert list_absent(person("Z")) == []


def test_staff_set_and_remove_it_in_the_administration() -> None:
    client, now = log_in("boss"), datetime.now(UTC)
    boss = person("boss")
    boss.is_staff = boss.is_superuser = True
    boss.save()
    fields = {"person": person("F1").pk, "stand_in": person("Z").pk, "reason": "ill"}
    for name, moment in (("since", now - DAY), ("until", now + DAY)):
        fields |= {f"{name}_0": f"{moment:%Y-%m-%d}", f"{name}_1": f"{moment:%H:%M:%S}"}
    page = "/admin/approvals/absence/"
    assert client.post(f"{page}add/", fields).status_code == 302
    absence = Absence.objects.get()
    assert absence.set_by == "boss"
    assert "already" in text_of(client.post(f"{page}add/", fields))
    client.post(page, {"action": "remove", "_selected_action": [str(absence.pk)]})
    assert Absence.objects.get().removed_by == "boss"
