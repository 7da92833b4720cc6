"""Comments on an approval: who may, who hears, what can be changed, and who is asked."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from approvals.models import Approval, Comment, Notification
from approvals.services import comments
from approvals.services.comments import Commented, CommentRefused
from flowruns.services.api_keys import create_api_key
from tests.integration.conftest import Api, Make, Run
from tests.integration.pages import FROM_HTMX, YES, ask, log_in, page_of, text_of
from tests.integration.telling import Mail, mail, reach
from tests.mail import text_of_mail
from tests.teams import hold, person

__all__ = ["mail"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def approval(run: Run) -> Approval:
    return ask(run)


@pytest.fixture
def of_rita(make_run: Make) -> Approval:
    """What waits of a run that rita has asked for."""
    run = Run(Api(create_api_key("rita's", scopes=["flows"], owner=person("rita"))), "")
    flow_id = make_run().read()["flow_id"]
    run.id = json.loads(run.api.post("/flow_runs/", {"flow_id": flow_id}).content)["id"]
    run.propose("RUNNING")
    return ask(run)


def say(approval: Approval, name: str, text: str, **options: Any) -> Comment:
    result = comments.write_comment(approval, user=person(name), text=text, **options)
    assert isinstance(result, Commented)
    return result.comment


def is_asked(approval: Approval) -> bool:
    return Approval.objects.get(pk=approval.pk).asked_requester_at is not None


def test_people_comment_before_and_after_the_end(run: Run, approval: Approval) -> None:
    alice, bob = log_in(), log_in("bob")
    alice.post(f"{page_of(approval)}comments/write/", {"text": "Is **this** right?"})
    run.resume({"approve": True})
    bob.post(f"{page_of(approval)}comments/write/", {"text": "It was."})
    page = alice.get(page_of(approval))
    assert "<strong>this</strong>" in page.content.decode()
    assert "You just now Is this right?" in text_of(page)
    assert "bob just now It was." in text_of(page)


def test_a_comment_is_cleaned_like_what_a_flow_writes(approval: Approval) -> None:
    say(
        approval, "bob", "<script>alert(1)</script> [x](javascript:alert(1)) ![](https://x.y/z.png)"
    )
    page = log_in().get(page_of(approval)).content.decode()
    assert "<script>alert" not in page
    assert 'href="javascript' not in page
    assert '<img src="https' not in page


def test_the_flow_gets_no_comment(run: Run, approval: Approval) -> None:
    say(approval, "bob", "for people only")
    log_in().post(page_of(approval), YES)
    inputs = run.api.post(f"/flow_runs/{run.id}/input/filter", {}).content.decode()
    assert "for people only" not in inputs
    assert "for people only" not in str(run.read())


@pytest.mark.parametrize(
    ("text", "why"),
    [(" \n", "Write something first"), ("a\x00", "NUL"), ("x" * 10_001, "under 10,000")],
)
def test_what_cannot_be_stored_is_refused_and_stays_typed(
    approval: Approval, text: str, why: str
) -> None:
    address = f"{page_of(approval)}comments/write/"
    refused = log_in().post(address, {"text": text}, headers=FROM_HTMX)
    assert refused.status_code == 422
    assert why in text_of(refused)
    assert text.replace("\x00", "")[:50].strip() in refused.content.decode()
    assert not Comment.objects.exists()


def test_whoever_may_not_see_it_may_not_comment_nor_read(run: Run) -> None:
    person("alice")
    hold("1 of alice, seen by them only")
    approval = ask(run)
    comment = say(approval, "alice", "secret")
    charlie = log_in("charlie")
    address = f"{page_of(approval)}comments/"
    paths = (f"{address}write/", f"{address}{comment.pk}/", f"{address}{comment.pk}/delete/")
    assert [charlie.post(path, {"text": "x"}).status_code for path in paths] == [404] * 3
    assert charlie.get(address, headers=FROM_HTMX).status_code == 404
    assert Comment.objects.get().text == "secret"


def test_a_comment_of_another_approval_is_not_reached_by_this_one(make_run: Make) -> None:
    first, second = ask(make_run()), ask(make_run())
    comment = say(first, "alice", "here")
    address = f"{page_of(second)}comments/{comment.pk}/"
    assert log_in().post(address, {"text": "there"}).status_code == 404


def test_its_author_edits_it_for_five_minutes(approval: Approval) -> None:
    comment = say(approval, "alice", "tipo")
    assert isinstance(comments.edit_comment(comment, user=person("bob"), text="x"), CommentRefused)
    address = f"{page_of(approval)}comments/{comment.pk}/"
    alice = log_in()
    alice.post(address, {"text": "typo"})
    assert "just now · edited typo" in text_of(alice.get(page_of(approval)))
    Comment.objects.update(written_at=comment.written_at - timedelta(minutes=5))
    assert "five minutes" in text_of(alice.post(address, {"text": "late"}, follow=True))
    assert Comment.objects.get().text == "typo"
    assert "Save" not in text_of(alice.get(page_of(approval)))


def test_a_deleted_comment_leaves_a_mark_without_its_text(approval: Approval) -> None:
    comment = say(approval, "alice", "never mind")
    address = f"{page_of(approval)}comments/{comment.pk}/delete/"
    log_in("bob").post(address)
    assert Comment.objects.get().text == "never mind"
    log_in().post(address)
    page = text_of(log_in("bob").get(page_of(approval)))
    assert "alice just now Deleted just now" in page
    assert Comment.objects.get().text == ""
    assert isinstance(comments.delete_comment(comment, user=person("alice")), CommentRefused)


def test_an_open_page_is_told_only_of_news(approval: Approval) -> None:
    alice = log_in()
    address = f"{page_of(approval)}comments/"
    shown = alice.get(page_of(approval)).context["comments_mark"]
    assert alice.get(address, {"shown": shown}, headers=FROM_HTMX).status_code == 204
    say(approval, "bob", "news")
    assert "news" in text_of(alice.get(address, {"shown": shown}, headers=FROM_HTMX))


def test_what_was_typed_stays_when_the_session_or_its_token_has_ended(approval: Approval) -> None:
    address = f"{page_of(approval)}comments/write/"
    ended = Client().post(address, {"text": "typed"}, headers=FROM_HTMX)
    assert (ended.status_code, ended["HX-Retarget"]) == (401, "#session-notice")
    alice = log_in(enforce_csrf_checks=True)
    page = {**FROM_HTMX, "Origin": "http://testserver"}
    stale = alice.post(address, {"text": "typed"}, headers=page)
    assert stale.status_code == 422
    assert "press Comment again" in text_of(stale)
    assert "\ntyped</textarea>" in stale.content.decode()
    assert not Comment.objects.exists()
    assert alice.get(address)["Location"] == f"{page_of(approval)}#comments"


def test_who_is_mentioned_is_told_once_without_the_words(approval: Approval, mail: Mail) -> None:
    reach("bob")
    Notification.objects.all().delete()
    comment = say(approval, "alice", "@bob, @Bob: look at `@carol` of x@dave.org")
    comments.edit_comment(comment, user=person("alice"), text="@bob. look again")
    mail.deliver()
    assert mail.subjects == [f"alice mentions you: refund / {approval.flow_run_name}"]
    body = text_of_mail(mail.server.arrived[0])
    assert "look" not in body
    assert f"/approvals/{approval.pk}/#comments" in body


def test_an_edit_tells_who_is_mentioned_now(approval: Approval, mail: Mail) -> None:
    reach("bob")
    comment = say(approval, "alice", "look")
    comments.edit_comment(comment, user=person("alice"), text="look @bob")
    assert [str(row.channel.user) for row in mail.rows(kind="mentioned")] == ["bob"]


def test_a_mention_reaches_only_who_may_see_it(run: Run, mail: Mail) -> None:
    reach("alice")
    hold("1 of alice, seen by them only")
    reach("charlie")
    approval = ask(run)
    address = f"{page_of(approval)}comments/write/"
    answer = log_in().post(address, {"text": "@charlie @nobody"}, headers=FROM_HTMX)
    assert "Nobody who may see this is called @charlie, @nobody." in text_of(answer)
    assert mail.rows(kind="mentioned") == []


@pytest.mark.parametrize(
    ("name", "mentioned"), [("Иван", "@Иван"), ("Иван", "@иван"), ("Ärger", "@ÄRGER")]
)
def test_letters_of_any_alphabet_mention_somebody_as_they_are_called(
    approval: Approval, mail: Mail, name: str, mentioned: str
) -> None:
    reach(name)
    say(approval, "alice", f"{mentioned}, look")
    assert [str(row.channel.user) for row in mail.rows(kind="mentioned")] == [name]


def test_whoever_mentions_too_many_is_told_and_nobody_is_left_out_in_silence(
    approval: Approval,
) -> None:
    crowd = " ".join(f"@person{number}" for number in range(21))
    refused = comments.write_comment(approval, user=person("alice"), text=crowd)
    told = "Mention 20 people at most; there are 21 now."
    assert refused == comments.CommentRefused(told)


def test_a_mention_after_the_end_is_told_and_one_from_before_is_not(
    run: Run, approval: Approval, mail: Mail
) -> None:
    reach("bob")
    say(approval, "alice", "@bob before")
    run.resume({"approve": True})
    say(Approval.objects.get(pk=approval.pk), "alice", "@bob after")
    mail.deliver()
    mail.deliver(hours=1)
    assert mail.outcomes(kind="mentioned") == [("mentioned", "skipped"), ("mentioned", "sent")]


def test_a_mention_in_a_deleted_comment_is_not_sent(approval: Approval, mail: Mail) -> None:
    reach("bob")
    comment = say(approval, "alice", "@bob")
    comments.delete_comment(comment, user=person("alice"))
    mail.deliver()
    assert mail.outcomes(kind="mentioned") == [("mentioned", "skipped")]


def test_asking_the_requester_pauses_reminders_until_they_reply(
    of_rita: Approval, mail: Mail
) -> None:
    reach("rita")
    reach("alice")
    Notification.objects.all().delete()
    say(of_rita, "alice", "What for?", asks_requester=True)
    assert is_asked(of_rita)
    say(of_rita, "bob", "I wonder, too.")
    assert is_asked(of_rita)
    mail.deliver()
    assert mail.subjects == [f"alice asks you: refund / {of_rita.flow_run_name}"]
    say(of_rita, "rita", "For the trip.")
    assert not is_asked(of_rita)
    mail.deliver(hours=1)
    assert mail.subjects[1:] == [f"rita has replied: refund / {of_rita.flow_run_name}"]


def test_a_question_that_is_deleted_asks_no_more(of_rita: Approval) -> None:
    question = say(of_rita, "alice", "What for?", asks_requester=True)
    comments.delete_comment(question, user=person("alice"))
    assert not is_asked(of_rita)


def test_a_reply_that_is_deleted_was_a_reply(of_rita: Approval) -> None:
    say(of_rita, "alice", "What for?", asks_requester=True)
    reply = say(of_rita, "rita", "For the trip.")
    comments.delete_comment(reply, user=person("rita"))
    assert not is_asked(of_rita)


def test_only_another_who_is_known_can_be_asked(of_rita: Approval, approval: Approval) -> None:
    rita, alice = person("rita"), person("alice")
    assert comments.may_ask_requester(of_rita, user=alice)
    assert not comments.may_ask_requester(of_rita, user=rita)
    assert not comments.may_ask_requester(approval, user=alice)
    refused = comments.write_comment(approval, user=alice, text="Who?", asks_requester=True)
    assert isinstance(refused, CommentRefused)
    assert "Ask the requester" not in text_of(log_in().get(page_of(approval)))
    assert "Ask the requester" in text_of(log_in().get(page_of(of_rita)))


def test_a_comment_outlives_its_authors_account(approval: Approval) -> None:
    say(approval, "bob", "stays")
    User.objects.get(username="bob").delete()
    assert "bob just now stays" in text_of(log_in().get(page_of(approval)))
