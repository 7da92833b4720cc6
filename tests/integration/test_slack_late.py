"""What somebody is told in Slack who presses a button too late, or twice, or after an upgrade."""

from typing import Any

import pytest

from approvals.models import Approval
from approvals.services.holding import explain_no_undo
from flowruns.domain.actors import api_key
from flowruns.services.runs.resume import resume_flow_run
from tests.integration.conftest import Run
from tests.integration.pages import ask
from tests.integration.test_hold_votes import let_time_pass
from tests.integration.test_slack_buttons import Desk, approval, desk
from tests.integration.test_slack_forms import read_told
from tests.integration.test_slack_in_time import (
    TYPED,
    find_undo,
    last_note,
    open_window,
    undoing,
)
from tests.teams import person

__all__ = ["approval", "desk", "undoing"]
pytestmark = pytest.mark.django_db


def approve(desk: Desk) -> dict[str, Any]:
    """Press Approve, and return the button of the note that says when it takes effect."""
    button, _ = desk.deliver()
    desk.press(button)
    return find_undo(last_note(desk))


def press_in_note(desk: Desk, button: dict[str, Any]) -> None:
    payload = {
        "type": "block_actions",
        "user": {"id": "Ubob"},
        "trigger_id": "1.2",
        "channel": {"id": "Dbob"},
        "container": {"type": "message", "is_ephemeral": True},
        "response_url": desk.slack.note_url,
        "actions": [button],
    }
    desk.send(payload)


def test_a_note_whose_undo_was_pressed_has_no_button_any_more(
    desk: Desk, approval: Approval, undoing: None
) -> None:
    press_in_note(desk, approve(desk))
    [replaced] = desk.slack.replaced
    assert replaced["replace_original"] is True
    assert replaced["text"].startswith("Undone.")
    assert [block["type"] for block in replaced["blocks"]] == ["section"]
    assert len(desk.notes) == 1, "it is not said twice"


def test_who_presses_undo_late_reads_that_it_has_taken_effect(
    desk: Desk, approval: Approval, undoing: None
) -> None:
    undo = approve(desk)
    let_time_pass()
    press_in_note(desk, undo)
    assert desk.slack.replaced[0]["text"] == "It was too late to undo it: it has taken effect."


def test_who_presses_undo_twice_reads_that_nothing_is_on_its_way(
    desk: Desk, approval: Approval, undoing: None
) -> None:
    undo = approve(desk)
    press_in_note(desk, undo)
    press_in_note(desk, undo)
    assert desk.slack.replaced[1]["text"].startswith("There is nothing to undo")


def test_who_undoes_what_did_not_count_reads_why(
    desk: Desk, approval: Approval, undoing: None
) -> None:
    undo = approve(desk)
    resume_flow_run(approval.flow_run_id, run_input=None, actor=api_key("shop"))
    let_time_pass()
    press_in_note(desk, undo)
    said = desk.slack.replaced[0]["text"]
    assert said.startswith("It did not count, so there is nothing to undo. It had ended")


def test_a_note_that_slack_does_not_replace_is_followed_by_another(
    desk: Desk, approval: Approval, undoing: None
) -> None:
    desk.slack.keeps_notes = False
    press_in_note(desk, approve(desk))
    assert desk.notes[-1].startswith("Undone.")


def test_an_undo_of_another_desk_or_release_is_told_so(desk: Desk, approval: Approval) -> None:
    desk.press({"action_id": "undo", "value": "7", "type": "button"})
    assert desk.notes == ["It does not wait for you any more."]


@pytest.mark.parametrize("metadata", ["", "[]", "7", '{"approval": "x"}'])
def test_a_window_that_another_release_has_opened_says_what_to_do(
    desk: Desk, run: Run, metadata: str
) -> None:
    window = open_window(desk, run)
    window.view["private_metadata"] = metadata
    assert read_told(window.submit(**TYPED)).startswith("The desk was upgraded")
    assert Approval.objects.get().is_waiting


def test_the_page_says_the_same_to_who_undoes_twice(run: Run) -> None:
    assert explain_no_undo(ask(run), user=person("alice")).startswith("There is nothing to undo")
