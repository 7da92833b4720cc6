"""Comments: what people say to each other about an approval, before, during and after.

Whoever may see an approval may comment on it, and may be mentioned. A flow never gets a comment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from approvals.display.mentions import find_mentions, spellings
from approvals.models import Approval, Comment
from approvals.services.inbox import visible_to
from approvals.services.requesters import find_requesters
from approvals.signals import comment_written
from flowruns.models.prepared import PreparedQuery

MAX_LENGTH = 10_000  # characters
MAX_MENTIONS = 20
EDITABLE = timedelta(minutes=5)
_MOST_SHOWN = 500
_latest = PreparedQuery(
    Comment.objects.order_by("-written_at", "-id"), by="approval", most=_MOST_SHOWN
)


@dataclass(frozen=True, slots=True)
class CommentRefused:
    """Nothing was stored; the sentence says why."""

    why: str


@dataclass(frozen=True, slots=True)
class Commented:
    """The comment is stored; `unheard` are names it mentions that nobody who may see it has."""

    comment: Comment
    unheard: Sequence[str]


type CommentResult = Commented | CommentRefused


def list_comments(approval: Approval) -> list[Comment]:
    """Return the latest comments, in the order in which they were written."""
    return _latest.find_all(approval.pk)[::-1]


def write_comment(
    approval: Approval, *, user: User, text: str, asks_requester: bool = False
) -> CommentResult:
    """Say something of an approval, whether it waits or has ended.

    With `asks_requester` nobody is reminded until whoever asked for the run has replied.
    """
    if problem := _find_problem(text):
        return CommentRefused(problem)
    if asks_requester and not may_ask_requester(approval, user=user):
        return CommentRefused("Nobody can be asked: it has ended, or who asked for it is unknown.")
    comment = Comment(
        approval=approval,
        author=user,
        name=user.get_username(),
        text=text.strip(),
        asks_requester=asks_requester,
        written_at=datetime.now(UTC),
    )
    with transaction.atomic():
        _hold(approval)
        comment.save(force_insert=True)
        _settle_asking(approval)
        return _tell(comment)


def edit_comment(comment: Comment, *, user: User, text: str) -> CommentResult:
    """Put another text in the place of one's own, for `EDITABLE` after it was written."""
    if problem := _find_problem(text):
        return CommentRefused(problem)
    since = datetime.now(UTC) - EDITABLE
    with transaction.atomic():
        mine = _own(comment, user).filter(written_at__gt=since)
        if not mine.update(text=text.strip(), edited_at=datetime.now(UTC)):
            return CommentRefused("A comment can be edited for five minutes, by its author.")
        comment.refresh_from_db()
        return _tell(comment)


def delete_comment(comment: Comment, *, user: User) -> CommentRefused | None:
    """Take one's own comment away; that there was one, whose and when stays."""
    with transaction.atomic():
        _hold(comment.approval)
        if not _own(comment, user).update(text="", deleted_at=datetime.now(UTC)):
            return CommentRefused("Only its author can delete a comment, once.")
        _settle_asking(comment.approval)
    return None


def may_edit(comment: Comment, *, user: User) -> bool:
    is_mine = comment.author_id == user.pk and comment.deleted_at is None
    return is_mine and comment.written_at > datetime.now(UTC) - EDITABLE


def may_ask_requester(approval: Approval, *, user: User) -> bool:
    """Whether there is somebody else to ask, who asked for the run of what waits."""
    if not approval.is_waiting:
        return False
    asked = set(find_requesters(approval).filter(is_active=True).values_list("pk", flat=True))
    return bool(asked) and user.pk not in asked


def get_comment(approval: Approval, comment_id: UUID) -> Comment | None:
    """Return a comment of this approval."""
    return approval.comments.select_related("approval").filter(pk=comment_id).first()


def _find_problem(text: str) -> str:
    if not text.strip():
        return "Write something first."
    if "\x00" in text:
        return "The comment contains an invisible character (NUL) that cannot be stored."
    if len(text) > MAX_LENGTH:
        return f"Keep a comment under {MAX_LENGTH:,} characters; it has {len(text):,} now."
    if (count := len(find_mentions(text))) > MAX_MENTIONS:
        return f"Mention {MAX_MENTIONS} people at most; there are {count} now."
    return ""


def _own(comment: Comment, user: User) -> QuerySet[Comment]:
    return Comment.objects.filter(pk=comment.pk, author=user, deleted_at__isnull=True)


def _hold(approval: Approval) -> None:
    """Let a question and its reply come one after the other."""
    Approval.objects.select_for_update(no_key=True).get(pk=approval.pk)


def _settle_asking(approval: Approval) -> None:
    """Say since when a question to the requester has no reply; a deleted question asks nothing."""
    replies = approval.comments.filter(author__in=find_requesters(approval))
    replied_at = replies.order_by("-written_at").values_list("written_at", flat=True).first()
    asked = approval.comments.filter(asks_requester=True, deleted_at__isnull=True)
    if replied_at is not None:
        asked = asked.filter(written_at__gt=replied_at)
    since = asked.order_by("written_at").values_list("written_at", flat=True).first()
    approval.asked_requester_at = since
    Approval.objects.filter(pk=approval.pk).update(asked_requester_at=since)


def _tell(comment: Comment) -> Commented:
    people, unheard = _find_people(comment)
    comment_written.send(sender=Comment, comment=comment, mentions=people)
    return Commented(comment, unheard)


def _find_people(comment: Comment) -> tuple[list[User], list[str]]:
    """Return who is mentioned and may see the approval, and the names of which nobody does."""
    names = find_mentions(comment.text)
    users = _find_users([each for name in names for each in spellings(name)])
    people: list[User] = []
    unheard: list[str] = []
    for name in names:
        found = next((users[each] for s in spellings(name) if (each := s.lower()) in users), None)
        if found is not None and visible_to(found).filter(pk=comment.approval_id).exists():
            people.append(found)
        else:
            unheard.append(spellings(name)[-1])
    return people, unheard


def _find_users(names: Sequence[str]) -> dict[str, User]:
    """Return people by their user names in small letters; a name in its own letters comes first."""
    wanted = {name.lower() for name in names}
    active = User.objects.filter(is_active=True)
    # Compared here: of letters beyond ASCII, SQLite does not know which are the same in small
    known = active.values_list("pk", "username") if wanted else ()
    found = active.filter(pk__in=[pk for pk, name in known if name.lower() in wanted])
    ordered = sorted(found, key=lambda user: user.username in names)
    return {user.username.lower(): user for user in ordered}
