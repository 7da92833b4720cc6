"""Whatever hangs behind Slack or the desk: Slack hears within its three seconds, and people too."""

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from slack_sdk.models.views import View

from approvals.messages import slack_socket
from approvals.models import HELD, Approval, Vote
from flowruns.sdk.inputs.schemas import schema_of
from tests.integration.conftest import Run
from tests.integration.pages import ask
from tests.integration.test_hold_votes import let_time_pass
from tests.integration.test_slack_buttons import Desk, approval, desk
from tests.integration.test_slack_forms import Refund, Window, read_told
from tests.slack import HANG

__all__ = ["approval", "desk"]
pytestmark = pytest.mark.django_db
TYPED = {"approve": "Yes", "amount": "42", "due": "2031-02-03", "comment": "as agreed"}


@pytest.fixture
def undoing(settings: Any) -> None:
    settings.UNDO_SECONDS = 10


class Hanging:
    """A step behind an envelope that hangs, in a thread as at work, until it may go on."""

    def __init__(self, told: dict[str, Any] | None = None) -> None:
        self._told, self._may_go_on = told, threading.Event()

    def __call__(self, _: dict[str, Any]) -> dict[str, Any] | None:
        assert self._may_go_on.wait(30)
        return self._told

    @contextmanager
    def behind(self, step: str) -> Iterator[None]:
        """Let it go on at the end, and wait until all is done."""
        with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as workers:
            patch.setattr(slack_socket, "_workers", workers)
            patch.setattr(slack_socket, "PATIENCE_SECONDS", 0)
            patch.setattr(slack_socket, step, self)
            yield
            self._may_go_on.set()
            workers.shutdown()


def find_undo(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    [undo] = [each for block in blocks for each in block.get("elements", [])]
    assert undo["text"]["text"] == "Undo"
    return dict(undo)


def answer_then(desk: Desk, answer: tuple[int, dict[str, str], str]) -> None:
    """Have the first call after the connection was opened answered like this."""
    desk.slack.answers = [(200, {}, {"ok": True, "url": desk.slack.socket_url}), answer]


def last_note(desk: Desk) -> list[dict[str, Any]]:
    return list(json.loads(desk.slack.named("chat.postEphemeral")[-1]["blocks"]))


def test_a_press_that_hangs_is_acknowledged_and_holds_up_no_other(desk: Desk) -> None:
    press = {"type": "block_actions", "user": {"id": "Ubob"}, "actions": []}
    with Hanging().behind("take_press"):
        assert [desk.send(press) for _ in range(3)] == [{}, {}, {}]


def open_window(desk: Desk, run: Run) -> Window:
    ask(run, schema=schema_of(Refund))
    window = Window(desk)
    window.view["id"] = "V1"
    return window


def test_a_window_that_hangs_says_so_and_shows_later_what_is_wrong_with_all_that_was_typed(
    desk: Desk, run: Run
) -> None:
    window = open_window(desk, run)
    names = [block["block_id"] for block in window.fields.values()]
    told = {"response_action": "errors", "errors": {names[1]: "It is too much."}}
    with Hanging(told).behind("take_submission"):
        assert read_told(window.submit(**TYPED)).startswith("One moment")
        assert desk.slack.named("views.update") == []
    [update] = desk.slack.named("views.update")
    assert update["view_id"] == "V1"
    window.view = json.loads(update["view"])
    View(**window.view).validate_json()
    assert window.view["blocks"][0]["text"]["text"] == "Amount: It is too much."
    assert read_told(window.submit()) == "Your answer is on its way."
    answer = json.loads(Approval.objects.get().decision.answer)
    assert answer == {**answer, "amount": 42, "due": "2031-02-03", "comment": "as agreed"}


def test_who_has_closed_the_window_meanwhile_gets_a_note(desk: Desk, run: Run) -> None:
    window = open_window(desk, run)
    told = {"response_action": "errors", "errors": {"x": "It is too much."}}
    with Hanging(told).behind("take_submission"):
        window.submit(**TYPED)
        desk.slack.answers = [(200, {}, {"ok": False, "error": "not_found"})]
    assert desk.notes == ["It is too much."]


def test_a_window_needs_nothing_of_slack_to_be_answered(desk: Desk, run: Run) -> None:
    window = open_window(desk, run)
    answer_then(desk, (HANG, {}, ""))
    assert read_told(window.submit(**TYPED)) == "Your answer is on its way."


def test_a_press_that_comes_to_nothing_is_told(desk: Desk, approval: Approval) -> None:
    approve, _ = desk.deliver()
    answer_then(desk, (500, {}, ""))
    desk.press(approve)
    assert desk.notes == ["Something went wrong here. Answer at the desk."]


def test_a_press_takes_effect_later_and_the_history_says_by_slack(
    desk: Desk, approval: Approval, undoing: None
) -> None:
    approve, _ = desk.deliver()
    desk.press(approve)
    assert re.search(r"takes effect in \d+ s", desk.notes[0])
    assert Vote.objects.filter(HELD).count() == 1
    assert let_time_pass() == 1
    approval.refresh_from_db()
    assert (approval.decision.decided_by, approval.decision.via) == ("bob", "slack")


def test_a_press_can_be_undone_until_then(desk: Desk, approval: Approval, undoing: None) -> None:
    approve, _ = desk.deliver()
    desk.press(approve)
    undo = find_undo(last_note(desk))
    desk.press(undo, member="Ueve")
    assert Vote.objects.filter(HELD).exists(), "nobody undoes what another has decided"
    desk.press(undo)
    assert desk.notes[-1].startswith("Undone.")
    assert let_time_pass() == 0
    desk.press(undo)
    assert desk.notes[-1].startswith("There is nothing to undo")
    approval.refresh_from_db()
    assert approval.is_waiting


def test_a_rejection_can_be_undone_in_its_window(
    desk: Desk, approval: Approval, undoing: None
) -> None:
    _, reject = desk.deliver()
    desk.press(reject)
    view = json.loads(desk.slack.named("views.open")[0]["view"]) | {"id": "V1"}
    view["state"] = {"values": {"reason": {"reason": {"value": "too dear"}}}}
    bob = {"user": {"id": "Ubob"}, "view": view}
    told = desk.send({"type": "view_submission", **bob})
    undo = find_undo(told["view"]["blocks"])
    desk.send({"type": "block_actions", "trigger_id": "1.2", "actions": [undo], **bob})
    [update] = desk.slack.named("views.update")
    assert "Undone." in update["view"]
    assert let_time_pass() == 0
    approval.refresh_from_db()
    assert approval.is_waiting


def test_a_typed_answer_takes_effect_at_once(desk: Desk, run: Run, undoing: None) -> None:
    window = open_window(desk, run)
    assert read_told(window.submit(**TYPED)) == "Your answer is on its way."
    assert Approval.objects.get().decision.via == "slack"
