"""Keys, and the command that makes them."""

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from flowruns.domain.actors import Owner
from flowruns.models import ApiKey, FlowRun, FlowRunState, RunInput
from flowruns.services import api_keys
from flowruns.services.api_keys import (
    create_api_key,
    find_api_key,
    replace_api_key,
    revoke_api_keys,
)
from tests.integration.conftest import Api

pytestmark = pytest.mark.django_db


def create(*arguments: str) -> str:
    printed = StringIO()
    call_command("createapikey", *arguments, stdout=printed, stderr=StringIO())
    return printed.getvalue()


def test_the_command_prints_the_key_alone() -> None:
    printed = create("etl")
    assert printed.endswith("\n")
    key = find_api_key(printed.strip())
    assert key is not None
    assert (key.name, key.scopes, key.owner) == ("etl", ["flows"], None)


def test_answering_is_asked_for_by_name_and_the_command_says_so() -> None:
    said = StringIO()
    call_command("createapikey", "etl", stdout=StringIO(), stderr=said)
    assert "may run flows, not answer" in said.getvalue()
    assert "--scope resume" in said.getvalue()


def test_a_key_has_an_owner_who_is_recorded_with_what_it_does() -> None:
    alice = User.objects.create_user("alice")
    api = Api(create("etl", "--owner", "alice").strip())
    flow = json.loads(api.post("/flows/", {"name": "refund"}).content)
    run = json.loads(api.post("/flow_runs/", {"flow_id": flow["id"]}).content)
    api.post(f"/flow_runs/{run['id']}/input", {"key": "note", "value": "x"})
    key = ApiKey.objects.get()
    alice.delete()  # what was done stays hers
    state, note = FlowRunState.objects.get(), RunInput.objects.get()
    for actor in (state.actor, note.actor):
        assert (actor.key_id, str(actor)) == (key.pk, "api_key:etl")
        assert actor.owner == Owner(id=note.actor_owner_id or 0, name="alice")
    made = FlowRun.objects.get()
    assert (made.creator_key_id, made.creator_owner) == (key.pk, "alice")
    assert made.creator_owner_id == state.actor_owner_id is not None


def test_an_owner_who_is_not_there_is_refused() -> None:
    with pytest.raises(CommandError, match="no user named 'nobody'"):
        create("etl", "--owner", "nobody")
    assert not ApiKey.objects.exists()


def test_the_owner_of_a_key_is_set_in_the_admin() -> None:
    admin = User.objects.create_superuser("root", password="x")
    alice = User.objects.create_user("alice")
    create("etl")
    key = ApiKey.objects.get()
    browser = Client()
    browser.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    page = f"/admin/flowruns/apikey/{key.pk}/change/"
    form = {"owner": alice.pk, "name": "stolen", "scopes": '["flows", "resume"]'}
    assert browser.post(page, form).status_code == 302
    key.refresh_from_db()
    assert (key.owner, key.name, key.scopes) == (alice, "etl", ["flows"])


@pytest.mark.parametrize(
    ("options", "scopes"),
    [
        (["--scope", "flows"], ["flows"]),
        (["--scope", "resume"], ["resume"]),
        (["--scope", "resume", "--scope", "flows", "--scope", "flows"], ["flows", "resume"]),
    ],
)
def test_scopes_are_chosen_one_by_one(options: list[str], scopes: list[str]) -> None:
    key = find_api_key(create("etl", *options).strip())
    assert key is not None
    assert key.scopes == scopes


def test_a_name_that_is_taken_is_refused_and_its_key_stays() -> None:
    first = create("etl").strip()
    with pytest.raises(CommandError, match="an API key named 'etl' already"):
        create("etl")
    assert find_api_key(first) is not None


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "nul\x00", "n" * 201])
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match="1 to 200 printable characters"):
        create(name)


def test_a_key_is_stored_as_a_hash_only() -> None:
    key = create_api_key("etl", scopes=["flows"])
    stored = ApiKey.objects.values().get()
    assert key not in json.dumps(stored, default=str)
    assert find_api_key(f"{key}x") is None


def test_a_revoked_key_opens_nothing_at_once() -> None:
    api = Api(create_api_key("etl", scopes=["flows"]))
    assert api.post("/flows/filter", {}).status_code == 200
    revoke_api_keys(ApiKey.objects.all())
    assert api.post("/flows/filter", {}).status_code == 401


def test_a_key_that_another_process_revoked_opens_nothing_after_its_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api_keys, "REMEMBERED_SECONDS", 0.0)
    api = Api(create_api_key("etl", scopes=["flows"]))
    assert api.post("/flows/filter", {}).status_code == 200
    ApiKey.objects.update(revoked_at=datetime.now(UTC))  # no code of this process hears of it
    assert api.post("/flows/filter", {}).status_code == 401


def test_a_key_is_looked_up_once_for_many_requests(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    api = Api(create_api_key("etl", scopes=["flows"]))
    with django_assert_num_queries(1 + 3):
        for _ in range(3):
            assert api.post("/flows/filter", {}).status_code == 200


def test_a_key_whose_scopes_change_here_may_at_once_what_they_say() -> None:
    api = Api(create_api_key("etl", scopes=["resume"]))
    assert api.post("/flows/", {"name": "x"}).status_code == 403
    key = ApiKey.objects.get()
    key.scopes = ["flows"]
    key.save()
    assert api.post("/flows/", {"name": "x"}).status_code == 201


def test_a_replaced_key_takes_the_place_of_the_old_one() -> None:
    old = create_api_key("local", scopes=["flows"])
    new = replace_api_key("local", scopes=["flows", "resume"])
    assert find_api_key(old) is None
    assert find_api_key(new) is not None
