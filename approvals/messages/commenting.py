"""Comments become messages to whom they mention, ask, or answer."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from approvals.messages.content import write_commented
from approvals.messages.recipients import kinds_in_use, open_channels
from approvals.messages.reminding import GRACE
from approvals.models import Approval, Comment, Notification
from approvals.services.requesters import find_requesters
from approvals.signals import comment_written

Kind = Notification.Kind


def connect() -> None:
    """Start to tell people of comments."""
    comment_written.connect(announce_comment, dispatch_uid="approvals.announce_comment")


def announce_comment(*, comment: Comment, mentions: list[User], **_: Any) -> None:
    """Tell the requester who is asked, who asked of the reply, and whoever is mentioned.

    An edit tells those only who have not been told of the comment.
    """
    if not kinds_in_use():
        return
    if comment.asks_requester:
        _write(comment, find_requesters(comment.approval), Kind.ASKED)
    _write(comment, _find_asking(comment), Kind.REPLIED)
    _write(comment, User.objects.filter(pk__in=[each.pk for each in mentions]), Kind.MENTIONED)


def _find_asking(comment: Comment) -> QuerySet[User]:
    """Return who had asked the requester what this comment replies to."""
    requesters = find_requesters(comment.approval)
    if not requesters.filter(comments=comment).exists():
        return User.objects.none()
    earlier = comment.approval.comments.filter(written_at__lt=comment.written_at)
    last = earlier.filter(author__in=requesters).order_by("-written_at").first()
    asked = earlier.filter(asks_requester=True, deleted_at__isnull=True)
    if last is not None:
        asked = asked.filter(written_at__gt=last.written_at)
    return User.objects.filter(pk__in=asked.values("author"))


def _write(comment: Comment, people: QuerySet[User], kind: Notification.Kind) -> None:
    """Write one row for each person; the first kind that a comment has for somebody counts."""
    now = datetime.now(UTC)
    approval = Approval.objects.get(pk=comment.approval_id)
    Notification.objects.bulk_create(
        (
            Notification(
                approval=approval,
                comment=comment,
                channel=channel,
                kind=kind,
                content=write_commented(approval, by=comment.name),
                created_at=now,
                next_try_at=now + GRACE,
            )
            for channel in open_channels(people.exclude(comments=comment))
        ),
        ignore_conflicts=True,
    )


def object_to_comment(row: Notification, comment: Comment, approval: Approval) -> str:
    """Return why a message of a comment does not hold any more, "" where it does."""
    if comment.deleted_at is not None:
        return "The comment was deleted."
    if approval.closed_at is not None and comment.written_at < approval.closed_at:
        return "It has ended since."
    is_answered = row.kind == Kind.ASKED and not approval.asked_requester_at
    return "They have replied." if is_answered else ""
