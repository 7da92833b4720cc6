"""Buttons of Slack, for pauses with few plain fields or none: what follows when one is pressed.

The same services decide as on the pages, and what is decided by one press can be undone as there;
a message is changed when its approval has ended.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.http import Http404

from approvals.display.addresses import write_address
from approvals.messages.slack_asked import (
    explain_gone,
    find_asked,
    find_person,
    is_offered,
    mark,
    name_asked,
)
from approvals.messages.slack_forms import ANSWER
from approvals.messages.slack_notes import (
    GONE,
    UNDO,
    note,
    replace_note,
    show,
    tell,
    write_button,
    write_result,
)
from approvals.messages.slack_windows import open_answer, open_rejection
from approvals.models import Approval, Notification
from approvals.services import holding
from approvals.services.inbox import get_approval_for

_APPROVE, _REJECT = "approve", "reject"
_UNKNOWN = "The desk does not know which of its people you are. Link your account there:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button that somebody has pressed, in a message or in a window."""

    user: User
    member: str
    value: str
    trigger: str
    place: str
    view: dict[str, Any] | None
    # Where a note that only they read is replaced, whose button has served then
    note_url: str

    def tell(self, said: str | list[dict[str, Any]]) -> None:
        """Say what came of it where the button is, to nobody else."""
        if self.view:
            show(self.view, tell(said))
        elif not (self.note_url and replace_note(self.note_url, said)):
            note(self.place, self.member, said)


def write_buttons(row: Notification) -> list[dict[str, Any]]:
    """Return the block of buttons for what can be decided by one press, where there is one."""
    approval = row.approval
    if not settings.SLACK_APP_TOKEN or row.kind != Notification.Kind.WAITS or approval is None:
        return []
    if not is_offered(approval):
        return []
    value = name_asked(approval)
    first = ("Answer", ANSWER) if approval.asks_for_input else ("Approve", _APPROVE)
    buttons = [write_button(*first, value, "primary"), write_button("Reject", _REJECT, value)]
    return [{"type": "actions", "elements": buttons}]


def take_press(payload: dict[str, Any]) -> None:
    """Do what somebody pressed; whoever cannot be told apart gets a note that only they read."""
    action, member = payload["actions"][0], payload["user"]["id"]
    take = PRESSES.get(action["action_id"])
    if take is None:
        return
    is_note = payload.get("container", {}).get("is_ephemeral", False)
    place, user = (payload.get("channel") or {}).get("id", ""), find_person(member)
    if user is None:
        note(place, member, f"{_UNKNOWN} {write_address('me')}")
        return
    take(
        Press(
            user=user,
            member=member,
            value=action["value"],
            trigger=payload["trigger_id"],
            place=place,
            view=payload.get("view"),
            note_url=payload.get("response_url", "") if is_note else "",
        )
    )


def _approve(press: Press) -> None:
    approval = _find(press)
    if approval and not approval.asks_for_input:
        result = holding.hold_answer(approval, user=press.user, seen=mark(approval))
        press.tell(write_result(approval, result))


def _ask_for_answer(press: Press) -> None:
    if approval := _find(press):
        open_answer(press.trigger, approval, press.user)


def _ask_why(press: Press) -> None:
    if approval := _find(press):
        open_rejection(press.trigger, approval, press.user)


def _undo(press: Press) -> None:
    try:
        approval = get_approval_for(press.user, UUID(press.value))
    except (Http404, ValueError):
        press.tell(GONE)
        return
    if holding.undo([approval.pk], user=press.user):
        press.tell("Undone. It is as if you had not decided.")
    else:
        press.tell(holding.explain_no_undo(approval, user=press.user))


def _find(press: Press) -> Approval | None:
    """Return what a button is about; where it serves no more, who pressed it is told why."""
    approval = find_asked(press.user, press.value)
    if approval is None:
        press.tell(explain_gone(press.user, press.value))
    return approval


# What can come in from Slack by a button; each one stands in the table of doors
PRESSES: Mapping[str, Callable[[Press], None]] = {
    _APPROVE: _approve,
    ANSWER: _ask_for_answer,
    _REJECT: _ask_why,
    UNDO: _undo,
}
