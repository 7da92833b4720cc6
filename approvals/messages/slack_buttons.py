"""Buttons of Slack, for pauses without a form: who pressed them, and what comes of it.

The same services decide as on the pages; a message is changed when its approval has ended.
"""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.http import Http404

from approvals.display.addresses import write_address
from approvals.messages.sealing import unseal
from approvals.messages.slack_api import NotTaken, call_slack
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
    if not _is_simple(approval):
        return []
    value = f"{approval.pk}/{approval.pause_state_id}/{_mark(approval).partition('-')[0]}"
    buttons = [_button("Approve", _APPROVE, value, "primary"), _button("Reject", _REJECT, value)]
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
    elif action["action_id"] == _APPROVE:
        result = votes.answer_approval(approval, user=user, run_input={}, seen=_mark(approval))
        _note(place, member, _explain(result))


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


def _is_simple(approval: Approval) -> bool:
    """Whether one press says all: nothing is asked, and nobody has to sign."""
    return not approval.asks_for_input and not votes.read_standing(approval).is_signed


def _find_asked(user: User, value: str) -> Approval | None:
    """Return the approval of a button, as long as it is the same question and the user sees it."""
    key, _, asked = value.partition("/")
    try:
        approval = get_approval_for(user, UUID(key))
    except (Http404, ValueError):
        return None
    is_same = asked == f"{approval.pause_state_id}/{_mark(approval).partition('-')[0]}"
    return approval if is_same and approval.is_waiting and _is_simple(approval) else None


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
        "label": {"type": "plain_text", "text": "Why?"},
        "hint": {"type": "plain_text", "text": "The flow and its author are told your reason."},
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
        "title": {"type": "plain_text", "text": "Reject"},
        "submit": {"type": "plain_text", "text": "Reject"},
        "blocks": [field],
    }
    call_slack("views.open", trigger_id=trigger, view=view)


def _note(place: str, member: str, text: str) -> None:
    """Tell one person what came of it; a note that Slack does not take is not worth a fault."""
    try:
        call_slack("chat.postEphemeral", channel=place or member, user=member, text=text)
    except NotTaken:
        return


def _button(text: str, action: str, value: str, style: str = "") -> dict[str, Any]:
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": text},
        "action_id": action,
        "value": value,
    }
    return {**button, "style": style} if style else button
