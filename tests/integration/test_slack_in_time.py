"""Whatever hangs behind Slack or the desk: Slack hears within its three seconds, and people too."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slack_sdk.models.views import View

from approvals.messages import slack_socket
from approvals.models import HELD, Approval, Vote
from approvals.services.holding import apply_held_votes
from flowruns.sdk.inputs.schemas import schema_of
from tests.integration.conftest import Run
from tests.integration.pages import ask, log_in, text_of
from tests.integration.telling import reach
from tests.integration.test_hold_votes import let_time_pass
from tests.integration.test_slack_buttons import Desk, approval, desk
from tests.integration.test_slack_forms import Refund, Window, read_told
from tests.slack import HANG
from tests.teams import hold, make_teams, say_yes

__all__ = ["approval", "desk"]
pytestmark = pytest.mark.django_db
TYPED = {"approve": "Yes", "amount": "42", "due": "2031-02-03", "comment": "as agreed"}


@pytest.fixture
def hang(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Have a step behind an envelope hang, in a thread as at work, until the test lets it go on."""
    workers, may_go_on = ThreadPoolExecutor(2), threading.Event()
    monkeypatch.setattr(slack_socket, "_workers", workers)
    monkeypatch.setattr(slack_socket, "PATIENCE_SECONDS", 0)

    def hang_there(step: str, then: dict[str, Any] | None = None) -> None:
        def wait(_: Any) -> dict[str, Any] | None:
            assert may_go_on.wait(30)
            return then

        monkeypatch.setattr(slack_socket, step, wait)

    yield hang_there
    may_go_on.set()
    workers.shutdown()


@pytest.fixture
def undoing(settings: Any) -> None:
    settings.UNDO_SECONDS = 10


def undo_of(block_sets: list[dict[str, Any]]) -> dict[str, Any]:
    [undo] = [each for block in block_sets for each in block.get("elements", [])]
    assert undo["text"]["text"] == "Undo"
    return undo


def test_a_press_that_hangs_is_acknowledged_and_holds_up_no_other(desk: Desk, hang: Any) -> None:
    hang("take_press")
    press = {"type": "block_actions", "user": {"id": "Ubob"}, "actions": []}
    assert [desk.send(press) for _ in range(3)] == [{}, {}, {}]


def test_a_window_that_hangs_is_acknowledged_with_a_word_and_told_later(
    desk: Desk, run: Run, hang: Any
) -> None:
    ask(run, schema=schema_of(Refund))
    slack_socket._workers, workers = _at_once(), slack_socket._workers
    window = Window(desk)
    slack_socket._workers = workers
    window.view["id"] = "V1"
    [first, *_] = [block["block_id"] for block in window.fields.values()]
    hang("take_submission", {"response_action": "errors", "errors": {first: "Not so."}})
    assert read_told(window.submit(**TYPED)).startswith("One moment")
    assert desk.slack.named("views.update") == []
