"""Windows that open in Slack, and what follows when somebody has filled one in.

A window carries who has opened it, so that nothing has to be asked of Slack when it comes back.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.models import User

from approvals.messages.slack_api import call_slack
from approvals.messages.slack_asked import explain_gone, find_asked, mark, name_asked
from approvals.messages.slack_forms import ANSWER, find_window, write_plain
from approvals.messages.slack_notes import GONE, point_out, tell, write_result
from approvals.models import Approval
from approvals.services import holding, votes
from approvals.services.decisions import Refused
from approvals.services.holding import HoldResult

type Told = dict[str, Any]
type Entered = dict[str, Any]
_REJECT, _REASON = "reject", "reason"
_CARRIED = {"asked", "seen", "user"}
_OUTDATED = (
    "The desk was upgraded after this window had opened, so nothing was sent. Close it and press"
    " the button in the message again."
)
_MOST = 2_000  # characters of a reason


def open_answer(trigger: str, approval: Approval, user: User) -> None:
    """Open the window of a form, where there is one."""
    if window := find_window(approval):
        view = window.write(metadata=_write_metadata(approval, user))
        call_slack("views.open", trigger_id=trigger, view=view)


def open_rejection(trigger: str, approval: Approval, user: User) -> None:
    """Open a window for the reason, which the flow is told."""
    field = {
        "type": "input",
        "block_id": _REASON,
        "label": write_plain("Why?"),
        "hint": write_plain("The flow and its author are told your reason.", _MOST),
        "element": {
            "type": "plain_text_input",
            "action_id": _REASON,
            "multiline": True,
            "max_length": _MOST,
        },
    }
    view = {
        "type": "modal",
        "callback_id": _REJECT,
        "private_metadata": _write_metadata(approval, user),
        "title": write_plain("Reject"),
        "submit": write_plain("Reject"),
        "blocks": [field],
    }
    call_slack("views.open", trigger_id=trigger, view=view)


def take_submission(payload: dict[str, Any]) -> Told:
    """Do what somebody has filled in a window for; returns what it shows next."""
    view = payload["view"]
    take = WINDOWS.get(view["callback_id"])
    asked = _read_metadata(view["private_metadata"])
    if asked is None or take is None:
        return tell(_OUTDATED)
    user = User.objects.filter(pk=asked["user"], is_active=True).first()
    if user is None:
        return tell(GONE)
    approval = find_asked(user, asked["asked"])
    if approval is None:
        return tell(explain_gone(user, asked["asked"]))
    return take(approval, user, asked["seen"], view["state"]["values"])


def _take_answer(approval: Approval, user: User, seen: str, entered: Entered) -> Told:
    """Answer with what somebody has entered, or agree to what others have answered."""
    window = find_window(approval)
    if window is None:
        return tell(GONE)
    form = window.read(entered)
    result: HoldResult
    if window.agrees(entered):
        result = holding.hold_answer(approval, user=user, seen=seen)
    elif form.is_valid:
        result = votes.answer_approval(approval, user=user, run_input=form.value, seen=seen)
    else:
        return point_out(window.find_errors(form))
    if isinstance(result, Refused):
        return point_out(window.explain(form, result))
    return tell(write_result(approval, result))


def _take_reason(approval: Approval, user: User, _seen: str, entered: Entered) -> Told:
    """Reject for the reason that somebody has typed."""
    reason = str(entered[_REASON][_REASON]["value"] or "").replace("\x00", "")
    result = holding.hold_rejection(approval, user=user, reason=reason)
    if isinstance(result, Refused):
        return point_out({_REASON: result.reason})
    return tell(write_result(approval, result))


def _read_metadata(text: str) -> dict[str, Any] | None:
    """Return what a window carries; None where another release has opened it, with other things."""
    try:
        asked = json.loads(text)
    except ValueError:
        return None
    is_ours = isinstance(asked, dict) and asked.keys() >= _CARRIED
    return asked if is_ours else None


def _write_metadata(approval: Approval, user: User) -> str:
    asked = {"asked": name_asked(approval), "seen": mark(approval), "user": user.pk}
    return json.dumps(asked)


# What can come back from Slack by a window; each one stands in the table of doors
WINDOWS: Mapping[str, Callable[[Approval, User, str, Entered], Told]] = {
    ANSWER: _take_answer,
    _REJECT: _take_reason,
}
