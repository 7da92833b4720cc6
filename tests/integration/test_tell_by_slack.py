"""Slack: one message, changed where it is when somebody decides, by a loop of its own."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from approvals.messages.delivering import deliver_due
from approvals.messages.email import send_mail
from approvals.messages.recipients import get_channel
from approvals.messages.slack import send_slack
from approvals.messages.verdicts import SendVerdict
from approvals.models import Channel, Notification
from tests.integration.conftest import Make, Run
from tests.integration.pages import ask, log_in, text_of
from tests.integration.telling import HOST, Clock, Mail, mail, reach
from tests.slack import RESET, Slack, serve_slack
from tests.teams import hold, make_teams, person, say_no, say_yes

__all__ = ["mail"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def slack(settings: Any) -> Iterator[Slack]:
    with serve_slack() as found:
        settings.SLACK_API_URL = found.url
        settings.SLACK_BOT_TOKEN = "xoxb-1"
        settings.PUBLIC_URL = HOST
        found.members = {f"{name}@example.com": f"U{name}" for name in ("alice", "bob")}
        yield found


clock = Clock()


@pytest.fixture(autouse=True)
def fresh_clock() -> None:
    clock.now = Clock().now


def deliver(**later: float) -> int:
    clock.now = max(clock.now, Clock().now)
    clock.move(**(later or {"seconds": 11}))
    return deliver_due(Channel.Kind.SLACK, send=send_slack, clock=clock)


def outcomes() -> list[tuple[str, str, str]]:
    rows = Notification.objects.order_by("id")
    return [(row.kind, row.outcome, row.why) for row in rows]


def test_somebody_is_told_by_slack_under_the_address_of_their_account(
    slack: Slack, run: Run
) -> None:
    reach("bob")
    approval = ask(run)
    assert slack.calls == []
    assert deliver() == 1
    (post,) = slack.posts
    assert post["channel"] == "Ubob"
    assert post["text"] == f"refund / {approval.flow_run_name} waits for you"
    assert f"<{HOST}/approvals/{approval.pk}/|" in post["blocks"]
    assert deliver(hours=1) == 0
    assert "Ubob" not in get_channel(person("bob"), Channel.Kind.SLACK).address


def test_a_message_is_changed_when_somebody_decides(slack: Slack, run: Run) -> None:
    reach("alice")
    reach("bob")
    approval = ask(run)
    assert deliver() == 2
    say_yes(approval, "bob", {"approve": True})
    assert deliver() == 2
    assert len(slack.posts) == 2
    assert {edit["channel"] for edit in slack.edits} == {"Dalice", "Dbob"}
    assert all("Answered by bob" in edit["blocks"] for edit in slack.edits)


def test_one_of_a_digest_is_changed_and_the_others_wait_on(slack: Slack, make_run: Make) -> None:
    reach("bob")
    first, second = ask(make_run()), ask(make_run())
    assert deliver() == 1
    say_no(first, "alice")
    assert deliver() == 1
    (edit,) = slack.edits
    ended, waits = json.loads(edit["blocks"])
    assert "Rejected by alice" in ended["text"]["text"]
    assert f"{second.flow_run_name} waits for you" in waits["text"]["text"]


def test_a_message_that_is_fixed_is_answered_in_its_thread(slack: Slack, run: Run) -> None:
    reach("bob")
    approval = ask(run)
    deliver()
    say_no(approval, "alice")
    slack.answers = [(200, {}, {"ok": False, "error": "cant_update_message"})]
    assert deliver() == 1
    _, answer = slack.posts
    assert (answer["channel"], answer["thread_ts"]) == ("Dbob", "17.2")
    assert "Rejected by alice" in answer["blocks"]


def test_a_message_that_is_gone_needs_no_change(slack: Slack, run: Run) -> None:
    reach("bob")
    approval = ask(run)
    deliver()
    say_no(approval, "alice")
    slack.answers = [(200, {}, {"ok": False, "error": "message_not_found"})]
    deliver()
    assert [outcome for _, outcome, _ in outcomes()] == ["sent", "sent"]


def test_whoever_may_not_see_it_any_more_is_told_nothing(slack: Slack, run: Run) -> None:
    make_teams()
    reach("F1")
    slack.members["f1@example.com"] = "U1"
    hold("1 of @finance, seen by them only")
    ask(run)
    person("F1").groups.clear()
    assert deliver() == 0
    assert slack.calls == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((429, {"retry-after": "3600"}, {"ok": False}), "HTTP 429"),
        ((500, {}, "no"), "HTTP 500"),
        ((200, {}, {"ok": False, "error": "internal_error"}), "Slack says internal_error."),
        ((200, {}, {"ok": False, "error": "invalid_auth"}), "Slack says invalid_auth."),
        ((200, {}, "nonsense"), "Slack says nothing."),
        ((RESET, {}, ""), "Server disconnected without sending a response."),
    ],
)
def test_what_slack_does_not_take_is_tried_again(
    slack: Slack, run: Run, answer: Any, why: str
) -> None:
    reach("bob")
    ask(run)
    slack.answers = [answer]
    assert deliver() == 0
    assert outcomes() == [("waits", "waiting", why)]
    assert deliver(minutes=10) == (0 if answer[0] == 429 else 1)
    assert deliver(hours=1) == (1 if answer[0] == 429 else 0)


def test_whom_slack_does_not_know_is_not_reached_and_staff_hear_of_it(
    slack: Slack, run: Run
) -> None:
    reach("eve")
    reach("alice", is_staff=True)
    ask(run)
    deliver()
    deliver(seconds=1)
    dead = Notification.objects.get(outcome="dead")
    assert dead.why == "Slack knows nobody with the address eve@example.com."
    assert Notification.objects.filter(kind="undelivered").count() == 1


def test_nothing_of_a_flow_is_a_mention_or_a_link_to_slack(
    slack: Slack, run: Run, settings: Any
) -> None:
    settings.MESSAGE_CONTENT = "question"
    reach("bob")
    ask(run, "<!channel> & <https://evil.example|safe>")
    deliver()
    (block,) = json.loads(slack.posts[0]["blocks"])
    assert "<!" not in block["text"]["text"]
    assert block["text"]["text"].count("<") == 1
    assert block["text"]["verbatim"]


def test_a_code_that_slack_brings_says_who_somebody_is_there(slack: Slack, run: Run) -> None:
    reach("alice", email="alice@elsewhere.example")
    alice = log_in()
    assert "looks like" in text_of(alice.post("/me/slack/", {"member": "@alice"}, follow=True))
    alice.post("/me/slack/", {"member": "U012ab3cd"})
    deliver(seconds=1)
    (brought,) = slack.posts
    assert brought["channel"] == "U012AB3CD"
    code = re.search(r"[A-Z2-7]{10}", brought["blocks"])
    assert code is not None
    assert code[0] not in str(Notification.objects.values_list("content", "receipt", "why"))
    wrong = alice.post("/me/slack/code/", {"code": "AAAAAAAAAA"}, follow=True)
    assert "not the last code" in text_of(wrong)
    bob = log_in("bob")
    assert "not the last" in text_of(bob.post("/me/slack/code/", {"code": code[0]}, follow=True))
    alice.post("/me/slack/code/", {"code": code[0].lower()})
    ask(run)
    deliver()
    assert slack.posts[-1]["channel"] == "U012AB3CD"
    assert slack.named("users.lookupByEmail") == []


def test_whoever_gets_another_address_is_looked_up_anew(slack: Slack, make_run: Make) -> None:
    reach("bob")
    ask(make_run())
    deliver()
    reach("bob", email="alice@example.com")
    ask(make_run())
    deliver(minutes=6)
    assert [post["channel"] for post in slack.posts] == ["Ubob", "Ualice"]


def test_slack_is_chosen_beside_mail_on_ones_own_page(mail: Mail, slack: Slack, run: Run) -> None:
    reach("bob")
    bob = log_in("bob")
    chosen = {"zone": "UTC", "by_slack": "on"}
    assert bob.post("/me/", chosen).status_code == 302
    ask(run)
    assert mail.deliver() == 0
    assert deliver() == 1


def test_a_mail_server_that_hangs_holds_up_no_slack(mail: Mail, slack: Slack, run: Run) -> None:
    """While a mail is on its way, for however long, Slack's own round goes out."""
    reach("alice")
    reach("bob")
    get_channel(person("bob"), Channel.Kind.SLACK)
    ask(run)
    told: list[int] = []

    def hang(channel: Channel, rows: Sequence[Notification]) -> SendVerdict:
        told.append(deliver())
        return send_mail(channel, rows)

    mail.deliver(hang)
    assert told[0] == 1
    assert slack.posts[0]["channel"] == "Ubob"
