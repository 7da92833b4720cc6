"""Channels of groups: told once of what the group may answer, and never of what is hidden."""

import json
import sys
from collections.abc import Iterator
from io import StringIO
from types import ModuleType
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from approvals.messages.delivering import deliver_due
from approvals.messages.email import send_mail
from approvals.messages.posts import send_apprise, send_teams
from approvals.messages.sealing import seal, unseal_address
from approvals.messages.slack import send_slack
from approvals.models import Channel, Notification
from tests.integration.conftest import Make, Run
from tests.integration.pages import ask, log_in, text_of
from tests.integration.telling import HOST, Clock, Mail, mail
from tests.programs import Program, serve_program
from tests.slack import Slack, serve_slack
from tests.teams import hold, make_teams, person, say_yes

__all__ = ["mail"]
pytestmark = pytest.mark.django_db
clock = Clock()
SENDERS = {
    Channel.Kind.SLACK: send_slack,
    Channel.Kind.TEAMS: send_teams,
    Channel.Kind.EMAIL: send_mail,
    Channel.Kind.APPRISE: send_apprise,
}


def deliver(kind: Channel.Kind, **later: float) -> int:
    clock.now = max(clock.now, Clock().now)
    clock.move(**(later or {"seconds": 11}))
    return deliver_due(kind, send=SENDERS[kind], clock=clock)


def set_channel(*words: str) -> str:
    said = StringIO()
    call_command("setchannel", *words, stdout=said)
    return said.getvalue().strip()


@pytest.fixture
def slack(settings: Any) -> Iterator[Slack]:
    with serve_slack() as found:
        settings.SLACK_API_URL = found.url
        settings.SLACK_BOT_TOKEN = "xoxb-1"
        settings.PUBLIC_URL = HOST
        yield found


@pytest.fixture
def workflow(settings: Any) -> Iterator[Program]:
    """The workflow of Teams that finance is told by."""
    settings.WEBHOOKS_MAY_REACH = ["127.0.0.1"]
    settings.PUBLIC_URL = HOST
    make_teams()
    with serve_program() as found:
        set_channel("money", "teams", "https://teams.example/hook?sig=1", "--group", "finance")
        Channel.objects.update(address=seal(found.url))
        yield found


def test_a_slack_channel_is_told_and_its_message_is_changed(slack: Slack, run: Run) -> None:
    make_teams()
    said = set_channel("money", "slack", "C012AB3CD", "--group", "finance")
    assert said == "money: Slack, for finance"
    hold("1 of @finance")
    approval = ask(run)
    assert deliver(Channel.Kind.SLACK) == 1
    assert slack.posts[0]["channel"] == "C012AB3CD"
    say_yes(approval, "F1", {"approve": True})
    deliver(Channel.Kind.SLACK)
    (edit,) = slack.edits
    assert "Answered by F1" in edit["blocks"]


def test_a_workflow_gets_a_card_with_a_link_and_a_second_one_at_the_end(
    workflow: Program, run: Run
) -> None:
    hold("1 of @finance")
    approval = ask(run)
    assert deliver(Channel.Kind.TEAMS) == 1
    say_yes(approval, "F1", {"approve": True})
    assert deliver(Channel.Kind.TEAMS) == 1
    asked, ended = (json.loads(body) for _, body in workflow.posts)
    card = asked["attachments"][0]["content"]
    assert card["type"] == "AdaptiveCard"
    assert card["actions"][0]["url"] == f"{HOST}/approvals/{approval.pk}/"
    assert "Answered by F1" in json.dumps(ended)


@pytest.mark.parametrize(
    ("status", "outcome"), [(429, "waiting"), (500, "waiting"), (302, "dead"), (404, "dead")]
)
def test_a_workflow_that_refuses_is_tried_again_or_dead(
    workflow: Program, run: Run, status: int, outcome: str
) -> None:
    hold("1 of @finance")
    workflow.answers = [(status, {})]
    ask(run)
    assert deliver(Channel.Kind.TEAMS) == 0
    row = Notification.objects.get(channel__name="money")
    assert (row.outcome, row.why) == (outcome, f"HTTP {status}")


@pytest.mark.parametrize(("letter", "shown"), [("a", 20), ("審", 8)])
def test_a_workflow_gets_a_card_of_a_size_it_takes_that_says_how_many_more_there_are(
    workflow: Program, make_run: Make, letter: str, shown: int
) -> None:
    """Teams refuses what is longer than 28 kB."""
    hold("1 of @finance")
    for _ in range(25):
        ask(make_run())
    longest = letter * 200
    Notification.objects.update(content={"flow": "f", "run": longest, "question": longest})
    assert deliver(Channel.Kind.TEAMS) == 1
    ((_, body),) = workflow.posts
    assert len(body) <= 28_000
    card = json.loads(body)["attachments"][0]["content"]
    last = card["body"][-1]["inlines"][0]["text"]
    told = sum(longest in json.dumps(each, ensure_ascii=False) for each in card["body"]) // 2
    assert (told >= shown, last) == (True, f"And {25 - told} more.")
    assert card["actions"][-1]["url"] == f"{HOST}/"


@pytest.mark.parametrize("line", ["1 of @finance, seen by them only", "1 of @data", "anyone"])
def test_a_group_hears_nothing_of_what_is_hidden_or_of_others(
    workflow: Program, run: Run, line: str
) -> None:
    hold(line)
    ask(run)
    deliver(Channel.Kind.TEAMS)
    assert workflow.posts == []


def test_what_became_hidden_is_not_sent(workflow: Program, run: Run) -> None:
    hold("1 of @finance")
    approval = ask(run)
    type(approval).objects.update(is_hidden=True)
    assert deliver(Channel.Kind.TEAMS) == 0
    assert Notification.objects.get(channel__name="money").outcome == "skipped"


def test_a_mailing_list_is_told_and_nobody_unsubscribes_it_for_all(mail: Mail, run: Run) -> None:
    set_channel("everybody", "email", "desk@lists.example.com")
    ask(run)
    assert deliver(Channel.Kind.EMAIL) == 1
    (told,) = mail.server.arrived
    assert told["To"] == "desk@lists.example.com"
    assert told["List-Unsubscribe"] is None


def test_apprise_sends_what_it_can_reach(
    run: Run, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PUBLIC_URL = HOST
    told: list[dict[str, str]] = []

    class Apprise:
        def add(self, address: str) -> bool:
            return address == "ntfy://desk"

        def notify(self, **message: str) -> bool:
            told.append(message)
            return len(told) > 1

    module = ModuleType("apprise")
    module.Apprise = Apprise  # type: ignore[attr-defined]
    module.__spec__ = sys.__spec__
    monkeypatch.setitem(sys.modules, "apprise", module)
    set_channel("phones", "apprise", "ntfy://desk")
    approval = ask(run)
    assert deliver(Channel.Kind.APPRISE) == 0
    assert deliver(Channel.Kind.APPRISE) == 1
    assert told[0]["title"] == f"refund / {approval.flow_run_name} waits for you"
    assert f"{HOST}/approvals/{approval.pk}/" in told[0]["body"]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["a", "slack", "#general"], "needs its id"),
        (["a", "teams", "http://teams.example/?sig=secret"], "https"),
        (["a", "email", "nobody"], "e-mail address"),
        (["a", "email", "a@example.com", "--group", "nope"], "no group 'nope'"),
        ([" ", "email", "a@example.com"], "needs a name"),
    ],
)
def test_a_channel_that_cannot_be_is_refused_without_repeating_its_address(
    words: list[str], problem: str
) -> None:
    with pytest.raises(CommandError, match=problem) as refused:
        set_channel(*words)
    assert "secret" not in str(refused.value)
    assert not Channel.objects.exists()


def test_an_operator_sets_a_channel_in_the_administration(mail: Mail) -> None:
    root = person("root")
    root.is_staff = root.is_superuser = True
    root.save()
    client = log_in("root")
    page = "/admin/approvals/channel/"
    posted = {"name": "list", "kind": "email", "where": "x", "is_on": "on"}
    assert "e-mail address" in text_of(client.post(f"{page}add/", posted))
    client.post(f"{page}add/", {**posted, "where": "desk@lists.example.com"})
    channel = Channel.objects.get(user=None)
    assert unseal_address(channel) == "desk@lists.example.com"
    changed = client.get(f"{page}{channel.pk}/change/").content.decode()
    assert "lists.example.com" not in changed
    client.post(f"{page}{channel.pk}/change/", {**posted, "where": "", "is_on": ""})
    channel.refresh_from_db()
    assert not channel.is_on
    assert unseal_address(channel) == "desk@lists.example.com"
