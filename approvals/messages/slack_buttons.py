"""Buttons of Slack, for pauses with few plain fields or none: who pressed them, and what follows.

The same services decide as on the pages; a message is changed when its approval has ended.
"""

import json
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.http import Http404

from approvals.display.addresses import write_address
from approvals.messages.sealing import unseal
from approvals.messages.slack_api import NotTaken, call_slack
from approvals.messages.slack_forms import ANSWER, find_window, write_plain
from approvals.models import Approval, Channel, Notification
from approvals.services import votes
from approvals.services.decisions import Decided, Refused, Sent, TooLate
from approvals.services.inbox import get_approval_for
from approvals.services.votes import Counted, VoteResult

_APPROVE, _REJECT, _REASON = "approve", "reject", "reason"
_UNKNOWN = "The desk does not know which of its people you are. Link your account there:"
_MOST = 2_000  # characters of a reason


def write_buttons(row: Notification) -> list[dict[str, Any]]:
    """Return the block of buttons for what can be decided by one press, where there is one."""
    approval = row.approval
    if not settings.SLACK_APP_TOKEN or row.kind != Notification.Kind.WAITS or approval is None:
        return []
    if not _is_offered(approval):
        return []
    value = f"{approval.pk}/{approval.pause_state_id}/{_mark(approval).partition('-')[0]}"
    first = ("Answer", ANSWER) if approval.asks_for_input else ("Approve", _APPROVE)
    buttons = [_button(*first, value, "primary"), _button("Reject", _REJECT, value)]
    return [{"type": "actions", "elements": buttons}]


def take_press(payload: dict[str, Any]) -> None:
    """Do what somebody pressed; whoever cannot be told apart gets a note that only they read."""
    action, member = payload["actions"][0], payload["user"]["id"]
    place = payload.get("channel", {}).get("id", "")
    user = find_person(member)
    if user is None:
        _note(place, member, f"{_UNKNOWN} {write_address('me')}")
    elif (approval := _find_asked(user, action["value"])) is None:
        _note(place, member, "It does not wait for you any more.")
    elif action["action_id"] == _REJECT:
        _ask_why(payload["trigger_id"], f"{action['value']}/{place}")
    elif action["action_id"] == ANSWER and (window := find_window(approval)):
        metadata = json.dumps({"asked": action["value"], "seen": _mark(approval)})
        call_slack(
            "views.open", trigger_id=payload["trigger_id"], view=window.write(metadata=metadata)
        )
    elif action["action_id"] == _APPROVE and not approval.asks_for_input:
        result = votes.answer_approval(approval, user=user, run_input={}, seen=_mark(approval))
        _note(place, member, _explain(result))


def is_answer(payload: dict[str, Any]) -> bool:
    """Whether somebody has submitted a window of fields, which is to be told what is wrong."""
    view = payload.get("view") or {}
    return payload.get("type") == "view_submission" and view.get("callback_id") == ANSWER


def take_answer(payload: dict[str, Any]) -> dict[str, Any]:
    """Answer with what somebody has entered in a window; returns what the window shows next."""
    view = payload["view"]
    asked = json.loads(view["private_metadata"])
    user = find_person(payload["user"]["id"])
    approval = _find_asked(user, asked["asked"]) if user else None
    window = find_window(approval) if approval else None
    if user is None or approval is None or window is None:
        return _tell("It does not wait for you any more.")
    entered = view["state"]["values"]
    form = window.read(entered)
    if window.agrees(entered):
        result = votes.agree(approval, user=user, seen=asked["seen"])
    elif form.is_valid:
        value, seen = form.value, asked["seen"]
        result = votes.answer_approval(approval, user=user, run_input=value, seen=seen)
    else:
        return _point_out(window.find_errors(form))
    if isinstance(result, Refused):
        return _point_out(window.explain(form, result))
    return _tell(_explain(result))


def take_reason(payload: dict[str, Any]) -> None:
    """Reject for the reason that somebody has typed."""
    view, member = payload["view"], payload["user"]["id"]
    value, _, place = view["private_metadata"].rpartition("/")
    reason = str(view["state"]["values"][_REASON][_REASON]["value"] or "").replace("\x00", "")
    user = find_person(member)
    approval = _find_asked(user, value) if user else None
    if user is None or approval is None:
        _note(place, member, "It does not wait for you any more.")
    else:
        _note(place, member, _explain(votes.reject_approval(approval, user=user, reason=reason)))


def find_person(member: str) -> User | None:
    """Return who one of Slack's users is: by a code they typed, or by their confirmed address."""
    channels = Channel.objects.filter(kind=Channel.Kind.SLACK, user__is_active=True)
    for channel in channels.exclude(address="").select_related("user"):
        is_typed = channel.verified_by == Channel.CODE
        if is_typed and unseal(channel.address) == member:
            return channel.user
    found = call_slack("users.info", user=member)["user"]
    address = found.get("profile", {}).get("email", "")
    if not address or not found.get("is_email_confirmed", True) or found.get("deleted"):
        return None
    people = list(User.objects.filter(email__iexact=address, is_active=True)[:2])
    return people[0] if len(people) == 1 else None


def _is_offered(approval: Approval) -> bool:
    """Whether a press or a window says all: few plain fields or none, and nobody has to sign."""
    if votes.read_standing(approval).is_signed:
        return False
    return not approval.asks_for_input or find_window(approval) is not None


def _find_asked(user: User, value: str) -> Approval | None:
    """Return the approval of a button, as long as it is the same question and the user sees it."""
    key, _, asked = value.partition("/")
    try:
        approval = get_approval_for(user, UUID(key))
    except (Http404, ValueError):
        return None
    is_same = asked == f"{approval.pause_state_id}/{_mark(approval).partition('-')[0]}"
    return approval if is_same and approval.is_waiting and _is_offered(approval) else None


def _mark(approval: Approval) -> str:
    """Return the mark of what is asked, and behind a hyphen of what others have answered."""
    return votes.mark_seen(approval, votes.read_standing(approval))


def _explain(result: VoteResult) -> str:
    match result:
        case Decided() | Sent():
            return "Your answer is on its way."
        case Counted(lack):
            return f"Your answer counts. {lack}"
        case TooLate():
            return "Somebody was faster, or it has ended."
        case Refused(reason):
            return reason
        case _:
            return result.why


def _ask_why(trigger: str, value: str) -> None:
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
        "private_metadata": value,
        "title": write_plain("Reject"),
        "submit": write_plain("Reject"),
        "blocks": [field],
    }
    call_slack("views.open", trigger_id=trigger, view=view)


def _note(place: str, member: str, text: str) -> None:
    """Tell one person what came of it; a note that Slack does not take is not worth a fault."""
    try:
        call_slack("chat.postEphemeral", channel=place or member, user=member, text=text)
    except NotTaken:
        return


def _tell(text: str) -> dict[str, Any]:
    """Have a window say what came of it."""
    block = {"type": "section", "text": write_plain(text, _MOST)}
    view = {"type": "modal", "title": write_plain("Answer"), "blocks": [block]}
    return {"response_action": "update", "view": view}


def _point_out(errors: dict[str, str]) -> dict[str, Any]:
    return {"response_action": "errors", "errors": errors}


def _button(text: str, action: str, value: str, style: str = "") -> dict[str, Any]:
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": text},
        "action_id": action,
        "value": value,
    }
    return {**button, "style": style} if style else button
