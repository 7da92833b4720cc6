import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client

from approvals.models import Approval
from approvals.services.inbox import PAGE_SIZE
from tests.integration.conftest import Make, Run
from tests.integration.pages import FROM_HTMX, ask, log_in, page_of, text_of


def poll_address(html: str) -> str:
    found = re.search(r'id="waiting"[^>]*hx-get="([^"]+)"', html)
    assert found
    return found[1].replace("&amp;", "&")


def test_the_inbox_is_for_reviewers_only(db: None) -> None:
    response = Client().get("/?q=x")
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/%3Fq%3Dx"


def test_an_empty_inbox_explains_itself(db: None) -> None:
    response = log_in().get("/")
    assert "Nothing waits for you" in text_of(response)
    assert "<title>Inbox · Approvals</title>" in response.content.decode()


def test_the_inbox_shows_what_is_asked_since_when_and_for_how_long(make_run: Make) -> None:
    ask(make_run(name="quick-otter", tags=["finance"]))
    text = text_of(log_in().get("/"))
    for words in ("refund", "quick-otter", "Refund 2.5 EUR?", "finance", "asked just now"):
        assert words in text
    assert re.search(r"until (\d+ \w{3}, )?\d\d:\d\d", text)


def test_the_most_urgent_comes_first(make_run: Make) -> None:
    for name, seconds in (("late", 9000), ("urgent", 60), ("soon", 600)):
        make_run(name=name).pause(seconds=seconds)
    text = text_of(log_in().get("/"))
    assert text.index("urgent") < text.index("soon") < text.index("late")


@pytest.mark.parametrize("words", ["otter", "OTTER refund", "2.5", "finance"])
def test_a_search_finds_every_word_in_flow_run_question_or_tag(make_run: Make, words: str) -> None:
    ask(make_run(name="quick-otter", tags=["finance"]))
    make_run(name="other-badger").pause()
    text = text_of(log_in().get("/", {"q": words}))
    assert "quick-otter" in text
    assert "other-badger" not in text
    assert f"1 of 2 match “{words}”" in text


def test_a_search_without_a_match_says_so_and_leads_back(run: Run) -> None:
    run.pause()
    response = log_in().get("/", {"q": "zebra"})
    assert "Nothing that waits matches “zebra”" in text_of(response)
    assert "Show all 1" in text_of(response)


def test_an_unchanged_list_is_answered_with_no_content(run: Run) -> None:
    ask(run)
    client = log_in()
    address = poll_address(client.get("/").content.decode())
    assert client.get(address, headers=FROM_HTMX).status_code == 204


def test_a_changed_list_comes_with_its_number_and_says_so(make_run: Make) -> None:
    client = log_in()
    address = poll_address(client.get("/").content.decode())
    make_run(name="quick-otter").pause()
    html = client.get(address, headers=FROM_HTMX).content.decode()
    assert "quick-otter" in html
    assert "<title>(1) Inbox · Approvals</title>" in html
    assert "One approval waits" in html
    assert re.search(r'id="waiting-count"[^>]*hx-swap-oob', html)
    assert "<html" not in html


def test_an_answered_one_leaves_every_open_list(run: Run) -> None:
    approval = ask(run)
    alice, bob = log_in("alice"), log_in("bob")
    address = poll_address(alice.get("/").content.decode())
    bob.post(page_of(approval), {"f.0": "1", "f.1": ""})
    html = alice.get(address, headers=FROM_HTMX).content.decode()
    assert "Nothing waits for you" in html


def test_a_search_as_one_types_keeps_its_address(run: Run) -> None:
    ask(run)
    response = log_in().get("/inbox/list/", {"q": "refund 2"}, headers=FROM_HTMX)
    assert response["HX-Replace-Url"] == "/?q=refund+2"


def test_the_number_in_the_navigation_is_told_when_it_changes(run: Run) -> None:
    client = log_in()
    assert client.get("/inbox/count/?shown=0").status_code == 204
    run.pause()
    response = client.get("/inbox/count/?shown=0")
    assert response.status_code == 200
    assert "1 waiting" in text_of(response)


def test_a_poll_after_the_session_ended_says_so_and_stops(db: None) -> None:
    response = Client().get("/inbox/list/?mark=x", headers=FROM_HTMX)
    assert response.status_code == 401
    assert response["HX-Retarget"] == "#session-notice"
    assert "Your session has ended" in text_of(response)
    assert "next=%2Fapprovals%2Fx%2F" in response.content.decode()


def test_a_long_inbox_has_pages(run: Run) -> None:
    first = ask(run)
    Approval.objects.bulk_create(
        Approval(
            flow_name="copy",
            flow_run_name=f"copy-{number}",
            flow_run_id=uuid4(),
            pause_state_id=uuid4(),
            opened_at=first.opened_at + timedelta(seconds=number),
        )
        for number in range(PAGE_SIZE)
    )
    client = log_in()
    text = text_of(client.get("/"))
    assert f"{PAGE_SIZE + 1} approvals wait" in text
    assert f"copy-{PAGE_SIZE - 1}" not in text
    assert "Page 1 of 2" in text
    assert f"copy-{PAGE_SIZE - 1}" in text_of(client.get("/?page=2"))
    assert "Page 2 of 2" in text_of(client.get("/?page=999"))
    assert "Page 1 of 2" in text_of(client.get("/?page=²"))
