"""Absences set by programs: for a key's owner, and where they are of the staff for anybody."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse

from approvals.models import Absence
from flowruns.services.api_keys import create_api_key
from tests.integration.conftest import Api, Run
from tests.integration.pages import ask
from tests.teams import hold, make_teams, person, say_yes

pytestmark = pytest.mark.django_db
PATH = "/desk/absences"
UNTIL = "2031-01-15T18:00:00+01:00"


@pytest.fixture(autouse=True)
def teams(db: None) -> None:
    make_teams()


def key_of(owner: User | None, *, scopes: Sequence[str] = ("desk",)) -> Api:
    return Api(create_api_key(f"hr of {owner} {scopes}", scopes=scopes, owner=owner))


def staff(*, may: str = "add_absence") -> User:
    user = User.objects.create_user("hr", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename=may))
    return user


def read(response: HttpResponse) -> Any:
    return json.loads(response.content)


def away(**body: Any) -> dict[str, Any]:
    return {"stand_in": "Z", "until": UNTIL, **body}


def test_the_key_of_a_person_says_that_they_are_away_and_the_stand_in_answers(run: Run) -> None:
    hold("1 of F1")
    approval = ask(run)
    response = key_of(person("F1")).request("POST", PATH, away(reason="on leave"))
    assert response.status_code == 201
    shown = read(response)
    assert (shown["person"], shown["stand_in"], shown["reason"]) == ("F1", "Z", "on leave")
    assert shown["set_by"].startswith("api_key:hr of F1")
    say_yes(approval, "Z")
    approval.refresh_from_db()
    assert approval.votes.get().for_whom == "F1"


def test_what_is_sent_again_is_kept_once(run: Run) -> None:
    api, body = key_of(person("F1")), away(since="2030-12-24T00:00:00Z")
    first, second = (api.request("POST", PATH, body) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert read(first) == read(second)
    assert Absence.objects.count() == 1


def test_it_ends_when_the_program_says_so_and_who_did_it_is_kept() -> None:
    api = key_of(person("F1"))
    made = read(api.request("POST", PATH, away()))
    assert [each["id"] for each in read(api.request("GET", PATH))] == [made["id"]]
    assert api.request("DELETE", f"{PATH}/{made['id']}").status_code == 204
    assert api.request("DELETE", f"{PATH}/{made['id']}").status_code == 404
    assert read(api.request("GET", PATH)) == []
    assert Absence.objects.get().removed_by.startswith("api_key:hr of F1")


def test_the_key_of_staff_speaks_for_anybody() -> None:
    api = key_of(staff())
    made = api.request("POST", PATH, away(person="F1"))
    assert made.status_code == 201
    api.request("POST", PATH, away(person="F2"))
    names = [each["person"] for each in read(api.request("GET", PATH))]
    assert sorted(names) == ["F1", "F2"]
    only = read(api.request("GET", f"{PATH}?person=F2"))
    assert [each["person"] for each in only] == ["F2"]
    assert api.request("DELETE", f"{PATH}/{read(made)['id']}").status_code == 204


def test_nobody_else_speaks_for_others_nor_reads_them() -> None:
    key_of(person("F2")).request("POST", PATH, away())
    theirs = Absence.objects.get()
    for api in (key_of(person("F1")), key_of(staff(may="view_absence"))):
        assert api.request("POST", PATH, away(person="F2")).status_code == 403
        assert api.request("GET", f"{PATH}?person=F2").status_code == 403
        assert read(api.request("GET", PATH)) == []
        assert api.request("DELETE", f"{PATH}/{theirs.pk}").status_code == 404


@pytest.mark.parametrize("scope", ["flows", "resume"])
def test_a_key_that_runs_flows_appoints_nobody_in_its_owners_place(scope: str) -> None:
    api = key_of(person("F1"), scopes=[scope])
    assert api.request("POST", PATH, away()).status_code == 403


def test_a_key_without_an_owner_or_whose_owner_has_left_says_nothing() -> None:
    left = key_of(person("F1"))
    User.objects.filter(username="F1").update(is_active=False)
    for api in (key_of(None), left):
        response = api.request("POST", PATH, away())
        assert response.status_code == 403
        assert "owner" in read(response)["detail"]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (away(stand_in="nobody"), "nobody"),
        (away(stand_in="F1"), "Nobody stands in for themselves."),
        (away(until="2020-01-01T00:00:00Z", since="2019-01-01T00:00:00Z"), "over"),
        (away(since="2032-01-01T00:00:00Z"), "ends after"),
        (away(until="2031-01-15T18:00:00"), "timezone"),
        (away(until="soon"), "datetime"),
        (away(until="9999-12-31T23:59:59-10:00"), "out of range"),
        (away(reason="x" * 201), "200"),
        (away(reason="a\x00b"), "NUL"),
        (away(untill="x"), "untill"),
        ({"until": UNTIL}, "stand_in"),
    ],
)
def test_what_is_wrong_is_said(body: dict[str, Any], word: str) -> None:
    response = key_of(person("F1")).request("POST", PATH, body)
    assert response.status_code == 422
    assert word in response.text
    assert not Absence.objects.exists()


def test_two_absences_never_overlap() -> None:
    api = key_of(person("F1"))
    api.request("POST", PATH, away())
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    refused = api.request("POST", PATH, away(stand_in="F2", since=later))
    assert (refused.status_code, "already" in refused.text) == (422, True)
