"""Views of the inbox under a name: one's own, and those that staff share."""

import pytest
from django.contrib.auth.models import User
from django.http import Http404

from approvals.models import SavedView
from approvals.services.saved_views import (
    MAX_VIEWS,
    ViewRefused,
    change_view,
    delete_view,
    list_views,
    save_view,
)
from tests.integration.conftest import Make
from tests.integration.pages import ask, log_in, text_of
from tests.teams import hold, make_teams, person


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_user("root", is_staff=True)


def names_of(user: User) -> list[str]:
    return [view.name for view in list_views(user)]


def test_a_view_is_its_owners_unless_staff_share_it(root: User) -> None:
    alice, bob = person("alice"), person("bob")
    save_view(alice, name="Mine", query="tag=eu")
    save_view(root, name="For all", query="due=day", is_shared=True)
    save_view(root, name="Not yet", query="due=week")
    assert names_of(alice) == ["For all", "Mine"]
    assert names_of(bob) == ["For all"]
    with pytest.raises(ViewRefused, match="Only staff"):
        save_view(bob, name="For all", query="", is_shared=True)
    User.objects.filter(username="root").update(is_staff=False)
    assert names_of(bob) == []


def test_a_name_is_saved_again_and_never_twice(root: User) -> None:
    alice = person("alice")
    save_view(alice, name="  Due \n today ", query="due=day")
    again = save_view(alice, name="Due today", query="due=hour")
    assert [(view.name, view.query) for view in list_views(alice)] == [("Due today", "due=hour")]
    other = save_view(alice, name="Other", query="")
    with pytest.raises(ViewRefused, match="There is a view"):
        change_view(alice, other.pk, name="Due today", is_shared=False)
    change_view(alice, again.pk, name="Soon", is_shared=False)
    assert names_of(alice) == ["Other", "Soon"]


@pytest.mark.parametrize("name", ["", " \x00 ", "x" * 61])
def test_a_name_is_short_and_says_something(db: None, name: str) -> None:
    with pytest.raises(ViewRefused):
        save_view(person("alice"), name=name, query="")


def test_only_so_many_views_are_kept(db: None) -> None:
    alice = person("alice")
    SavedView.objects.bulk_create(
        SavedView(owner=alice, name=str(number), query="") for number in range(MAX_VIEWS)
    )
    save_view(alice, name="7", query="due=day")
    with pytest.raises(ViewRefused, match="Delete one first"):
        save_view(alice, name="one more", query="")


def test_another_persons_view_is_not_found(root: User) -> None:
    alice, bob = person("alice"), person("bob")
    view = save_view(alice, name="Mine", query="")
    shared = save_view(root, name="Shared", query="", is_shared=True)
    for who, what in ((bob, view), (root, view), (bob, shared)):
        with pytest.raises(Http404):
            change_view(who, what.pk, name="Stolen", is_shared=False)
        with pytest.raises(Http404):
            delete_view(who, what.pk)
    delete_view(User.objects.create_user("other", is_staff=True), shared.pk)
    assert names_of(bob) == []


def test_a_view_is_saved_opened_renamed_and_deleted_on_pages(make_run: Make) -> None:
    ask(make_run(name="a", tags=["eu"]))
    client = log_in()
    reply = client.post(
        "/views/save/", {"name": "Europe", "query": "tag=eu&sort=urgent&x=1"}, follow=True
    )
    assert reply.redirect_chain == [("/?tag=eu", 302)]
    assert "“Europe” is among your lists now." in text_of(reply)
    assert '<a class="view" href="/?tag=eu" aria-current="true"' in reply.content.decode()
    view = SavedView.objects.get()
    client.post(f"/views/{view.pk}/", {"name": "EU"})
    assert "EU" in text_of(client.get("/views/"))
    assert log_in("bob").post(f"/views/{view.pk}/delete/").status_code == 404
    client.post(f"/views/{view.pk}/delete/")
    assert "No views yet" in text_of(client.get("/views/"))
    assert "Give the view a name" in text_of(
        client.post("/views/save/", {"name": " "}, follow=True)
    )


def test_a_shared_view_shows_nothing_that_its_reader_may_not_see(
    make_run: Make, root: User
) -> None:
    make_teams()
    hold("1 of @hr, seen by them only", "salaries")
    ask(make_run(name="a", tags=["secret"]))
    view = save_view(root, name="Salaries", query="list=all&policy=salaries", is_shared=True)
    page = log_in("Z").get(f"/?{view.query}")
    assert "0 of 0 match" in text_of(page) or "Show all 0" in text_of(page)
    assert "refund" not in text_of(page)
