"""Who presses something in Slack, and what they were asked there."""

from uuid import UUID

from django.contrib.auth.models import User
from django.http import Http404

from approvals.display.addresses import write_address
from approvals.messages.sealing import unseal_address
from approvals.messages.slack_api import call_slack, find_member
from approvals.messages.slack_forms import find_window
from approvals.messages.slack_notes import GONE
from approvals.models import Approval, Channel
from approvals.services import votes
from approvals.services.inbox import get_approval_for
from approvals.services.voiding import CHANGED


def find_person(member: str) -> User | None:
    """Return who one of Slack's users is: by a code they typed, or by their confirmed address."""
    channels = Channel.objects.filter(kind=Channel.Kind.SLACK, user__is_active=True)
    for channel in channels.exclude(address="").select_related("user"):
        is_typed = channel.verified_by == Channel.CODE
        if is_typed and unseal_address(channel) == member:
            return channel.user
    found = call_slack("users.info", user=member)["user"]
    address = found.get("profile", {}).get("email", "")
    if not address or not found.get("is_email_confirmed", True) or found.get("deleted"):
        return None
    if find_member(address) != member:
        # Somebody of another workspace, in a shared channel: its admins choose their addresses
        return None
    people = list(User.objects.filter(email__iexact=address, is_active=True)[:2])
    return people[0] if len(people) == 1 else None


def is_offered(approval: Approval) -> bool:
    """Whether a press or a window says all: few plain fields or none, and nobody has to sign."""
    if votes.read_standing(approval).is_signed:
        return False
    return not approval.asks_for_input or find_window(approval) is not None


def name_asked(approval: Approval) -> str:
    """Return what a button carries: the approval, its pause and the mark of what is asked."""
    return f"{approval.pk}/{approval.pause_state_id}/{mark(approval).partition('-')[0]}"


def find_asked(user: User, value: str) -> Approval | None:
    """Return the approval of a button, as long as it is the same question and the user sees it."""
    approval = _find_seen(user, value)
    if approval is None or not approval.is_waiting or value != name_asked(approval):
        return None
    return approval if is_offered(approval) else None


def explain_gone(user: User, value: str) -> str:
    """Say why a button or a window serves no more."""
    approval = _find_seen(user, value)
    if approval is None or not approval.is_waiting:
        return GONE
    page = write_address("approval", approval.pk)
    if value != name_asked(approval):
        return f"{CHANGED} Look at it again: {page}"
    return f"It can be answered at the desk alone by now: {page}"


def _find_seen(user: User, value: str) -> Approval | None:
    """Return the approval that a button names, as long as the user sees it."""
    try:
        return get_approval_for(user, UUID(value.partition("/")[0]))
    except (Http404, ValueError):
        return None


def mark(approval: Approval) -> str:
    """Return the mark of what is asked, and behind a hyphen of what others have answered."""
    return votes.mark_seen(approval, votes.read_standing(approval))
