"""Buttons in Slack: pressed by somebody whom the desk knows, and decided by the same services."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

import pytest
from slack_sdk.models.views import View
from slack_sdk.socket_mode.request import SocketModeRequest
from websockets.sync.server import ServerConnection, serve

from approvals.messages import slack_socket
from approvals.messages.delivering import deliver_due
from approvals.messages.slack import send_slack
from approvals.messages.slack_socket import listen_to_slack, take_presses
from approvals.models import Approval, Channel
from tests.integration.conftest import Run
from tests.integration.pages import ask
from tests.integration.telling import HOST, Clock, reach
from tests.slack import Slack, serve_slack
from tests.teams import hold, make_teams

pytestmark = pytest.mark.django_db


@dataclass
class Desk:
    """A desk with people in Slack, and what they press."""

    slack: Slack
    envelopes: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: list[Any] = field(default_factory=list)

    def deliver(self, **later: float) -> list[dict[str, Any]]:
        """Send what waits, and return the buttons of the last message."""
        clock = Clock()
        clock.move(**(later or {"seconds": 11}))
        deliver_due(Channel.Kind.SLACK, send=send_slack, clock=clock)
        blocks = json.loads(self.slack.posts[-1]["blocks"])
        return [each for block in blocks for each in block.get("elements", [])]

    def press(self, button: dict[str, Any], *, member: str = "Ubob") -> None:
        self.send(
            {
                "type": "block_actions",
                "user": {"id": member},
                "trigger_id": "1.2",
                "channel": {"id": "Dbob"},
                "actions": [button],
            }
        )

    def send(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Have an envelope taken, and return what it is acknowledged with."""
        envelope = {"envelope_id": "e1", "type": "interactive", "payload": payload}
        assert SocketModeRequest.from_dict(envelope) is not None
        self.envelopes = [{"type": "hello"}, envelope, {"type": "disconnect"}]
        self.acknowledged.clear()
        assert take_presses() == 1
        [answer] = self.acknowledged
        assert answer.pop("envelope_id") == "e1"
        told: dict[str, Any] = answer.get("payload", {})
        return told

    @property
    def notes(self) -> list[str]:
        return [note["text"] for note in self.slack.named("chat.postEphemeral")]


class AtOnce(Executor):
    """Does in the thread of the test, which has the database, what others do in theirs."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


@pytest.fixture
def desk(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(slack_socket, "_workers", AtOnce())
    with serve_slack() as slack:
        found = Desk(slack)

        def talk(socket: ServerConnection) -> None:
            for envelope in found.envelopes:
                socket.send(json.dumps(envelope))
                if "envelope_id" in envelope:
                    found.acknowledged.append(json.loads(socket.recv(5)))

        with serve(talk, "127.0.0.1", 0) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            slack.socket_url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
            settings.SLACK_API_URL = slack.url
            settings.SLACK_BOT_TOKEN, settings.SLACK_APP_TOKEN = "xoxb-1", "xapp-1"
            settings.PUBLIC_URL = HOST
            slack.members = {"bob@example.com": "Ubob"}
            slack.profiles = {
                "Ubob": {"profile": {"email": "bob@example.com"}, "is_email_confirmed": True},
                "Ueve": {"profile": {"email": "eve@example.com"}},
            }
            reach("bob")
            yield found
            server.shutdown()
        thread.join(5)


@pytest.fixture
def approval(desk: Desk, run: Run) -> Approval:
    """A pause without a form."""
    run.pause(seconds=300_000_000)
    return Approval.objects.get()


def test_one_press_approves_in_the_name_of_whoever_pressed(desk: Desk, approval: Approval) -> None:
    approve, _ = desk.deliver()
    desk.press(approve)
    approval.refresh_from_db()
    assert approval.outcome == Approval.Outcome.ANSWERED
    assert (approval.decision.decided_by, approval.decision.via) == ("bob", "slack")
    assert desk.notes == ["Your answer is on its way."]
    desk.press(approve)
    assert desk.notes[-1] == "It does not wait for you any more."


def test_somebody_of_another_workspace_is_nobody_whatever_address_they_have(
    desk: Desk, approval: Approval
) -> None:
    """In a channel that two companies share, the other one says which addresses its people have."""
    approve, _ = desk.deliver()
    desk.slack.profiles["Ueve"] = {**desk.slack.profiles["Ubob"], "team_id": "T2"}
    desk.press(approve, member="Ueve")
    approval.refresh_from_db()
    assert approval.is_waiting
    assert desk.notes[0].startswith("The desk does not know which of its people you are.")


def test_who_presses_what_has_changed_is_told_so_and_where_to_look(
    desk: Desk, run: Run, approval: Approval
) -> None:
    approve, _ = desk.deliver()
    run.api.request("PATCH", f"/flow_runs/{run.id}", {"parameters": {"amount": 9000}})
    desk.press(approve)
    page = f"{HOST}/approvals/{approval.pk}/"
    assert desk.notes == [f"What is asked has changed since. Look at it again: {page}"]
    approval.refresh_from_db()
    assert approval.is_waiting


def test_a_rejection_asks_why_first(desk: Desk, approval: Approval) -> None:
    _, reject = desk.deliver()
    desk.press(reject)
    view = json.loads(desk.slack.named("views.open")[0]["view"])
    View(**view).validate_json()
    approval.refresh_from_db()
    assert approval.is_waiting
    view["state"] = {"values": {"reason": {"reason": {"value": "too dear"}}}}
    desk.send({"type": "view_submission", "user": {"id": "Ubob"}, "view": view})
    approval.refresh_from_db()
    assert approval.outcome == Approval.Outcome.REJECTED
    assert approval.decision.reason == "too dear"


@pytest.mark.parametrize("member", ["Ueve", "Unobody"])
def test_whom_the_desk_does_not_know_gets_a_note_and_a_link(
    desk: Desk, approval: Approval, member: str
) -> None:
    approve, _ = desk.deliver()
    desk.press(approve, member=member)
    approval.refresh_from_db()
    assert approval.is_waiting
    assert f"{HOST}/me/" in desk.notes[0]


def test_an_address_that_is_not_confirmed_or_that_two_have_says_nothing(
    desk: Desk, approval: Approval
) -> None:
    approve, _ = desk.deliver()
    desk.slack.profiles["Ubob"]["is_email_confirmed"] = False
    desk.press(approve)
    desk.slack.profiles["Ubob"]["is_email_confirmed"] = True
    reach("alice", email="bob@example.com")
    desk.press(approve)
    approval.refresh_from_db()
    assert approval.is_waiting


def test_whoever_may_not_answer_is_told_so(desk: Desk, run: Run) -> None:
    make_teams()
    reach("F1", email="f1@example.com")
    desk.slack.members["f1@example.com"] = "U1"
    hold("1 of @finance")
    run.pause(seconds=300_000_000)
    approve, _ = desk.deliver()
    desk.press(approve)
    assert Approval.objects.get().is_waiting
    assert "finance" in desk.notes[0]


def test_a_vote_counts_as_on_the_pages(desk: Desk, run: Run) -> None:
    make_teams()
    reach("F1", email="bob@example.com")
    reach("bob", email="")
    hold("1 of @finance + 1 of @data")
    run.pause(seconds=300_000_000)
    approve, _ = desk.deliver()
    desk.press(approve)
    assert "Your answer counts." in desk.notes[0]
    assert Approval.objects.get().votes.get().name == "F1"


@pytest.mark.parametrize("asks", [True, False])
def test_a_signature_is_given_at_the_desk(desk: Desk, run: Run, asks: bool) -> None:
    hold("anyone, signed")
    if asks:
        ask(run)
    else:
        run.pause(seconds=300_000_000)
    assert desk.deliver() == []


def test_a_round_of_listening_ends_at_once_and_the_next_one_opens_what_has_closed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end, began = threading.Event(), threading.Semaphore(0)

    def take() -> int:
        began.release()
        assert may_end.wait(10)
        raise OSError("The connection was reset.")

    monkeypatch.setattr(slack_socket, "take_presses", take)
    assert [listen_to_slack(), listen_to_slack()] == [1, 1]
    assert began.acquire(timeout=10)
    assert not began.acquire(blocking=False), "one connection for a process"
    may_end.set()
    assert slack_socket._listener is not None
    slack_socket._listener.join(10)
    assert listen_to_slack() == 1
    assert began.acquire(timeout=10)
    slack_socket._listener.join(10)
