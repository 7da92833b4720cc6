"""Who has an approval open at this moment."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.display import labels
from approvals.models import Presence
from approvals.services.presence import FRESH, name_others, note_presence
from tests.integration.conftest import Make, Run
from tests.integration.pages import FROM_HTMX, YES, ask, log_in, page_of, text_of
from tests.teams import hold, make_teams, person

LOOKS = "bob is looking at this"


def test_others_read_who_has_it_open_in_the_list_and_on_the_page(run: Run) -> None:
    approval = ask(run)
    alice, bob = log_in("alice"), log_in("bob")
    bob.get(page_of(approval))
    assert LOOKS not in text_of(alice.get("/"))
    assert bob.post(f"{page_of(approval)}presence/", headers=FROM_HTMX).status_code == 204
    assert LOOKS in text_of(alice.get("/"))
    assert LOOKS in text_of(alice.get(page_of(approval)))
    assert LOOKS not in text_of(bob.get("/"))
    assert LOOKS not in text_of(bob.get(page_of(approval)))
    assert alice.post(page_of(approval), YES, follow=True).status_code == 200
    assert not Presence.objects.exists()


def test_an_open_page_hears_of_it(run: Run) -> None:
    approval = ask(run)
    alice = log_in("alice")
    html = alice.get(page_of(approval)).content.decode()
    state = html.split('id="approval-state" hx-get="')[1].split('"')[0].replace("&amp;", "&")
    assert alice.get(state, headers=FROM_HTMX).status_code == 204
    note_presence(approval, user=person("o'bob"))
    reply = alice.get(state, headers=FROM_HTMX)
    assert "o'bob is looking at this" in text_of(reply)
    assert "<form" not in reply.content.decode()
    assert "with=o%27bob" in reply.content.decode()
    assert alice.get(f"{state}o%27bob", headers=FROM_HTMX).status_code == 204


def test_it_is_forgotten_by_itself_and_for_who_may_not_log_in(run: Run) -> None:
    approval, alice = ask(run), person("alice")
    note_presence(approval, user=person("bob"))
    assert name_others([approval], user=alice) == {approval.pk: ["bob"]}
    User.objects.filter(username="bob").update(is_active=False)
    assert name_others([approval], user=alice) == {}
    User.objects.filter(username="bob").update(is_active=True)
    Presence.objects.update(seen_at=datetime.now(UTC) - FRESH)
    assert name_others([approval], user=alice) == {}


def test_a_page_that_reports_often_is_written_seldom(run: Run) -> None:
    approval, bob = ask(run), person("bob")
    note_presence(approval, user=bob)
    with CaptureQueriesContext(connection) as queries:
        for _ in range(5):
            note_presence(approval, user=bob)
    assert all(query["sql"].startswith("SELECT") for query in queries)
    Presence.objects.update(seen_at=datetime.now(UTC) - timedelta(seconds=16))
    note_presence(approval, user=bob)
    assert (
        Presence.objects.filter(seen_at__gt=datetime.now(UTC) - timedelta(seconds=5)).count() == 1
    )


def test_what_is_hidden_is_looked_at_by_nobody_for_others(make_run: Make) -> None:
    make_teams()
    hold("1 of @hr, seen by them only")
    approval = ask(make_run())
    stranger = log_in("Z")
    assert stranger.post(f"{page_of(approval)}presence/").status_code == 404
    note_presence(approval, user=person("H1"))
    assert "H1" not in text_of(stranger.get("/?list=all"))
    assert stranger.get(f"{page_of(approval)}state/").status_code == 404
    assert not Presence.objects.filter(user__username="Z").exists()


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], ""),
        (["bob"], "bob is looking at this"),
        (["bob", "eve"], "bob and eve are looking at this"),
        (["bob", "eve", "joe"], "bob and 2 others are looking at this"),
    ],
)
def test_it_is_said_in_a_sentence(names: list[str], sentence: str) -> None:
    assert labels.looking(names) == sentence
